"""A part is ready when it says so over HTTP, else the reason is its own."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from embedded import parts
from embedded.parts import http_ready
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import PATIENCE_S


@pytest.fixture
def answering():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = (200, b"ready\n") if self.path == "/ready" else (503, b"still reading\n")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_readiness_and_its_reasons(answering, monkeypatch):
    monkeypatch.setattr(parts, "PROBE_TIMEOUT_S", PATIENCE_S)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{own_port()}")
    assert http_ready(f"{answering}/ready")() is None
    assert http_ready(f"{answering}/no")() == "still reading"
    url = f"http://127.0.0.1:{own_port()}/"
    assert (http_ready(url)() or "").startswith(f"{url} doesn't answer: ")
