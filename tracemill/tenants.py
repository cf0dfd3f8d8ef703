"""Whose is a request? The tenant behind the token that it shows: one rule for all that is served over a network."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from tracemill.config import Token
from tracemill.errors import Reason, Unauthenticated

DEFAULT_TENANT: Final = "default"
AUTHORIZATION: Final = "authorization"
KEY: Final = "x-tracemill-key"
_HINT: Final = "send `Authorization: Bearer <token>` or `x-tracemill-key: <token>`"


class Asker(NamedTuple):
    """Whose request it is: the tenant, and the name of the token's owner."""

    tenant: str
    name: str


class Tenants:
    """Tokens known by their hash. Without any, everyone is tenant `default`."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._askers = {
            bytes.fromhex(token.sha256): Asker(token.tenant, token.name or f"token {token.sha256[:8]}")
            for token in tokens
        }

    @property
    def anyone(self) -> bool:
        """Whether nobody needs a token."""
        return not self._askers

    @property
    def several(self) -> bool:
        """Whether tokens are of more than one tenant."""
        return len({asker.tenant for asker in self._askers.values()}) > 1

    def of(self, authorization: Sequence[str], keys: Sequence[str]) -> str:
        """The tenant of a request with these values of its two headers.

        Raises:
            Unauthenticated: no token, more than one, or one that nobody knows.
        """
        return self.asker(authorization, keys).tenant

    def asker(self, authorization: Sequence[str], keys: Sequence[str]) -> Asker:
        """Who sends a request with these values of its two headers.

        Raises:
            Unauthenticated: no token, more than one, or one that nobody knows.
        """
        if self.anyone:
            return Asker(DEFAULT_TENANT, "anyone on this machine")
        if len(authorization) + len(keys) != 1:
            how_many = "more than one token" if authorization or keys else "no token"
            raise Unauthenticated(Reason.UNAUTHENTICATED, f"{how_many}: {_HINT}")
        return self._owner(_bearer(authorization[0]) if authorization else keys[0])

    def _owner(self, token: str) -> Asker:
        """Compares with every known token, so that time tells nothing."""
        digest = sha256(token.encode(errors="surrogateescape")).digest()
        owners = [owner for known, owner in self._askers.items() if hmac.compare_digest(known, digest)]
        if not owners:
            raise Unauthenticated(Reason.UNAUTHENTICATED, "nobody knows this token: check it, and ingest.tokens")
        return owners[0]


def _bearer(value: str) -> str:
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(Reason.UNAUTHENTICATED, f"the Authorization header isn't a bearer token: {_HINT}")
    return token.strip()
