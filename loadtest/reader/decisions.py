"""What has to be decided about a closed trace, and which of its spans are written? One after the other, plainly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from loadtest.reader.closed import Closed
from loadtest.reader.facts import Verdict

STALE: Final = "stale"
UNDECODABLE: Final = "undecodable"
_NS_PER_MS: Final = 1_000_000


class Row(NamedTuple):
    """A revision of a trace: why and at which log time it was closed, the offset of the record that caused it, when the
    trace was opened, whether its root is there, and the ids of all its spans so far."""

    key: bytes
    revision: int
    closed_by: str
    at: int
    cause: int
    opened_at: int
    complete: bool
    span_ids: frozenset[bytes]


@dataclass(frozen=True)
class Decided:
    """A closing with its verdict, and the ids of the spans that are written.

    `fresh` says whether it makes a revision, `told` whether there is a trace row: of stale spans there is none.
    """

    closed: Closed
    revision: int
    verdict: Verdict
    moved: bool
    fresh: bool
    told: bool
    written: frozenset[bytes]

    @property
    def row(self) -> Row:
        """The revision."""
        one = self.closed
        return Row(
            one.key, self.revision, one.closed_by, one.at, one.cause, one.opened_at, one.rooted, one.ids
        )  # fmt: skip


def decide(one: Closed, before: Decided | None, horizon_ms: int) -> Decided:
    """The next closing of a trace that was decided `before`, if that isn't forgotten."""
    if one.broken:
        verdict = before.verdict if before else Verdict(False, UNDECODABLE, 0.0)
        return Decided(one, before.revision if before else 0, verdict, False, False, False, frozenset())
    if before is None:
        return _first(one, horizon_ms)
    old, fresh = before.verdict, one.fresh
    if one.beyond:
        return Decided(one, before.revision, old, False, False, False, one.own if old.keep else frozenset())
    if not fresh or old.policy == STALE:
        written = fresh if old.keep else frozenset()
        return Decided(one, before.revision, old, False, False, False, written)
    now = one.judge(one.key[:16], one.spans)
    moved = (now.keep, now.probability) > (old.keep, old.probability)
    promoted = moved and now.keep and not old.keep
    stands = now._replace(policy=f"promoted:{now.policy}") if promoted else now if moved else old
    written = one.ids if moved else fresh
    return Decided(one, before.revision + 1, stands, moved, True, True, written if stands.keep else frozenset())


def _first(one: Closed, horizon_ms: int) -> Decided:
    stale = not one.rooted and one.ended_ns < (one.opened_at - horizon_ms) * _NS_PER_MS
    verdict = one.judge(one.key[:16], {} if stale else one.spans)
    verdict = verdict._replace(policy=STALE) if stale else verdict
    return Decided(one, 1, verdict, False, True, not stale, one.ids if verdict.keep else frozenset())
