"""Sessions end, are used by one request at a time, and remember SET and USE."""

import pytest

from embedded.store.failures import QueryFailed
from embedded.store.request import Session
from embedded.store.sessions import SESSIONS, STATEMENTS, Sessions


def session(name="s", timeout_s=60, must_exist=False) -> Session:
    return Session(name, timeout_s, must_exist)


def test_what_was_set_is_remembered_until_the_session_ends():
    sessions = Sessions()
    with sessions.use(session(timeout_s=10), 0.0) as used:
        used.remember(b"SET a = 1")
        used.remember(b"SELECT 1")
        used.remember(b"USE b")
    with sessions.use(session(timeout_s=10), 10.0) as used:
        assert used.said == ["SET a = 1", "USE b"]
    with sessions.use(session(timeout_s=10), 20.1) as used:
        assert used.said == []


def test_two_requests_at_once_are_refused_and_the_first_goes_on():
    sessions = Sessions()
    with sessions.use(session(), 0.0), pytest.raises(QueryFailed) as refused, sessions.use(session(), 0.0):
        pass
    assert refused.value.name == "SESSION_IS_LOCKED"
    with sessions.use(session(), 1.0):
        pass


def test_a_request_that_takes_longer_than_the_timeout_keeps_its_session():
    sessions = Sessions()
    with sessions.use(session(timeout_s=1), 0.0), pytest.raises(QueryFailed), sessions.use(session(), 5.0):
        pass


def test_a_session_that_must_exist():
    sessions = Sessions()
    with pytest.raises(QueryFailed) as refused, sessions.use(session(must_exist=True), 0.0):
        pass
    assert refused.value.name == "SESSION_NOT_FOUND"
    with sessions.use(session(), 0.0):
        pass
    with sessions.use(session(must_exist=True), 0.0):
        pass


def test_sessions_and_their_statements_are_limited():
    sessions = Sessions()
    for number in range(SESSIONS):
        with sessions.use(session(str(number)), 0.0):
            pass
    with pytest.raises(QueryFailed), sessions.use(session("one more"), 0.0):
        pass
    with sessions.use(session("0"), 1.0) as used:
        for _ in range(STATEMENTS):
            used.remember(b"SET a = 1")
        with pytest.raises(QueryFailed):
            used.remember(b"SET a = 1")


def test_temporary_tables_are_refused():
    with Sessions().use(session(), 0.0) as used, pytest.raises(QueryFailed) as refused:
        used.check(b"CREATE TEMPORARY TABLE t (a Int8)")
    assert refused.value.status == 501
