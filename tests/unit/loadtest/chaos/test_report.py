"""A report names what was struck, what couldn't be, and counts in its cells whatever is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

from loadtest.chaos.findings import Findings
from loadtest.chaos.ledger import Ledger
from loadtest.chaos.plan import Fault, Kind
from loadtest.chaos.report import HEAD, cells, lines
from loadtest.chaos.run import Outcome
from loadtest.chaos.storm import Struck
from loadtest.ledger import Verdict
from loadtest.load import Sent

KEPT = {"half kept": 0, "lost": 0, "stored though dropped": 0, "spans stored twice": 0}
FAULTS = {
    "undecided_traces": 0,
    "contradicted_traces": 0,
    "traces_counted_short": 0,
    "traces_counted_over": 0,
    "spans_counted_twice": 0,
    "missing_spans": 0,
    "duplicate_rows": 0,
    "dropped_traces_stored": 0,
}
STRUCK = [
    Struck(Fault(1.0, Kind.KILL, "streams", 0.0, 0.5), 1.0, 1.0, 7.5),
    Struck(Fault(2.0, Kind.FULL, "kafka", 9.0, 0.5), 2.0, 11.0, None, ["skipped: no disk can be mounted"]),
]


def _outcome(faults: dict[str, int], *checks: Findings) -> Outcome:
    names = ("decisions", "kept traces", "trace rows", "rows against their spans", "signals")
    all_checks = {name: Findings(name, 10, dict(KEPT) if name == "kept traces" else {"a": 0}) for name in names}
    all_checks |= {findings.check: findings for findings in checks}
    verdict = Verdict(1_000, 125, 8, 75, 50, 600, 0, FAULTS | faults, {})
    ledger = Ledger(verdict, list(all_checks.values()), {"complete": 130}, {"errors": 20}, 130)
    sent = Sent([], [{"retries": 3}, {"retries": 4}])
    return Outcome(3, 120.0, 800.0, {"cores": 2}, STRUCK, "", sent, 12.0, ledger)


def _cells(outcome: Outcome) -> dict[str, str]:
    return dict(zip(HEAD, cells(outcome), strict=True))


def test_a_clean_run() -> None:
    outcome = _outcome({})
    told = _cells(outcome)
    assert told["faults"] == "1 full (skipped), 1 kill"
    assert (told["seconds"], told["seed"], told["sent again"]) == ("120", "3", "7")
    assert [told[name] for name in HEAD[7:]] == ["0"] * 5
    text = "\n".join(lines(outcome))
    assert "| 1.0 s | kill streams |  | 7.5 s |  |" in text
    assert "| 2.0 s | full kafka | 9.0 s | never | skipped: no disk can be mounted |" in text
    assert json.loads(json.dumps(outcome.as_json()))["ledger"]["clean"] is True


def test_whatever_is_wrong_is_in_its_cell() -> None:
    lost = _cells(_outcome({"missing_spans": 2}, Findings("kept traces", 10, KEPT | {"half kept": 3})))
    assert (lost["lost"], lost["half kept"]) == ("2", "3")
    twice = _cells(_outcome({"duplicate_rows": 1}, Findings("signals", 10, {"calls counted without reason": 4})))
    assert twice["counted twice"] == "5"
    otherwise = _outcome({}, Findings("decisions", 10, {"different": 6}, {"different": ["trace 00: …"]}))
    assert _cells(otherwise)["decided otherwise"] == "6"
    assert not otherwise.ledger.clean
    assert "different: trace 00: …" in "\n".join(lines(otherwise))
    rows = _outcome({}, Findings("trace rows", 10, {"missing": 1}))
    assert _cells(rows)["rows unlike their spans"] == "1"
    assert not replace(rows.ledger, checks=[Findings("decisions")]).clean
