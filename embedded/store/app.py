"""How does a request become a statement in the engine, and its result an answer like a ClickHouse server's?"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from embedded.store import request as asked
from embedded.store.admission import Admission, ClientGone, Limits, Receive
from embedded.store.compression import Buffer, choose, compress, inflate
from embedded.store.doors import Doors
from embedded.store.engine import Answer, Engine, Work
from embedded.store.failures import QueryFailed
from embedded.store.request import Request
from embedded.store.sessions import Sessions
from embedded.store.statement import only_reads
from runtime.health import respond
from runtime.logs import pairs

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
_TEXT: Final = "text/plain; charset=UTF-8"
_ALIVE: Final = frozenset({"/ping", "/replicas_status"})
_HEALTH: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_COUNTERS: Final = (
    "read_rows",
    "read_bytes",
    "written_rows",
    "written_bytes",
    "total_rows_to_read",
    "result_rows",
    "result_bytes",
    "elapsed_ns",
)
_CANCEL_AGAIN_S: Final = 0.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Done:
    """An answer ready to be sent, and the beginning of the statement that it answers."""

    answer: Answer
    body: Buffer
    encoding: str | None
    statement: bytes


class App:
    """The ASGI application. One event loop; statements run in as many threads as may run at once."""

    def __init__(self, engine: Engine, limits: Limits | None = None, doors: Doors | None = None) -> None:
        self._engine = engine
        self._admission = Admission(limits or Limits())
        self._doors = doors or Doors()
        self._sessions = Sessions()
        self._pool = ThreadPoolExecutor(self._admission.limits.parallel, "engine")
        self._name = socket.gethostname()

    def close(self) -> None:
        """Start nothing that still waits."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"] in _ALIVE:
            await _send(send, 200, {"content-type": _TEXT}, b"Ok.\n")
        elif scope["path"] in _HEALTH:
            await self._health(scope["path"], send)
        elif scope["path"] != "/":
            await _send(send, 404, {"content-type": _TEXT}, f"There is no handle {scope['path']}\n".encode())
        else:
            await self._statement(scope, receive, send)

    async def _health(self, path: str, send: Send) -> None:
        status, kind, body = await asyncio.to_thread(respond, path, self._engine.why_not_ready)
        await _send(send, status, {"content-type": kind}, body)

    async def _statement(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        out = {
            "x-clickhouse-server-display-name": self._name,
            "x-clickhouse-timezone": self._engine.timezone,
            "x-clickhouse-query-id": str(uuid4()),
        }
        try:
            status, body = await self._answer(scope, headers, receive, out)
        except QueryFailed as failure:
            out |= {"x-clickhouse-exception-code": str(failure.code), "content-type": _TEXT}
            status, body = failure.status, failure.body(self._engine.version)
        except ClientGone:
            logger.debug(pairs("client hung up", query_id=out["x-clickhouse-query-id"]))
            return
        await _send(send, status, out, body if scope["method"] != "HEAD" else b"")

    async def _answer(
        self, scope: Mapping[str, Any], headers: Mapping[str, str], receive: Receive, out: dict[str, str]
    ) -> tuple[int, Buffer]:
        """The status and the body of the answer; headers go to `out`."""
        started_ns = time.monotonic_ns()
        async with self._admission.body(receive) as pieces:
            self._doors.check_page(headers)
            request = self._parse(scope, headers, pieces)
            self._doors.check_user(request)
            out["x-clickhouse-query-id"] = request.query_id
            if scope["method"] in ("GET", "HEAD") and not request.query:
                out["content-type"] = _TEXT
                return 200, b"Ok.\n"
            done = await self._run(request, pieces, receive)
        self._describe(done, time.monotonic_ns() - started_ns, out)
        return 200, done.body

    def _parse(self, scope: Mapping[str, Any], headers: Mapping[str, str], pieces: list[bytes]) -> Request:
        kind = headers.get("content-type", "")
        form = []
        if asked.is_form(kind):
            form = asked.form_fields(kind, b"".join(pieces))
            pieces.clear()
        return asked.parse(scope["method"], scope["query_string"], headers, form)

    async def _run(self, request: Request, pieces: list[bytes], receive: Receive) -> _Done:
        with ExitStack() as held:
            session = (
                held.enter_context(self._sessions.use(request.session, time.monotonic())) if request.session else None
            )
            head = request.query or (pieces[0] if pieces and not request.content_encoding else b"")
            if session:
                session.check(head)
            tag = str(uuid4()) if request.cancel_when_gone and only_reads(head) else ""
            done = await self._watched(request, pieces, session.said if session else (), tag, receive)
            if session:
                session.remember(done.statement)
            return done

    async def _watched(
        self, request: Request, pieces: list[bytes], before: Sequence[str], tag: str, receive: Receive
    ) -> _Done:
        """Run in turn; a statement with a tag is stopped when the client hangs up."""
        started = asyncio.Event()
        running = asyncio.create_task(self._in_turn(request, pieces, before, tag, started))
        if not tag:
            return await running
        gone = asyncio.create_task(_hung_up(receive))
        try:
            await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
            await self._stop(running, started, tag)
            raise ClientGone
        finally:
            gone.cancel()

    async def _in_turn(
        self, request: Request, pieces: list[bytes], before: Sequence[str], tag: str, started: asyncio.Event
    ) -> _Done:
        async with self._admission.slot():
            started.set()
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._execute, request, pieces, before, tag)

    async def _stop(self, running: asyncio.Task[_Done], started: asyncio.Event, tag: str) -> None:
        while not running.done():
            if started.is_set():
                # The statement may not have begun yet, so this is said until it has ended.
                await asyncio.to_thread(self._engine.cancel, tag)
            else:
                running.cancel()
            await asyncio.wait({running}, timeout=_CANCEL_AGAIN_S)
        if not running.cancelled():
            running.exception()

    def _execute(self, request: Request, pieces: list[bytes], before: Sequence[str], tag: str) -> _Done:
        """In a thread: inflate, run, compress."""
        data = inflate(pieces, request.content_encoding, self._admission.limits.body_bytes)
        work = Work(
            sql=request.query,
            data=data,
            settings=request.settings,
            parameters=request.parameters,
            before=before,
            database=request.database,
            default_format=request.default_format,
            read_only=request.read_only,
            tag=tag,
        )
        answer = self._engine.run(work)
        encoding = choose(request.accept_encoding) if request.compressed_answer and answer.body else None
        body = compress(answer.body, encoding) if encoding else answer.body
        return _Done(answer, body, encoding, request.query or (data[0] if data else b""))

    def _describe(self, done: _Done, elapsed_ns: int, out: dict[str, str]) -> None:
        counters = {"elapsed_ns": elapsed_ns, **done.answer.counters}
        out["x-clickhouse-summary"] = json.dumps({name: str(counters.get(name, 0)) for name in _COUNTERS})
        out["content-type"] = _TEXT
        if done.answer.format:
            out["x-clickhouse-format"] = done.answer.format
            out["content-type"] = self._engine.content_types.get(done.answer.format, "application/octet-stream")
        if done.encoding:
            out["content-encoding"] = done.encoding


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, status: int, headers: Mapping[str, str], body: Buffer) -> None:
    lines = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
