"""Every problem in a rules file is named with its line, its rule and its key."""

import pytest

from tracemill.sampling import RulesError, RuleSet
from tracemill.sampling.rules_file import MAX_BYTES

BAD = """\
version: 2
rule: 1
rules:
  - name: a
    keep: error_count > 0 AND span_cuont > 1
  - name: a
    keep: error_count > 0
  - name: b
    keep: error_count > 0
    drop: complete
  - name: c
    keep: error_count > 0
    keep: error_count > 1
  - nam: d
    when: error_count > 0
  - name: e
    when: >-
      complete AND
      any_span(tool = 'x')
    probability: 10%
  - name: Bad Name
    keep: complete
    probability: 1
  - name: f
    when: complete
    probability: 0
  - name: default
    keep: [complete]
  - just a text
default: {probability: 2}
"""

GOLDEN = """\
bad.yaml:1: version: this release reads version 1
bad.yaml:2: rules: unknown key `rule`; did you mean `rules`? Keys: version, rules, default
bad.yaml:5: rule `a`: keep: character 21: unknown column `span_cuont`; did you mean `span_count`?
    error_count > 0 AND span_cuont > 1
                        ^^^^^^^^^^
bad.yaml:6: rule 2: another rule is named `a`
bad.yaml:8: rule `b`: needs exactly one of `keep:`, `drop:` and `when:` with a condition
bad.yaml:13: rule 4: `keep` stands here twice
bad.yaml:14: rule 5: unknown key `nam`; did you mean `name`? Keys: name, drop, keep, when, probability, limit
bad.yaml:14: rule 5: needs a `name:`
bad.yaml:14: rule 5: `when:` needs a `probability:`, such as 0.5
bad.yaml:17: rule `e`: when: character 23: unknown column `tool`; did you mean `tool_name`?
    complete AND any_span(tool = 'x')
                          ^^^^
bad.yaml:20: rule `e`: probability: `10%` isn't a probability: write a decimal such as 0.1, above 0 and up to 1
bad.yaml:21: rule 7: `Bad Name` isn't a name for a rule: 1 to 63 of a-z, 0-9, `_.-`, and not `default`
bad.yaml:23: rule `Bad Name`: `probability` goes with `when:`; `keep:` is always or never
bad.yaml:26: rule `f`: probability: a probability of 0 never keeps anything; say so with `drop:` instead of `when:`
bad.yaml:27: rule 9: `default` isn't a name for a rule: 1 to 63 of a-z, 0-9, `_.-`, and not `default`
bad.yaml:28: rule `default`: keep: expected a text; an expression with `: ` or a leading quote goes into double quotes
bad.yaml:29: rule 10: expected keys and values such as `name: …`
bad.yaml:30: default: probability: `2` isn't a probability: write a decimal such as 0.1, above 0 and up to 1"""


def test_all_problems_at_once() -> None:
    with pytest.raises(RulesError) as caught:
        RuleSet.parse(BAD, "bad.yaml")
    shown = "\n".join(line for line in str(caught.value).splitlines() if not line.startswith("    Columns: "))
    assert shown == GOLDEN


def test_an_unknown_column_lists_those_there_are() -> None:
    with pytest.raises(RulesError) as caught:
        RuleSet.parse("{version: 1, rules: [{name: a, keep: cost > 1}], default: {probability: 1}}")
    assert "\n    Columns: cache_read_tokens, closed_by, complete, cost_usd, " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rules:1: rules: the file is empty"),
        ("# nothing", "rules:1: rules: the file is empty"),
        ("- a", "rules:1: rules: expected keys and values such as `version: …`"),
        ("version: 1", "rules:1: default: missing; say what happens to all other traces"),
        ("default: {probability: 1}", "rules:1: version: missing; write `version: 1`"),
        ("version: 1\nrules: 5\ndefault: {probability: 1}", "rules:2: rules: expected a list"),
        ("version: 1\ndefault: {}", "rules:2: default: needs a `probability:`"),
        ("version: 1\ndefault: 0.1", "rules:2: default: expected keys and values such as `probability: …`"),
        ("version: 1\ndefault: {probability: nan}", "rules:2: default: probability: `nan` isn't a probability"),
        ("version: 1\ndefault: {probability: 1e-20}", "rules:2: default: probability: `1e-20` isn't a probability"),
        ("version: 1\ndefault: {probability: -0.1}", "rules:2: default: probability: `-0.1` isn't a probability"),
        ("version: 1\n  x: y: z", "rules:2: not YAML: mapping values are not allowed here"),
        ("a: [", "not YAML"),
        ("a: \x00", "not YAML"),
        ("[" * 1500, "not YAML: nested too deeply"),
        ("#" * (MAX_BYTES + 1), f"the file is larger than {MAX_BYTES} bytes"),
        ("version: 1\n<<: {rules: []}\ndefault: {probability: 1}", "rules:2: rules: unknown key `<<`"),
        ("a: &a [*a]\nversion: 1\nrules: *a", "unknown key `a`"),
        ("--- {version: 1}\n--- {version: 1}", "not YAML: but found another document"),
    ],
)
def test_a_file_that_isnt_rules(text: str, message: str) -> None:
    with pytest.raises(RulesError) as caught:
        RuleSet.parse(text)
    assert message in str(caught.value)


def test_zero_is_a_default() -> None:
    assert RuleSet.parse("{version: 1, default: {probability: 0}}").default.probability == 0
