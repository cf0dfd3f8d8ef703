"""Who may ask? The configured user with the password; on loopback, nobody whom a foreign web page sent."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from embedded.store.failures import QueryFailed
from embedded.store.request import Request


@dataclass(frozen=True, slots=True)
class Doors:
    """The one user there is; `loopback_only` when the server listens on no other address."""

    user: str = "default"
    password: str = ""
    loopback_only: bool = True

    def check_page(self, headers: Mapping[str, str]) -> None:
        """Refuse what a browser sends for a foreign page, which reaches loopback and needs no password there.

        Raises:
            QueryFailed: the page's origin, or the host name asked for, isn't of this machine.
        """
        if not self.loopback_only:
            return
        origin = headers.get("origin", "null")
        hosts = [urlsplit("//" + headers.get("host", "localhost")).hostname]
        if origin != "null" or headers.get("sec-fetch-site", "none") not in ("none", "same-origin", "same-site"):
            hosts.append(urlsplit(origin).hostname)
        for host in hosts:
            if not _is_local(host or ""):
                raise QueryFailed(497, "ACCESS_DENIED", f"Requests for '{host}' aren't answered on a loopback address")

    def check_user(self, request: Request) -> None:
        """Refuse a wrong user or password.

        Raises:
            QueryFailed: the same for both, as ClickHouse does.
        """
        user = hmac.compare_digest(request.user.encode(), self.user.encode())
        if not (hmac.compare_digest(request.password.encode(), self.password.encode()) and user):
            text = f"{request.user}: Authentication failed: password is incorrect, or there is no user with such name."
            raise QueryFailed(516, "AUTHENTICATION_FAILED", text)


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
