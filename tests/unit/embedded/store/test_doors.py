"""Only the configured user gets in, and no foreign web page."""

import pytest

from embedded.store.doors import Doors
from embedded.store.failures import QueryFailed
from embedded.store.request import Request


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "localhost:8123"},
        {"host": "127.0.0.1:8123"},
        {"host": "[::1]:8123"},
        {"host": "localhost:8123", "origin": "http://localhost:8080"},
        {"host": "127.0.0.1", "origin": "null"},
        {"host": "127.0.0.1", "sec-fetch-site": "none"},
    ],
)
def test_programs_and_pages_of_this_machine_are_let_in(headers):
    Doors().check_page(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8123"},
        {"host": "localhost", "origin": "https://evil.example"},
        {"host": "localhost", "origin": "https://localhost.evil.example"},
        {"host": "localhost", "sec-fetch-site": "cross-site"},
        {"host": ""},
    ],
)
def test_foreign_pages_and_names_are_refused_on_loopback(headers):
    with pytest.raises(QueryFailed) as refused:
        Doors().check_page(headers)
    assert refused.value.status == 403
    Doors(loopback_only=False).check_page(headers)


@pytest.mark.parametrize(
    ("user", "password", "enters"), [("u", "p", True), ("u", "q", False), ("v", "p", False), ("é", "ü", False)]
)
def test_user_and_password(user, password, enters):
    doors = Doors("u", "p")
    request = Request(b"", False, user=user, password=password)
    if enters:
        doors.check_user(request)
        return
    with pytest.raises(QueryFailed) as refused:
        doors.check_user(request)
    assert (refused.value.code, refused.value.status) == (516, 403)
