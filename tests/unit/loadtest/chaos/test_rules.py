"""The rules in Python decide what the rules in YAML decide, for a load that has all kinds of traces."""

from __future__ import annotations

from collections import Counter

from loadtest.chaos.decisions import check_decisions
from tests.builders.chaotic import left


def test_both_say_the_same_of_every_trace() -> None:
    found = left()
    findings = check_decisions(found.truth, found.told)
    assert findings.clean, findings
    verdicts = [verdict for reader in found.truth.readers for verdict in reader.verdicts]
    policies = {verdict.policy.removeprefix("promoted:") for verdict in verdicts}
    assert policies == {"searches", "errors", "slow-tools", "whole", "default"}
    assert Counter((verdict.policy, verdict.keep) for verdict in verdicts).keys() >= {
        ("whole", True), ("whole", False), ("default", True), ("default", False)
    }  # fmt: skip


def test_late_spans_move_verdicts() -> None:
    """Else the checks would say nothing about promotion."""
    seen: dict[bytes, set[bool]] = {}
    for reader in left().truth.readers:
        for row, verdict in zip(reader.rows, reader.verdicts, strict=True):
            seen.setdefault(row.key, set()).add(verdict.keep)
    assert sum(len(keeps) == 2 for keeps in seen.values()) > 5
