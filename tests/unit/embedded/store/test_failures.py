"""ClickHouse's errors keep their code, name and words."""

import pytest

from embedded.store.failures import QueryFailed, from_engine


@pytest.mark.parametrize(
    ("message", "code", "name", "text", "status"),
    [
        (
            "Code: 60. DB::Exception: Table a.b does not exist. (UNKNOWN_TABLE)",
            60,
            "UNKNOWN_TABLE",
            "Table a.b does not exist.",
            404,
        ),
        (
            "Streaming insert finish failed: Code: 33. DB::Exception: Cannot read all data. (CANNOT_READ_ALL_DATA) "
            "(version 26.9.2.1)",
            33,
            "CANNOT_READ_ALL_DATA",
            "Cannot read all data.",
            500,
        ),
        (
            "Code: 241. DB::Exception: Code: 241. DB::Exception: much (MEMORY_LIMIT_EXCEEDED) (version 1 (official))",
            241,
            "MEMORY_LIMIT_EXCEEDED",
            "Code: 241. DB::Exception: much",
            500,
        ),
        ("Code: 395. DB::Exception: no (SUCH) name here", 395, "SUCH", "no (SUCH) name here", 500),
        ("Code: 62. DB::Exception: a\nb. (SYNTAX_ERROR)", 62, "SYNTAX_ERROR", "a\nb.", 400),
        ("something else", 1001, "STD_EXCEPTION", "something else", 500),
    ],
)
def test_what_the_engine_raised(message, code, name, text, status):
    failure = from_engine(message)
    assert (failure.code, failure.name, failure.text, failure.status) == (code, name, text, status)


def test_the_body_is_written_as_a_server_writes_it():
    body = QueryFailed(159, "TIMEOUT_EXCEEDED", "Timeout exceeded.").body("26.9.2.1")
    assert body == b"Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED) (version 26.9.2.1)\n"
    again = from_engine(body.decode())
    assert (again.code, again.name, again.text) == (159, "TIMEOUT_EXCEEDED", "Timeout exceeded.")
