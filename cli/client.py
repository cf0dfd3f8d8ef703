"""How does a command ask the HTTP API, and what does it say when that has no answer?"""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.request
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from tracemill.visible import visible

TIMEOUT_S: Final = 20.0


class NoAnswer(Exception):
    """The API didn't give what was asked for; the text says why, and what to do."""


def ask(url: str, path: str, token: str = "", method: str = "GET", body: Any = None, **parameters: str | None) -> Any:
    """The JSON that the API at `url` answers for a path; a `body` is sent as JSON.

    Raises:
        NoAnswer: nobody is there, or it is a problem; a filter's error comes with its place.
    """
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    whole = f"{url.rstrip('/')}{path}" + (f"?{query}" if query else "")
    try:
        headers = {"x-tracemill-key": token} if token else {}
        data = None
        if body is not None:
            data, headers["content-type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(whole, data, headers, method=method)  # noqa: S310
        with _opener(url).open(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise NoAnswer(_told(error)) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise NoAnswer(
            f"{url} doesn't answer ({why}): start it with `tracemill up` or `tracemill api`, or say where it is "
            "with --url"
        ) from error


def _opener(url: str) -> urllib.request.OpenerDirector:
    """No proxy stands between this machine and itself."""
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if _is_local(url) else []))


def _is_local(url: str) -> bool:
    name = urlsplit(url).hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _told(error: urllib.error.HTTPError) -> str:
    """A problem document in words; a pointer as the line and the carets under it."""
    try:
        problem = json.load(error)
        lines = problem.get("pointer", {}).get("lines", [])
        return "\n".join(visible(str(line), keep="\n") for line in (problem["detail"], *lines))
    except (ValueError, KeyError, AttributeError):
        return f"it answered {error.code} {error.reason}, which isn't Tracemill's way: is --url right?"
