"""How does an orchestrator ask a process whether it lives, is ready, and what it counts?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Check = Callable[[], str | None]
"""Why the process isn't ready (a sentence), or None when it is."""


class HealthServer:
    """`/healthz`, `/readyz` and `/metrics` on a thread of their own, for parts that serve no HTTP themselves."""

    def __init__(self, host: str, port: int, ready: Check, registry: CollectorRegistry = REGISTRY) -> None:
        handler = type("Handler", (_Handler,), {"ready": staticmethod(ready), "registry": registry})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def respond(path: str, ready: Check, registry: CollectorRegistry = REGISTRY) -> tuple[int, str, bytes]:
    """Status, content type and body for one of the three paths; 404 for any other."""
    match path.partition("?")[0]:
        case "/healthz":
            return 200, "text/plain; charset=utf-8", b"ok\n"
        case "/readyz":
            why = ready()
            return (503, "text/plain; charset=utf-8", f"{why}\n".encode()) if why else (200, "text/plain", b"ready\n")
        case "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
        case _:
            return 404, "text/plain; charset=utf-8", b"not found\n"


class _Handler(BaseHTTPRequestHandler):
    ready: ClassVar[Check]
    registry: ClassVar[CollectorRegistry]
    timeout = 10  # seconds, for a client that connects and says nothing

    def do_GET(self) -> None:
        status, kind, body = respond(self.path, self.ready, self.registry)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """No line a request: probes come every few seconds."""
