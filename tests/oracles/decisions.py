"""What has to be decided about closed traces, and which of their spans are written? One after the other, plainly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.oracles.assembly import Closed

Judge = Callable[[Sequence[Span]], tuple[str, float]]
"""What a rule set says of a trace's distinct spans: which policy decides, with which probability it keeps."""

STALE, UNDECODABLE = "stale", "undecodable"
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Verdict:
    """What holds for a trace from now on."""

    keep: bool
    policy: str
    probability: float

    @property
    def adjusted_count(self) -> float:
        """How many traces it stands for."""
        return 1 / self.probability if self.keep else 0.0


@dataclass(frozen=True)
class Decided:
    """A closing with its verdict; whether there is a trace row (`told`), and the ids of the spans that are written."""

    closed: Closed
    revision: int
    verdict: Verdict
    moved: bool
    told: bool
    written: frozenset[bytes]


def decide(closed: Iterable[Closed], judges: Mapping[str, Judge], horizon_ms: int) -> list[Decided]:
    """All closings in their order; `judges` by the hash of their rule sets."""
    latest: dict[bytes, Decided] = {}
    found = []
    for one in closed:
        latest[one.key] = _decide(one, latest[one.key] if one.late else None, judges, horizon_ms)
        found.append(latest[one.key])
    return found


def _decide(one: Closed, before: Decided | None, judges: Mapping[str, Judge], horizon_ms: int) -> Decided:
    if one.broken:
        verdict = before.verdict if before else Verdict(False, UNDECODABLE, 0.0)
        return Decided(one, before.revision if before else 0, verdict, False, False, frozenset())
    if one.beyond:
        assert before
        written = one.ids if before.verdict.keep else frozenset()
        return Decided(one, before.revision, before.verdict, False, False, written)
    distinct = list({span.span_id: span for span in reversed(one.spans)}.values())
    stale = before is None and _is_stale(one, horizon_ms)
    policy, probability = judges[one.rules]([] if stale else distinct)
    now = _drawn(one.key[:16], STALE if stale else policy, probability)
    if before is None:
        return Decided(one, 1, now, False, not stale, one.ids if now.keep else frozenset())
    if not one.fresh or before.verdict.policy == STALE:
        written = one.fresh if before.verdict.keep else frozenset()
        return Decided(one, before.revision, before.verdict, False, False, written)
    old = before.verdict
    moved = (now.keep, now.probability) > (old.keep, old.probability)
    promoted = moved and now.keep and not old.keep
    stands = replace(now, policy=f"promoted:{now.policy}") if promoted else now if moved else old
    written = one.ids if moved else one.fresh
    return Decided(one, before.revision + 1, stands, moved, True, written if stands.keep else frozenset())


def _drawn(trace_id: bytes, policy: str, probability: float) -> Verdict:
    share = 1 - Fraction(int.from_bytes(trace_id[-7:], "big"), 2**56)
    return Verdict(share <= Fraction(repr(probability)), policy, probability)


def _is_stale(one: Closed, horizon_ms: int) -> bool:
    ended = max(span.end_time_unix_nano for span in one.spans)
    return not one.rooted and ended < (one.opened_at - horizon_ms) * _NS_PER_MS
