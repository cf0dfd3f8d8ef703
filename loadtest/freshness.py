"""How long after it was sent does a trace become visible? Lone traces, sent and looked for one by one."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from loadtest.claims import Claim
from loadtest.delivery import Delivery
from loadtest.identity import trace_ids
from loadtest.observed import store_client
from loadtest.payloads import Payloads
from loadtest.senders import Connection
from loadtest.workload import Workload
from tracemill.config import Store

_AT_ONCE: Final = 2
"""Only the oldest are looked for, and again at once when one was seen: looking for all would be a load of its own."""
_SEED_SHIFT: Final = 2_000_003


class Eyes(Protocol):
    """Where traces are looked for."""

    def seen(self, trace_ids: Iterable[str]) -> set[str]:
        """Which of these hex ids are visible now."""

    def close(self) -> None:
        """Look no more."""


class ApiEyes:
    """Looks through the API: a trace is visible when it is answered with 200."""

    def __init__(self, host: str, port: int, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=10)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def answers(self) -> bool:
        """Whether there is an API."""
        return self._found("/healthz")

    def seen(self, trace_ids: Iterable[str]) -> set[str]:
        """Which of these hex ids are visible now."""
        return {trace_id for trace_id in trace_ids if self._found(f"/api/v1/traces/{trace_id}")}

    def close(self) -> None:
        """Look no more."""
        self._connection.close()

    def _found(self, path: str) -> bool:
        try:
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
            response.read()
            return response.status == 200
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False


class StoreEyes:
    """Looks into the view `traces_latest`, where there is no API."""

    def __init__(self, store: Store) -> None:
        self._client = store_client(store)

    def seen(self, trace_ids: Iterable[str]) -> set[str]:
        """Which of these hex ids are visible now."""
        wanted = list(trace_ids)
        if not wanted:
            return set()
        query = "SELECT trace_id FROM traces_latest WHERE trace_id IN {ids:Array(String)}"
        return {row[0] for row in self._client.query(query, {"ids": wanted}).result_rows}

    def close(self) -> None:
        """Look no more."""
        self._client.close()


@dataclass(frozen=True, slots=True)
class Freshness:
    """Milliseconds from the sending of a trace's last span until it is visible, the quiet period included."""

    traces: int
    unseen: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Cadence:
    """Seconds: from one request to the next, from one look to the next, from a root's sending to the first look, and
    until a trace is given up."""

    gap_s: float
    look_s: float
    due_s: float
    give_up_s: float = 60.0


IDLE: Final = Cadence(gap_s=0.6, look_s=0.05, due_s=1.9)
LOADED: Final = Cadence(gap_s=1.0, look_s=0.5, due_s=1.5)
"""Seldom enough that looking isn't a load of its own; ages are right to half a second."""


def lone_traces(seed: int, traces: int) -> Workload:
    """Traces of 8 spans in 3 requests, one request after the other."""
    return Workload(seed + _SEED_SHIFT, traces, block_traces=1, spread=1)


class Lookout:
    """Knows which traces are to be looked for, and how old they were when they were seen. Time is an argument."""

    def __init__(self, workload: Workload, cadence: Cadence) -> None:
        self._seed = workload.seed
        self._last = workload.delays[-1]
        self._cadence = cadence
        self.ages_s: dict[int, float] = {}
        """Of the traces seen so far, by their number."""

    def waiting(self, sent_s: Mapping[int, float], now_s: float) -> dict[str, int]:
        """Traces whose root was sent and that aren't visible yet, by hex id, the oldest first; `sent_s` by request."""
        traces = self.sent_between(sent_s, now_s - self._cadence.give_up_s, now_s)
        open_now = np.array([trace for trace in traces if trace not in self.ages_s], dtype=np.int64)
        ids = trace_ids(self._seed, open_now)
        return {row.tobytes().hex(): trace for row, trace in zip(ids, open_now.tolist(), strict=True)}

    def due(self, waiting: Mapping[str, int], sent_s: Mapping[int, float], now_s: float) -> list[str]:
        """Those to look for now."""
        old = [hex_id for hex_id, trace in waiting.items() if self._age_s(sent_s, trace, now_s) >= self._cadence.due_s]
        return old[:_AT_ONCE]

    def saw(self, traces: Iterable[int], sent_s: Mapping[int, float], now_s: float) -> None:
        """These traces are visible."""
        for trace in traces:
            self.ages_s[trace] = self._age_s(sent_s, trace, now_s)

    def found(self, sent: Collection[int]) -> Freshness:
        """What came out of these traces."""
        seen = [self.ages_s[trace] for trace in sent if trace in self.ages_s]
        ages = np.array(seen or [0.0]) * 1e3
        p50, p99 = (round(float(np.percentile(ages, share, method="higher")), 1) for share in (50, 99))
        return Freshness(len(sent), len(sent) - len(seen), p50, p99)

    def sent_between(self, sent_s: Mapping[int, float], from_s: float, until_s: float) -> list[int]:
        """Traces whose root was sent in this time."""
        return [
            request - self._last
            for request, at_s in sent_s.items()
            if request >= self._last and from_s < at_s <= until_s
        ]

    def _age_s(self, sent_s: Mapping[int, float], trace: int, now_s: float) -> float:
        return now_s - sent_s[trace + self._last]


class Probe:
    """Sends lone traces and looks for them."""

    def __init__(self, workload: Workload, connect: Callable[[], Connection], eyes: Eyes, cadence: Cadence) -> None:
        self._delivery = Delivery(Payloads(workload), connect, 1, workload.spans_per_trace / cadence.gap_s)
        self._eyes = eyes
        self._look_s = cadence.look_s
        self._lookout = Lookout(workload, cadence)
        self._thread = threading.Thread(target=self._look, name="probe")

    def start(self) -> None:
        """Send and look from now on."""
        self._delivery.start()
        self._thread.start()

    def stop(self) -> None:
        """Send no more traces."""
        self._delivery.stop()

    def join(self) -> Freshness:
        """Wait until all that were sent are visible or given up."""
        self._delivery.join()
        self._thread.join()
        self._eyes.close()
        return self._lookout.found(range(self.claim("").workload.traces))

    def between(self, from_s: float, until_s: float) -> Freshness:
        """Of the traces whose root was sent in this time of the monotonic clock; all are known after `join`."""
        return self._lookout.found(self._lookout.sent_between(self._delivery.tally.sent_s, from_s, until_s))

    def claim(self, tenant: str) -> Claim:
        """What was acknowledged of the lone traces."""
        return self._delivery.claim(tenant)

    def _look(self) -> None:
        while True:
            sending = not self._delivery.join(0.0)
            sent_s, now_s = dict(self._delivery.tally.sent_s), time.monotonic()
            waiting = self._lookout.waiting(sent_s, now_s)
            if not waiting and not sending:
                return
            seen = self._eyes.seen(self._lookout.due(waiting, sent_s, now_s))
            self._lookout.saw([waiting[hex_id] for hex_id in seen], sent_s, time.monotonic())
            if not seen:
                time.sleep(self._look_s)
