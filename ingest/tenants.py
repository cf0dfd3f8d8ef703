"""Whose is a request? The tenant behind the token that it shows."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from tracemill.config import Token
from tracemill.errors import Reason, Unauthenticated

DEFAULT_TENANT: Final = "default"
AUTHORIZATION: Final = "authorization"
KEY: Final = "x-tracemill-key"
_HINT: Final = "send `Authorization: Bearer <token>` or `x-tracemill-key: <token>`"


class Tenants:
    """Tokens known by their hash. Without any, everyone is tenant `default`."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tenants = {bytes.fromhex(token.sha256): token.tenant for token in tokens}

    def of(self, authorization: Sequence[str], keys: Sequence[str]) -> str:
        """The tenant of a request with these values of its two headers.

        Raises:
            Unauthenticated: no token, more than one, or one that nobody knows.
        """
        if not self._tenants:
            return DEFAULT_TENANT
        shown = {*map(_bearer, authorization), *keys}
        if len(authorization) + len(keys) != 1:
            raise Unauthenticated(
                Reason.UNAUTHENTICATED, f"more than one token: {_HINT}" if shown else f"no token: {_HINT}"
            )
        digest = sha256(shown.pop().encode()).digest()
        tenant = None
        for known, owner in self._tenants.items():
            if hmac.compare_digest(known, digest):
                tenant = owner
        if tenant is None:
            raise Unauthenticated(Reason.UNAUTHENTICATED, "nobody knows this token: check it, and ingest.tokens")
        return tenant


def _bearer(value: str) -> str:
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(Reason.UNAUTHENTICATED, f"the Authorization header isn't a bearer token: {_HINT}")
    return token.strip()
