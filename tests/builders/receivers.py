"""OTLP receivers that answer as they are told and keep what they got: the other side of a generator's tests."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

import grpc

GRPC_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Reply(NamedTuple):
    """HTTP status (0: close without an answer) or gRPC code (0: success), headers or trailers, and body."""

    status: int
    headers: Mapping[str, str | bytes] = {}
    body: bytes = b""


class _Receiver:
    def __init__(self, always: int) -> None:
        self._always = Reply(always)
        self._lock = threading.Lock()
        self.replies: list[Reply] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, Any]] = []
        self.accepted = 0
        """Connections, or calls answered with success."""

    def _take(self, body: bytes, headers: dict[str, Any]) -> Reply:
        with self._lock:
            self.bodies.append(body)
            self.headers.append(headers)
            return self.replies.pop(0) if self.replies else self._always


class HttpReceiver(_Receiver):
    """OTLP/HTTP on a free port of the loopback; replies in their order, then 200."""

    def __init__(self) -> None:
        super().__init__(200)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                receiver.accepted += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = receiver._take(body, dict(self.headers))
                self.close_connection = reply.status == 0
                if reply.status:
                    self.send_response(reply.status)
                    for key, value in reply.headers.items():
                        self.send_header(key, str(value))
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class GrpcReceiver(_Receiver):
    """OTLP/gRPC on a free port of the loopback; replies in their order, then success."""

    def __init__(self) -> None:
        super().__init__(0)
        handler = grpc.unary_unary_rpc_method_handler(self._export)
        options = [("grpc.max_receive_message_length", 1 << 24)]
        self._server = grpc.server(ThreadPoolExecutor(4), options=options)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(GRPC_SERVICE, {"Export": handler}),)
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def _export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        reply = self._take(body, dict(context.invocation_metadata()))
        if reply.status:
            context.set_trailing_metadata(tuple(reply.headers.items()))
            context.abort(_CODES[reply.status], "told so")
        self.accepted += 1
        return reply.body

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(None).wait()
