"""How does a request reach an endpoint or a page, and how does every answer leave?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive

from api import openapi, questions
from api.access import Access
from api.asked import Asked, Parts
from api.bodies import read_body
from api.endpoints import ENDPOINTS, Endpoint
from api.log import Log
from api.metrics import GONE, OTHER, REQUESTS, Answering, counted
from api.pages import PAGES, Html, Page, Pages
from api.problems import MEDIA_TYPE, Problem, Trouble
from api.store import Store
from runtime.health import respond

Clock = Callable[[], int]
T = TypeVar("T")

JSON: Final = "application/json"
HEALTH: Final = ("/healthz", "/readyz", "/metrics")
_HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


class Site:
    """All that is served, over one store."""

    def __init__(self, store: Store, log: Log, access: Access, now_ns: Clock) -> None:
        self._store = store
        self._parts = Parts(store, log)
        self._access = access
        self._now_ns = now_ns
        self._pages = Pages(store)
        self._openapi = orjson.dumps(openapi.document())

    def application(self, close: Callable[[], Awaitable[None]] | None = None) -> Starlette:
        """The ASGI application; `close` is awaited when it ends."""
        application = Starlette(
            routes=[
                *(Route(path, self._health, name=path) for path in HEALTH),
                Route(openapi.PATH, self._described, name="openapi"),
                *(_route(path, partial(self._endpoint, methods), methods) for path, methods in _by_path().items()),
                *(_route(each.path, partial(self._page, each), {"GET": each}) for each in PAGES),
                *(Route(path, self._asset, name=path) for path in self._pages.assets),
            ],
            exception_handlers={HTTPException: self._no_route, ClientDisconnect: _gone, Exception: self._failed},
            lifespan=partial(_closing, close),
        )
        application.router.redirect_slashes = False
        return application

    async def _health(self, request: Request) -> Response:
        why = await self._store.why_not_ready() if request.url.path == "/readyz" else None
        status, media, body = respond(request.url.path, lambda: why)
        return _response(body, media, status)

    async def _described(self, _: Request) -> Response:
        return _response(self._openapi, JSON)

    async def _endpoint(self, by_method: Mapping[str, Endpoint], request: Request) -> Response:
        endpoint = by_method["GET" if request.method == "HEAD" else request.method]
        try:
            given = questions.values(request.query_params.multi_items(), endpoint.parameters)
            tenant, by = self._access.asker(request)
            several = self._access.tenants.several
            body = endpoint.body and await read_body(request.stream(), request.headers, endpoint.body)
            asked = Asked(tenant, given, request.path_params, self._now_ns(), by, body, not several)
            work = endpoint.handle(self._parts, asked)
            answer = await (_unless_gone(request.receive, work) if endpoint.method == "GET" else work)
        except Problem as problem:
            return _problem(problem)
        return _response(orjson.dumps(answer), JSON, endpoint.status)

    async def _page(self, page: Page, request: Request) -> Response:
        try:
            tenant = self._access.asker(request).tenant
            given = questions.values(request.query_params.multi_items(), page.parameters)
            asked = Asked(tenant, given, request.path_params, self._now_ns())
            html = await _unless_gone(request.receive, page.handle(self._pages, asked))
        except Problem as problem:
            html = self._pages.problem(problem)
        return _html(html)

    async def _asset(self, request: Request) -> Response:
        body, media = self._pages.assets[request.url.path]
        return _response(body, media, headers={"cache-control": "public, max-age=86400"})

    async def _no_route(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == Trouble.METHOD_NOT_ALLOWED.status:
            allowed = ", ".join(sorted(_allowed(error)))
            problem = Problem(Trouble.METHOD_NOT_ALLOWED, f"ask with {allowed}", headers={"allow": allowed})
        else:
            problem = Problem(Trouble.NOT_FOUND, f"there is no {request.url.path[:200]}: see {openapi.PATH}")
        REQUESTS.labels(OTHER, str(problem.trouble.status)).inc()
        return self._told(request, problem)

    async def _failed(self, request: Request, _: Exception) -> Response:
        problem = Problem(Trouble.FAILED, "this is a defect; the log of the API says more")
        return self._told(request, problem)

    def _told(self, request: Request, problem: Problem) -> Response:
        """A problem for whoever asked: a document below /api/, else a page."""
        machine = request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", "")
        return _problem(problem) if machine else _html(self._pages.problem(problem))


def _by_path() -> dict[str, dict[str, Endpoint]]:
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return paths


def _route(path: str, answer: Answering, by_method: Mapping[str, Endpoint | Page]) -> Route:
    name = next(iter(by_method.values())).name
    return Route(path, counted(path, answer), name=name, methods=list(by_method))


def _allowed(error: Exception) -> set[str]:
    """What the router says is possible on a path."""
    headers = (isinstance(error, HTTPException) and error.headers) or {}
    return {method.strip() for method in headers.get("Allow", "GET, HEAD").split(",")}


async def _unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; it is cancelled, and with it its query, when the client hangs up."""
    running, gone = asyncio.ensure_future(work), asyncio.ensure_future(_hung_up(receive))
    try:
        await asyncio.wait((running, gone), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
        raise ClientDisconnect
    finally:
        for task in (running, gone):
            task.cancel()


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody reads this."""
    return Response(status_code=GONE)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def _closing(close: Callable[[], Awaitable[None]] | None, _: Starlette) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if close:
            await close()


def _response(body: bytes, media: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, {**_HEADERS, **(headers or {})}, media)


def _problem(problem: Problem) -> Response:
    return _response(orjson.dumps(problem.document()), MEDIA_TYPE, problem.trouble.status, problem.headers)


def _html(html: Html) -> Response:
    return _response(html.text.encode(), "text/html", html.status, html.headers)
