"""Rule sets: what is the same, in which order they decide, what they need."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.sampling import KEEP_EVERYTHING, RuleSet
from tracemill.sampling.rules import DEFAULT
from tracemill.sampling.vocabulary import SPAN_COLUMNS, TRACE_COLUMNS

PLAIN = """
version: 1
rules:
  - name: errors
    keep: error_count > 0 AND route = 'It''s'
  - name: some
    when: any_span(tool_name = 'x')
    probability: 0.5
default:
  probability: 0.1
"""

SAME = """
# a comment
{"version": 1, default: {probability: 1e-1},
 "rules": [{"keep": "error_count>0 and route='It''s'", name: errors},
           {name: some, probability: .50, when: "any_span (tool_name = 'x') -- why"}]}
"""


def test_style_doesnt_change_a_rule_set() -> None:
    assert RuleSet.parse(SAME).digest == RuleSet.parse(PLAIN).digest
    assert RuleSet.parse(SAME) == RuleSet.parse(PLAIN) != KEEP_EVERYTHING


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.5", "0.4"), ("0.1", "1"), ("errors", "faults"), ("> 0", ">= 0"), ("It''s", "it''s"), ("keep", "drop")],
)
def test_meaning_does(old: str, new: str) -> None:
    assert RuleSet.parse(PLAIN.replace(old, new)).digest != RuleSet.parse(PLAIN).digest


def test_the_order_of_rules_is_part_of_them() -> None:
    first, second = "- {name: a, keep: complete}", "- {name: b, keep: orphans > 0}"
    text = "version: 1\nrules: \n  {}\n  {}\ndefault: {{probability: 1}}"
    one, other = RuleSet.parse(text.format(first, second)), RuleSet.parse(text.format(second, first))
    assert one.digest != other.digest


def test_the_digest_stays_what_it_was_in_earlier_releases() -> None:
    """Rule sets are known by it on the control topic and in what was decided."""
    assert RuleSet.parse(PLAIN).canonical == (
        '{"version":1,"rules":[{"name":"errors","keep":"error_count > 0 AND route = \'It\'\'s\'"},'
        '{"name":"some","when":"any_span ( tool_name = \'x\' )","probability":0.5}],"default":{"probability":0.1}}'
    )
    assert RuleSet.parse(PLAIN).digest == hashlib.sha256(RuleSet.parse(PLAIN).canonical.encode()).hexdigest()


NAMES = st.lists(st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}", fullmatch=True), unique=True, max_size=4)
CONDITIONS = st.sampled_from(
    ["complete", "route = 'é😀'", "root_name = '\"' -- x", "has(models, 'a: b')", "depth > 1e2"]
)
SHARES = st.decimals("0.0001", "1", places=4).map(str)


@settings(deadline=None)
@given(NAMES, st.data())
def test_the_canonical_form_is_a_rules_file_that_means_the_same(names: list[str], data: st.DataObject) -> None:
    rules = []
    for name in names:
        action = data.draw(st.sampled_from(["keep", "drop", "when"]))
        condition = data.draw(CONDITIONS).replace('"', '\\"')
        share = f", probability: {data.draw(SHARES)}" if action == "when" else ""
        rules.append(f'{{name: "{name}", {action}: "{condition}"{share}}}')
    text = f"{{version: 1, rules: [{', '.join(rules)}], default: {{probability: {data.draw(SHARES)}}}}}"
    if DEFAULT in names:
        return
    rule_set = RuleSet.parse(text)
    again = RuleSet.parse(rule_set.canonical)
    assert (again.canonical, again.digest) == (rule_set.canonical, rule_set.digest)
    assert [rule.condition.root for rule in again.rules] == [rule.condition.root for rule in rule_set.rules]


def test_drop_then_keep_then_the_highest_probability() -> None:
    rules = "".join(
        f"  - {{name: {name}, {action}: complete{share}}}\n"
        for name, action, share in [
            ("a", "when", ", probability: 0.1"),
            ("b", "keep", ""),
            ("c", "when", ", probability: 0.5"),
            ("d", "drop", ""),
            ("e", "keep", ""),
            ("f", "when", ", probability: 0.5"),
        ]
    )
    rule_set = RuleSet.parse(f"version: 1\nrules:\n{rules}default: {{probability: 1}}")
    assert [rule.name for rule in rule_set.deciding_order] == ["d", "b", "e", "c", "f", "a"]


def test_needs() -> None:
    rule_set = RuleSet.parse(PLAIN)
    assert rule_set.needs.columns == {"error_count", "route"}
    assert rule_set.span_needs.columns == {"tool_name"}


def test_without_rules_there_is_a_default_alone() -> None:
    assert KEEP_EVERYTHING.rules == ()
    assert KEEP_EVERYTHING.default.probability == 1


def test_a_rule_cant_name_the_verdict_or_the_dice() -> None:
    for columns in (TRACE_COLUMNS, SPAN_COLUMNS):
        assert columns.keys().isdisjoint(
            {"decision", "policy", "probability", "adjusted_count", "revision", "late", "version", "sources"}
        )
        assert columns.keys().isdisjoint({"trace_id", "trace_state"})
