"""Who is let in, as whom, and who isn't."""

import base64

import pytest
from starlette.requests import Request

from api.access import access
from api.problems import Problem, Trouble
from tracemill.config import Config, ConfigError, token_hash

TOKENS = [{"sha256": token_hash("one"), "tenant": "first"}, {"sha256": token_hash("two"), "tenant": "second"}]


def config(host: str = "127.0.0.1", tokens: bool = True, insecure: bool = False) -> Config:
    return Config.model_validate(
        {"ingest": {"tokens": TOKENS if tokens else []}, "api": {"host": host, "insecure": insecure}}
    )


def request(path: str = "/api/v1/traces", **headers: str) -> Request:
    given = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": path, "headers": given, "query_string": b""})


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"me:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("headers", "tenant"),
    [
        ({"authorization": "Bearer one"}, "first"),
        ({"authorization": "bearer  two"}, "second"),
        ({"x_tracemill_key": "two"}, "second"),
        ({"authorization": basic("one")}, "first"),
        ({"authorization": "Bearer one", "host": "traces.example.com"}, "first"),
    ],
)
def test_a_token_says_whose_a_request_is(headers: dict[str, str], tenant: str) -> None:
    assert access(config("0.0.0.0")).asker(request(**headers)).tenant == tenant


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "no token"),
        ({"authorization": "Bearer three"}, "nobody knows"),
        ({"authorization": "Bearer one, Bearer two"}, "nobody knows"),
        ({"authorization": "Bearer "}, "isn't a bearer token"),
        ({"authorization": "Digest one"}, "isn't a bearer token"),
        ({"authorization": basic("three")}, "nobody knows"),
        ({"authorization": "Basic ???"}, "isn't a bearer token"),
        ({"authorization": "Bearer one", "x_tracemill_key": "two"}, "more than one token"),
        ({"x_tracemill_key": ""}, "nobody knows"),
        ({"x_tracemill_key": token_hash("one")}, "nobody knows"),
        ({"authorization": "Bearer \xe9"}, "nobody knows"),
        ({"x_tracemill_tenant": "first"}, "no token"),
    ],
)
def test_without_a_known_token_nobody_is_let_in(headers: dict[str, str], why: str) -> None:
    with pytest.raises(Problem) as caught:
        access(config()).asker(request(**headers))
    assert caught.value.trouble is Trouble.UNAUTHENTICATED
    assert why in caught.value.detail
    assert caught.value.headers == {"www-authenticate": "Bearer"}


def test_a_browser_is_asked_for_a_password() -> None:
    with pytest.raises(Problem) as caught:
        access(config()).asker(request("/"))
    assert caught.value.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "a.localhost"])
def test_on_loopback_without_tokens_everyone_is_the_default_tenant(host: str) -> None:
    assert access(config(tokens=False)).asker(request(host=host, authorization="Bearer x")).tenant == "default"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "10.0.0.1", "[", "0.0.0.0:8080"])
def test_a_foreign_name_that_means_this_machine_is_refused(host: str) -> None:
    with pytest.raises(Problem) as caught:
        access(config(tokens=False)).asker(request(host=host))
    assert caught.value.trouble is Trouble.FOREIGN_HOST


def test_an_open_door_must_be_wanted() -> None:
    with pytest.raises(ConfigError, match=r"api.host 0.0.0.0 isn't loopback and ingest.tokens is empty"):
        access(config("0.0.0.0", tokens=False))
    open_to_all = access(config("0.0.0.0", tokens=False, insecure=True))
    assert open_to_all.asker(request(host="traces.example.com")).tenant == "default"
