"""Is everything there, once, whole and decided as it has to be? All checks, when all is healed and quiet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.chaos.decisions import check_decisions, read_told
from loadtest.chaos.findings import Findings
from loadtest.chaos.rows import check_kept, check_rows, check_sums
from loadtest.chaos.signals import check_signals, read_signals
from loadtest.chaos.stored import TENANT, read_stored
from loadtest.chaos.truth import Truth, read_truth
from loadtest.check import check
from loadtest.claims import Claim
from loadtest.ledger import Verdict
from tracemill.config import Config


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of the acknowledged spans, what the other checks found, and how often traces closed for which reason
    and were decided by which rule."""

    acknowledged: Verdict
    checks: Sequence[Findings]
    closed_by: Mapping[str, int]
    policies: Mapping[str, int]
    revisions: int

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return self.acknowledged.clean and all(findings.clean for findings in self.checks)

    def as_json(self) -> dict[str, Any]:
        """For a report."""
        return {
            "clean": self.clean,
            "acknowledged": self.acknowledged.as_json(),
            "checks": {findings.check: findings.as_json() for findings in self.checks},
            "closed_by": dict(self.closed_by),
            "policies": dict(self.policies),
            "revisions": self.revisions,
        }


def draw_up(claims: list[Claim], config: Config) -> Ledger:
    """Read everything there is, and compare."""
    truth = read_truth(config.kafka, config.assembly)
    stored = read_stored(config.store)
    checks = [
        check_decisions(truth, read_told(config.kafka)),
        check_kept(truth, stored),
        check_rows(truth, stored),
        check_sums(truth, stored),
        check_signals(truth, read_signals(config.kafka)),
    ]
    verdict = check(claims, config.kafka, config.store)[TENANT]
    return Ledger(verdict, checks, _closed_by(truth), _policies(truth), sum(len(each.rows) for each in truth.readers))


def _closed_by(truth: Truth) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reader in truth.readers:
        for row in reader.rows:
            counts[row.closed_by] = counts.get(row.closed_by, 0) + 1
    return counts


def _policies(truth: Truth) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, verdict in truth.latest.values():
        counts[verdict.policy] = counts.get(verdict.policy, 0) + 1
    return counts
