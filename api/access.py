"""Who asks? The tenant of a request; and on loopback, where nobody needs a token, no foreign web page."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from api.problems import Problem, Trouble
from tracemill.config import LOOPBACK, Config, ConfigError
from tracemill.errors import Unauthenticated
from tracemill.tenants import AUTHORIZATION, KEY, Asker, Tenants


@dataclass(frozen=True, slots=True)
class Access:
    """Tokens, and whether only this machine is answered."""

    tenants: Tenants
    local_only: bool

    def asker(self, request: Request) -> Asker:
        """Who sends a request. A browser may show its token as the password of basic authentication.

        Raises:
            Problem: no token that is known, or a request for another host.
        """
        if self.local_only:
            _refuse_foreign(request.headers.get("host", ""))
        try:
            return self.tenants.asker(
                [_of_browser(value) for value in request.headers.getlist(AUTHORIZATION)], request.headers.getlist(KEY)
            )
        except Unauthenticated as error:
            scheme = "Bearer" if request.url.path.startswith("/api/") else 'Basic realm="tracemill", charset="UTF-8"'
            raise Problem(Trouble.UNAUTHENTICATED, str(error), headers={"www-authenticate": scheme}) from error


def access(config: Config) -> Access:
    """What a configuration lets in.

    Raises:
        ConfigError: everyone could read everything.
    """
    tenants = Tenants(config.ingest.tokens)
    local = config.api.host in LOOPBACK
    if tenants.anyone and not local and not config.api.insecure:
        raise ConfigError(
            f"api.host {config.api.host} isn't loopback and ingest.tokens is empty: anyone could read. "
            "Configure tokens, or say so with --insecure"
        )
    return Access(tenants, local_only=tenants.anyone and local and not config.api.insecure)


def _refuse_foreign(host: str) -> None:
    """A page of a foreign site whose name was made to mean this machine asks for its own name."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if not _is_local(name):
        raise Problem(
            Trouble.FOREIGN_HOST,
            "without ingest.tokens only requests for this machine are answered: ask for localhost, or configure tokens",
        )


def _is_local(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _of_browser(authorization: str) -> str:
    """Basic authentication as a bearer token: its password; everything else as it is."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return authorization
    try:
        _, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return authorization
    return f"Bearer {password}"
