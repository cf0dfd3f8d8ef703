"""Does everything count once? `signals.v1` as a reader sees it who keeps the highest revision of an id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from confluent_kafka import Message

from loadtest.chaos.findings import Findings
from loadtest.chaos.truth import LLM_OPERATION, Truth, read_all
from tracemill import topics
from tracemill.config import Kafka

TRACE: Final = "trace"
LLM_CALL: Final = "llm_call"

Id = tuple[str, str, str]
"""Type, trace and id."""


@dataclass(slots=True)
class Signals:
    """The latest of each id, and those that were told twice with other words under one revision."""

    latest: dict[Id, dict[str, Any]] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    _hashes: dict[tuple[Id, int], int] = field(default_factory=dict)

    def take(self, value: bytes) -> None:
        """The next record."""
        signal = orjson.loads(value)
        identity = (signal["type"], signal["trace_id"], signal["id"])
        if self._hashes.setdefault((identity, signal["revision"]), hash(value)) != hash(value):
            self.contradictions.append(f"{identity} revision {signal['revision']}")
        before = self.latest.get(identity)
        if before is None or signal["revision"] > before["revision"]:
            self.latest[identity] = signal


def read_signals(kafka: Kafka) -> Signals:
    """All of `signals.v1`."""
    signals = Signals()

    def each(message: Message) -> None:
        signals.take(message.value() or b"")

    read_all(kafka, topics.SIGNALS, each)
    return signals


def check_signals(truth: Truth, signals: Signals) -> Findings:
    """One signal a trace, kept or not, as it was decided last; and one an LLM call."""
    findings = Findings("signals")
    findings.note("told twice, differently", signals.contradictions)
    _check_traces(truth, signals, findings)
    _check_calls(truth, signals, findings)
    return findings


def _check_traces(truth: Truth, signals: Signals, findings: Findings) -> None:
    wanted = {
        key[:16].hex(): (row.revision, len(row.span_ids), "keep" if verdict.keep else "drop", verdict.policy)
        for key, (row, verdict) in truth.latest.items()
    }
    found = {
        trace: (signal["revision"], signal["span_count"], signal["decision"], signal["policy"])
        for (kind, trace, _), signal in signals.latest.items()
        if kind == TRACE
    }
    findings.looked_at += len(wanted)
    findings.note("traces not counted", wanted.keys() - found.keys())
    findings.note("traces counted without reason", found.keys() - wanted.keys())
    findings.note(
        "traces counted wrongly",
        [f"{trace}: {found[trace]}, should be {wanted[trace]}" for trace in wanted if _wrong(trace, wanted, found)],
    )


def _wrong(trace: str, wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    return trace in found and found[trace] != wanted[trace]


def _check_calls(truth: Truth, signals: Signals, findings: Findings) -> None:
    wanted = {
        f"{key[:16].hex()} {span_id.hex()}"
        for key, spans in truth.spans.items()
        for span_id, span in spans.items()
        if span.operation == LLM_OPERATION
    }
    found = {f"{trace} {span_id}" for kind, trace, span_id in signals.latest if kind == LLM_CALL}
    findings.looked_at += len(wanted)
    findings.note("calls not counted", wanted - found)
    findings.note("calls counted without reason", found - wanted)
