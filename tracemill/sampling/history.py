"""What was decided in a partition shortly before? From that come the probabilities of limits and each route's p95.

It is made of rows of `decisions.v1` alone, and answers only about times that are over when they are asked about: so a
worker that takes a partition over knows the same as the one before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from ddsketch import DDSketch

from tracemill.sampling.limits import Rate

SLOT_MS: Final = 10_000
_SLOTS: Final = 6
"""In a minute: what a limit looks back on."""

_MINUTE_MS: Final = 60_000
MAX_ROUTES: Final = 100
"""Of a partition and minute whose durations are remembered: those with most traces, then by name."""

LEAST_TRACES: Final = 20
"""A route with fewer of them in memory has no p95."""

_ACCURACY: Final = 0.01
_SHORTEST_MS, _LONGEST_MS = 1e-3, 1e9
_P95: Final = 0.95

Route = tuple[str, str]
"""Tenant and route."""


def slot_of(log_ms: int) -> int:
    """The slot of a log time; what is decided in one is decided by the slots before it."""
    return log_ms // SLOT_MS


class History:
    """First decisions of one partition, in slots of ten seconds and in minutes of log time.

    Args:
        horizon_ms: how far back `decisions.v1` is read.
        share: the partition's share of all traffic.
    """

    def __init__(self, horizon_ms: int, share: float = 1.0) -> None:
        self._minutes_kept = max(1, horizon_ms // _MINUTE_MS)
        self._share = share
        self._slots: dict[int, dict[str, Rate]] = {}
        self._raw: dict[int, list[pl.DataFrame]] = defaultdict(list)
        self._sketches: dict[int, dict[Route, Any]] = {}
        self._p95: dict[Route, float | None] = {}
        self._p95_minute = -1

    def note(self, rows: Any) -> None:
        """Rows of `blocks.SCHEMA`, all `decided`, each written once: their first decisions are remembered."""
        firsts = rows.filter((_series(rows["first_through"]) == _series(rows["records"]).list.last()).to_arrow())
        if not len(firsts):
            return
        frame = _frame(firsts)
        for slot, policy, *counts in (
            frame.group_by("slot", "policy").agg(pl.len(), pl.col("spans").sum(), pl.col("bytes").sum()).iter_rows()
        ):
            tally = self._slots.setdefault(slot, {})
            tally[policy] = Rate(*map(sum, zip(tally.get(policy, Rate()), counts, strict=True)))
        rooted = frame.filter(pl.col("rooted") & (pl.col("spans") > 0)).select(
            "minute", "tenant", "route", "duration_ms"
        )
        for (minute,), part in rooted.partition_by("minute", as_dict=True, include_key=False).items():
            self._raw[minute].append(part)
        self._forget(max(frame["minute"]))

    def rates(self, slot: int) -> Mapping[str, Rate]:
        """What each policy decided a minute in all partitions, guessed from this one's slots before `slot`.

        The larger of the last minute's and the last slot's, so that a rise is followed within ten seconds.
        """
        last = self._slots.get(slot - 1, {})
        names = {name for back in range(1, _SLOTS + 1) for name in self._slots.get(slot - back, ())}
        return {name: self._rate(name, slot, last.get(name, Rate())) for name in names}

    def p95_ms(self, tenant: str, route: str, log_ms: int) -> float | None:
        """The 95th percentile of a route's durations before the minute of `log_ms`, ± 1 %; None where few are known."""
        minute = log_ms // _MINUTE_MS
        if minute != self._p95_minute:
            self._p95, self._p95_minute = {}, minute
            self._sketch(minute)
        key = tenant, route
        if key not in self._p95:
            self._p95[key] = self._quantile(key, minute)
        return self._p95[key]

    def _rate(self, name: str, slot: int, last: Rate) -> Rate:
        minute = [self._slots.get(slot - back, {}).get(name, Rate()) for back in range(1, _SLOTS + 1)]
        sums = (sum(column) for column in zip(*minute, strict=True))
        return Rate(*(max(total, each * _SLOTS) / self._share for total, each in zip(sums, last, strict=True)))

    def _quantile(self, key: Route, minute: int) -> float | None:
        merged = DDSketch(_ACCURACY)
        for back in range(1, self._minutes_kept + 1):
            sketch = self._sketches.get(minute - back, {}).get(key)
            if sketch is not None:
                merged.merge(sketch)
        return merged.get_quantile_value(_P95) if merged.count >= LEAST_TRACES else None

    def _sketch(self, before: int) -> None:
        """Turn the durations of the minutes that are over into sketches."""
        for minute in [one for one in self._raw if one < before]:
            self._sketches[minute] = sketches(pl.concat(self._raw.pop(minute)))

    def _forget(self, minute: int) -> None:
        for old in [one for one in self._slots if one < slot_of(minute * _MINUTE_MS) - _SLOTS]:
            del self._slots[old]
        self._sketch(minute)
        for old in [one for one in self._sketches if one < minute - self._minutes_kept]:
            del self._sketches[old]


def sketches(durations: pl.DataFrame) -> dict[Route, Any]:
    """A sketch of `duration_ms` for each of the `MAX_ROUTES` busiest `tenant` and `route`."""
    busiest = (
        durations.group_by("tenant", "route")
        .agg(pl.len().alias("count"), pl.col("duration_ms").clip(_SHORTEST_MS, _LONGEST_MS))
        .sort("count", "tenant", "route", descending=[True, False, False])
        .head(MAX_ROUTES)
    )
    found = {}
    for tenant, route, _, values in busiest.iter_rows():
        sketch = found[tenant, route] = DDSketch(_ACCURACY)
        for value in values:
            sketch.add(value)
    return found


def _frame(rows: Any) -> pl.DataFrame:
    at = pl.Series("at", rows["at"].to_numpy())
    return pl.DataFrame(
        {
            "slot": at // SLOT_MS,
            "minute": at // _MINUTE_MS,
            "policy": _series(rows["policy"]),
            "spans": _series(pc.list_value_length(rows["span_ids"])).cast(pl.Int64),
            "bytes": _series(rows["span_bytes"]),
            "tenant": _series(rows["tenant"]),
            "route": _series(rows["route"]),
            "duration_ms": _series(rows["duration_ms"]),
            "rooted": _series(rows["rooted"]),
        }
    )


def _series(column: Any) -> pl.Series:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pl.Series(pl.from_arrow(whole))
