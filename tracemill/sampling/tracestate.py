"""What did samplers upstream leave in `tracestate`, and what do we write there?

The W3C header's member `ot` holds OpenTelemetry's sub-keys: `rv`, the trace's randomness where its id isn't random, and
`th`, the highest threshold that any sampler so far applied to the span. Where several spans of a trace disagree, the
lowest value counts: it doesn't depend on the order of spans, and the trace was seen whenever its likeliest span was.
A `th` above the trace's randomness can't be true, since the span would not be here; it is ignored, and erased.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracemill.sampling.thresholds import BITS, NEVER, Words, decode_randomness, decode_threshold, encode_threshold

MAX_MEMBERS: Final = 32
MAX_MEMBER: Final = 256

_MASK: Final = np.uint64((1 << BITS) - 1)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Of each trace: its 56 bits of randomness, and the threshold that samplers upstream applied (0: none known)."""

    randomness: Words
    threshold: Words


def read_upstream(trace_ids: Sequence[bytes], trace_states: pl.Series, trace_of_span: NDArray[np.int32]) -> Upstream:
    """What is known of traces from their ids (16 bytes each) and their spans' tracestate (text, '' for none).

    Only spans with a tracestate cost anything.
    """
    randomness = np.frombuffer(b"".join(trace_ids), dtype=">u8").reshape(-1, 2)[:, 1].astype(np.uint64) & _MASK
    rejected = np.full(len(randomness), NEVER, dtype=np.uint64)
    rows = (trace_states != "").arg_true().to_numpy()
    if len(rows):
        traces = trace_of_span[rows]
        found = [read_sampling(text) for text in trace_states.gather(rows).to_list()]
        _lower_to(randomness, traces, [rv for rv, _ in found], replace=True)
        consistent = randomness[traces].tolist()
        honest = [th if th is not None and th <= r else None for (_, th), r in zip(found, consistent, strict=True)]
        _lower_to(rejected, traces, honest, replace=False)
    rejected[rejected == NEVER] = 0
    return Upstream(randomness, rejected)


def _lower_to(target: Words, traces: NDArray[np.int32], values: list[int | None], *, replace: bool) -> None:
    """The lowest of the values that each trace has, where it has any."""
    given = np.array([value is not None for value in values], dtype=np.bool_)
    if replace:
        target[traces[given]] = NEVER
    np.minimum.at(target, traces[given], np.array([value for value in values if value is not None], dtype=np.uint64))


@lru_cache(maxsize=4_096)
def read_sampling(trace_state: str) -> tuple[int | None, int | None]:
    """Randomness and threshold in a tracestate; None for what isn't there or is malformed."""
    pairs = _sub_keys(_open_telemetry(trace_state.split(",")))
    return decode_randomness(pairs.get("rv", "")), decode_threshold(pairs.get("th", ""))


def write_thresholds(trace_states: pl.Series, randomness: Words, rejected: Words) -> pl.Series:
    """The tracestate of spans that were kept, with `th` where it is true; all three by span.

    `rejected` is the threshold that this sampler applied, 0 where a rule kept the trace: then nothing is written, since
    what came from upstream still holds and what is unknown stays unknown.
    """
    different, places = np.unique(rejected, return_inverse=True)
    fresh = pl.Series(["" if one == 0 else f"ot=th:{encode_threshold(one)}" for one in different.tolist()])
    written = fresh.gather(places)
    rows = (trace_states != "").arg_true().to_numpy()
    if not len(rows):
        return written.alias(trace_states.name)
    texts = trace_states.gather(rows).to_list()
    spans = zip(texts, randomness[rows].tolist(), rejected[rows].tolist(), strict=True)
    updated = pl.Series([_updated(*span) for span in spans], dtype=pl.String)
    return written.scatter(rows, updated).alias(trace_states.name)


def _updated(trace_state: str, randomness: int, rejected: int) -> str:
    _, before = read_sampling(trace_state)
    if before is not None and before > randomness:
        return write_threshold(trace_state, rejected or None)
    return write_threshold(trace_state, rejected) if rejected > (before or 0) else trace_state


def write_threshold(trace_state: str, rejected: int | None) -> str:
    """A tracestate with this `th` (None: without any), its `ot` member moved to the front as W3C asks.

    It stays as it is if the member would grow above 256 characters.
    """
    members = [member for member in trace_state.split(",") if member.strip()]
    pairs = _sub_keys(_open_telemetry(members))
    pairs.pop("th", None)
    if rejected is not None:
        pairs["th"] = encode_threshold(rejected)
    member = ";".join(f"{key}:{value}" for key, value in pairs.items())
    if len(member) > MAX_MEMBER:
        return trace_state
    others = [other for other in members if not _is_open_telemetry(other)]
    return ",".join(([f"ot={member}"] if member else []) + others[: MAX_MEMBERS - 1])


def _is_open_telemetry(member: str) -> bool:
    return member.strip(" \t").startswith("ot=")


def _open_telemetry(members: Sequence[str]) -> str:
    """The value of the first member `ot`, '' if there is none or it is longer than W3C allows."""
    value = next((member.strip(" \t")[3:] for member in members if _is_open_telemetry(member)), "")
    return value if len(value) <= MAX_MEMBER else ""


def _sub_keys(value: str) -> dict[str, str]:
    pairs = (pair.partition(":") for pair in value.split(";"))
    return {key: text for key, colon, text in pairs if key and colon}
