"""How does a whole load get to its receiver? Several connections, one schedule, retries, and a note of every answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from loadtest.claims import Claim, ranges
from loadtest.pacing import Pacer, backoff_s
from loadtest.payloads import Payloads
from loadtest.senders import Connection, Outcome

GIVE_UP_S: Final = 120.0
"""A request that isn't taken for so long is noted as uncertain."""


@dataclass(slots=True)
class Tally:
    """What happened so far."""

    spans: int = 0
    bytes: int = 0
    retries: int = 0
    refused: list[str] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    uncertain: list[int] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    sent_s: dict[int, float] = field(default_factory=dict)
    """When each request was first sent."""
    first_sent_s: float = 0.0
    last_answer_s: float = 0.0


class Delivery:
    """Sends one workload. `start`, perhaps `stop`, `join`, then `claim`."""

    def __init__(self, payloads: Payloads, connect: Callable[[], Connection], connections: int, rate: float) -> None:
        self._payloads = payloads
        self._connect = connect
        self._pacer = Pacer(rate, time.monotonic())
        self._threads = [threading.Thread(target=self._work, name=f"sender-{n}") for n in range(connections)]
        self._next = 0
        self._scheduled_spans = 0
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._stopped = threading.Event()
        self.tally = Tally()

    def start(self) -> None:
        """Send from now on."""
        self._pacer.began_s = self.tally.first_sent_s = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Open no more traces; those that are open are sent to their ends, at once."""
        self._stopped.set()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until all is sent and answered; whether it is."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(None if deadline is None else max(deadline - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def claim(self, tenant: str) -> Claim:
        """What the other side acknowledged."""
        with self._counting:
            sure, perhaps = ranges(self.tally.acknowledged), ranges(self.tally.uncertain)
        return Claim(self._payloads.workload, tenant, sure, perhaps)

    def _work(self) -> None:
        connection = self._connect()
        try:
            while (turn := self._take_turn()) is not None:
                self._deliver(connection, *turn)
        finally:
            connection.close()

    def _take_turn(self) -> tuple[int, bytes] | None:
        """The next request that carries something, when it is due; None after the last."""
        with self._turn:
            while self._next < self._payloads.workload.requests:
                self._wait()
                request, self._next = self._next, self._next + 1
                body, spans = self._payloads.build(request, time.time_ns())
                self._scheduled_spans += spans
                if spans:
                    return request, body
            return None

    def _wait(self) -> None:
        wait_s = self._pacer.wait_s(self._scheduled_spans, time.monotonic())
        if self._stopped.is_set() or (wait_s > 0 and self._stopped.wait(wait_s)):
            self._pacer.rate = 0.0
            self._payloads.cut(self._next)

    def _deliver(self, connection: Connection, request: int, body: bytes) -> None:
        began = self.tally.sent_s[request] = time.monotonic()
        attempt = 0
        while True:
            answer = connection.send(body)
            now = time.monotonic()
            if answer.outcome is not Outcome.AGAIN or now - began > GIVE_UP_S:
                break
            attempt += 1
            time.sleep(backoff_s(attempt, answer.retry_after_s))
        with self._counting:
            self.tally.retries += attempt
            self.tally.last_answer_s = now
            if answer.outcome is Outcome.ACKNOWLEDGED:
                self.tally.acknowledged.append(request)
                self.tally.bytes += len(body)
                self.tally.spans += self._payloads.spans(request)
                self.tally.latencies_s.append(now - began)
            else:
                self.tally.uncertain.append(request)
                self.tally.refused.append(answer.text)
