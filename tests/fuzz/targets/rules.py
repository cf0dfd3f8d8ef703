"""Rules files: all that is wrong with them in a RulesError, or rules that decide about a real trace."""

from __future__ import annotations

from typing import Final

from tests.builders.bundles import S, bundle
from tests.builders.partition import Worker, Written
from tests.fuzz.seeds import rules_files
from tests.fuzz.target import Target
from tracemill.config import Assembly
from tracemill.sampling import RuleSet
from tracemill.sampling.rules_file import RulesError

_NOW_MS: Final = 1_760_000_000_000
_LIMITS: Final = Assembly()
_WORDS: Final = (
    "version: 1", "rules:", "- name: ", "keep: ", "drop: ", "when: ", "probability: ", "default:", "0.5", "1e-999",
    "&a ", "*a", "<<: ", "!!python/object:os.system ", "!!binary ", "|\n ", ">-\n ", "{", "[", "? ", "---\n",
    "error_count > 0", "any_span(tool_name = 'x')", "\ufeff", "\u2028", "\x85", '"\\ud800"', ".nan", "0x1", "1_0", "~",
)  # fmt: skip


def check_rules(data: bytes) -> None:
    """Read a file; what can be read means the same once written plainly, and decides."""
    try:
        rules = RuleSet.parse(data.decode("utf-8", "replace"))
    except RulesError as error:
        assert error.problems
        assert all(problem.line >= 1 and problem.message for problem in error.problems)
        return
    assert RuleSet.parse(rules.canonical).digest == rules.digest
    assert _decided_by(rules) in {"default", *(rule.name for rule in rules.rules)}


def _decided_by(rules: RuleSet) -> str:
    """The policy of a trace with a root, a failed step and an attribute."""
    spans = [S(attributes={"app.channel": "beta"}), S(span=1, parent=0, error=True)]
    log = [(_NOW_MS, *bundle(spans)), (_NOW_MS + _LIMITS.max_idle_ms, b"", b"")]
    written = Written()
    worker = Worker(_LIMITS, log, written, rules)
    while worker.feed():
        pass
    worker.flush()
    (row,) = written.rows()
    return str(row["policy"])


TARGET: Final = Target(
    check_rules, lambda: (text.encode() for text in rules_files()), tuple(word.encode() for word in _WORDS)
)
