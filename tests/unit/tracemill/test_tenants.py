"""Whose is a request, and when isn't it anyone's?"""

import hmac
from contextlib import suppress

import pytest

from tracemill.config import Token, token_hash
from tracemill.errors import Unauthenticated
from tracemill.tenants import DEFAULT_TENANT, Tenants

TENANTS = Tenants([Token(sha256=token_hash("one"), tenant="first"), Token(sha256=token_hash("two"), tenant="second")])


@pytest.mark.parametrize(
    ("authorization", "keys", "tenant"),
    [(["Bearer one"], [], "first"), (["BEARER two "], [], "second"), ([], ["two"], "second")],
)
def test_a_token_has_a_tenant(authorization: list[str], keys: list[str], tenant: str) -> None:
    assert TENANTS.of(authorization, keys) == tenant


@pytest.mark.parametrize(
    ("authorization", "keys", "why"),
    [
        ([], [], "no token"),
        (["Bearer one"], ["one"], "more than one token"),
        (["Bearer one", "Bearer one"], [], "more than one token"),
        ([], ["one", "two"], "more than one token"),
        (["one"], [], "isn't a bearer token"),
        (["Bearer"], [], "isn't a bearer token"),
        ([], ["One"], "nobody knows"),
        ([], [""], "nobody knows"),
        ([], ["\udce9"], "nobody knows"),
    ],
)
def test_everything_else_is_refused(authorization: list[str], keys: list[str], why: str) -> None:
    with pytest.raises(Unauthenticated, match=why):
        TENANTS.of(authorization, keys)


def test_without_tokens_everyone_is_the_default_tenant() -> None:
    assert Tenants([]).of(["Bearer x"], ["y", "z"]) == DEFAULT_TENANT


def test_several_are_more_than_one_tenant_not_more_than_one_token() -> None:
    assert TENANTS.several
    both = [Token(sha256=token_hash(name), tenant="first") for name in ("one", "two")]
    assert not Tenants(both).several
    assert not Tenants([]).several


@pytest.mark.parametrize("token", ["one", "two", "three", "", "o", "one "])
def test_each_known_token_is_compared_in_constant_time_whichever_is_shown(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    whole = hmac.compare_digest

    def compare(known: bytes, shown: bytes) -> bool:
        compared.append((len(known), len(shown)))
        return whole(known, shown)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    with suppress(Unauthenticated):
        TENANTS.of([], [token])
    assert compared == [(32, 32), (32, 32)]
