"""Does a question end with the client that asked it?"""

from __future__ import annotations

import asyncio
from typing import Any

from api.access import access
from api.log import KafkaLog
from api.queries import Query
from api.site import Site
from tracemill.config import Config

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/api/v1/traces",
    "raw_path": b"/api/v1/traces",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "root_path": "",
}


class Endless:
    """A store that never answers, and knows when it is no longer asked."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.stopped = False

    async def rows(self, query: Query) -> list[dict[str, Any]]:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True
        return []

    async def why_not_ready(self) -> str | None:
        return None


def test_when_the_client_has_gone_the_store_is_no_longer_asked() -> None:
    async def scenario() -> tuple[list[Any], bool]:
        store, sent = Endless(), []

        async def receive() -> dict[str, Any]:
            await store.asked.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await Site(store, KafkaLog(Config()), access(Config()), lambda: 10**18).application()(
            dict(SCOPE), receive, send
        )
        await asyncio.sleep(0)
        return sent, store.stopped

    sent, stopped = asyncio.run(scenario())
    assert stopped
    assert sent[0]["status"] == 499
