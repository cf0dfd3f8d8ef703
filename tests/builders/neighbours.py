"""Somebody else's traffic while an ingester is attacked: is it served, and how large does the worker become?"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from types import TracebackType
from typing import Self

from tests.builders.ingesting import Ingester
from tests.builders.otlp import request, span
from tests.fixtures.waiting import eventually

_PAUSE_S = 0.02
_numbers = itertools.count(1)


class Neighbour:
    """Sends one good request after the other, from another connection each, and looks at the worker's memory."""

    def __init__(self, ingester: Ingester, token: str) -> None:
        self._ingester = ingester
        self._token = token
        (self.worker,) = ingester.workers()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.answers: Counter[int] = Counter()
        self.acknowledged: list[bytes] = []
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def is_served(self) -> None:
        """Wait until requests were answered that were sent after this was called."""
        already = self.answers.total()
        eventually(lambda: self.answers.total() > already + 1 or not self._thread.is_alive())

    def _send(self) -> None:
        while not self._done.wait(_PAUSE_S):
            one = span(trace=10**9, number=10**9 + next(_numbers))
            heard = self._ingester.post(request(one).SerializeToString(), x_tracemill_key=self._token)
            self.answers[heard.status] += 1
            if heard.status == 200:
                self.acknowledged.append(one.span_id)
            self.peak_bytes = max(self.peak_bytes, self.worker.memory_info().rss)
