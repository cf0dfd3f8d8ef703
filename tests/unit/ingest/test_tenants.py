"""Whose a request is, by the token that it shows."""

from __future__ import annotations

import pytest

from ingest.tenants import DEFAULT_TENANT, Tenants
from tracemill.config import Token, token_hash
from tracemill.errors import Unauthenticated

TENANTS = Tenants([Token(sha256=token_hash("one"), tenant="acme"), Token(sha256=token_hash("two"), tenant="umbrella")])


@pytest.mark.parametrize(
    ("authorization", "keys", "tenant"),
    [
        (["Bearer one"], [], "acme"),
        (["bearer two"], [], "umbrella"),
        (["BEARER   one "], [], "acme"),
        ([], ["two"], "umbrella"),
    ],
)
def test_a_known_token_has_a_tenant(authorization: list[str], keys: list[str], tenant: str) -> None:
    assert TENANTS.of(authorization, keys) == tenant


@pytest.mark.parametrize(
    ("authorization", "keys", "says"),
    [
        ([], [], "no token"),
        (["Bearer three"], [], "nobody knows"),
        (["Bearer "], [], "isn't a bearer token"),
        (["Basic b25l"], [], "isn't a bearer token"),
        (["one"], [], "isn't a bearer token"),
        ([], [""], "nobody knows"),
        ([], ["öne"], "nobody knows"),
        (["Bearer one", "Bearer two"], [], "more than one"),
        (["Bearer one", "Bearer one"], [], "more than one"),
        (["Bearer one"], ["one"], "more than one"),
        (["Bearer one"], ["two"], "more than one"),
        ([], ["one", "one"], "more than one"),
        (["Bearer one, Bearer two"], [], "nobody knows"),
        ([], ["one,two"], "nobody knows"),
    ],
)
def test_anything_else_is_refused(authorization: list[str], keys: list[str], says: str) -> None:
    with pytest.raises(Unauthenticated, match=says) as caught:
        TENANTS.of(authorization, keys)
    assert "one, Bearer" not in str(caught.value)


def test_without_tokens_everyone_is_the_default_tenant() -> None:
    assert Tenants([]).of([], []) == DEFAULT_TENANT
    assert Tenants([]).of(["Bearer whatever"], ["x"]) == DEFAULT_TENANT
