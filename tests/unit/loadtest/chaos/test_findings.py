"""Findings count everything that is wrong, show the first of it, and aren't clean when nothing was looked at."""

from loadtest.chaos.findings import EXAMPLES, Findings


def test_what_is_wrong_is_counted_and_the_first_of_it_shown():
    findings = Findings("a check", looked_at=9)
    findings.note("lost", [])
    assert findings.clean
    findings.note("twice", [str(number) for number in range(7)])
    findings.note("twice", ["more"])
    assert (findings.total, findings.counts, findings.clean) == (8, {"lost": 0, "twice": 8}, False)
    assert findings.examples == {"twice": [str(number) for number in range(EXAMPLES)]}


def test_nothing_proves_nothing():
    assert not Findings("a check").clean
