"""Are the decisions those of the independent reader? Every revision of every trace, in the order of `decisions.v1`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from confluent_kafka import Message

from loadtest.chaos.findings import Findings
from loadtest.chaos.truth import Truth, read_all
from loadtest.reader.assembly import Reader
from loadtest.reader.decisions import Row
from loadtest.reader.facts import Verdict
from loadtest.reader.told import new_revisions, row_of, verdict_of
from loadtest.reread.decision_rows import IDENTITY
from tracemill import topics
from tracemill.assembly import blocks
from tracemill.config import Kafka


class Decision(NamedTuple):
    """A revision of a trace, and what was decided."""

    row: Row
    verdict: Verdict

    @property
    def mark(self) -> tuple[bytes, int, int]:
        """What makes it this one: the trace, when it was opened, the revision."""
        return self.row.key, self.row.opened_at, self.row.revision

    def __str__(self) -> str:
        return f"trace {self.row.key[:16].hex()} revision {self.row.revision}"


@dataclass(slots=True)
class Told:
    """The rows of a partition, each where it was told first; and those that were told again in other words."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    _said: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def take(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The rows of the next block."""
        for row in rows:
            identity = tuple(row[name] for name in IDENTITY)
            before = self._said.setdefault(identity, len(self.rows))
            if before == len(self.rows):
                self.rows.append(row)
            elif row != self.rows[before]:
                changed = [name for name, value in row.items() if value != self.rows[before][name]]
                where = f"trace {row['trace_id'].hex()} revision {row['revision']}"
                self.contradictions.append(f"{where}: {', '.join(changed)}")

    def decisions(self) -> list[Decision]:
        """What they decide."""
        return [Decision(row_of(row), verdict_of(row)) for row in new_revisions(self.rows)]


def read_told(kafka: Kafka) -> list[Told]:
    """What `decisions.v1` tells, by partition."""
    told = [Told() for _ in range(kafka.partitions)]

    def each(message: Message) -> None:
        rows = blocks.read(message.value() or b"").rows
        told[message.partition() or 0].take(rows.to_pylist())

    read_all(kafka, topics.DECISIONS, each)
    return told


def check_decisions(truth: Truth, told: Sequence[Told]) -> Findings:
    """Compare partition by partition."""
    findings = Findings("decisions")
    findings.note("open at the end", [key[:16].hex() for reader in truth.readers for key in reader.open_traces])
    for reader, partition in zip(truth.readers, told, strict=True):
        findings.note("told twice, differently", partition.contradictions)
        _compare(_expected(reader), partition.decisions(), findings)
    return findings


def _expected(reader: Reader) -> list[Decision]:
    return [Decision(row, verdict) for row, verdict in zip(reader.rows, reader.verdicts, strict=True)]


def _compare(expected: Sequence[Decision], found: Sequence[Decision], findings: Findings) -> None:
    wanted, seen = {each.mark: each for each in expected}, {each.mark: each for each in found}
    findings.looked_at += len(expected)
    findings.note("missing", [str(wanted[mark]) for mark in wanted.keys() - seen.keys()])
    findings.note("without reason", [str(seen[mark]) for mark in seen.keys() - wanted.keys()])
    findings.note(
        "different", [_told_apart(wanted[mark], seen[mark]) for mark in wanted if _differs(mark, wanted, seen)]
    )
    both = wanted.keys() & seen.keys()
    findings.note(
        "out of order",
        [
            str(one)
            for one, other in zip(_only(expected, both), _only(found, both), strict=False)
            if one.mark != other.mark
        ],
    )


def _differs(mark: Any, wanted: Mapping[Any, Decision], seen: Mapping[Any, Decision]) -> bool:
    return mark in seen and wanted[mark] != seen[mark]


def _only(decisions: Sequence[Decision], marks: Any) -> Iterator[Decision]:
    return (each for each in decisions if each.mark in marks)


def _told_apart(wanted: Decision, seen: Decision) -> str:
    """The fields that aren't as they should be."""
    fields = {**wanted.row._asdict(), **wanted.verdict._asdict()}
    other = {**seen.row._asdict(), **seen.verdict._asdict()}
    words = [
        f"{name} {_text(value)}, not {_text(other[name])}" for name, value in fields.items() if value != other[name]
    ]
    return f"{wanted}: should have {'; '.join(words)}"


def _text(value: Any) -> str:
    return f"{len(value)} ids" if isinstance(value, frozenset) else str(value)
