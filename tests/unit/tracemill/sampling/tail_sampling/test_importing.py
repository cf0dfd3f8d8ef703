"""What a Collector's policies become, sentence by sentence, and what is said of those that aren't taken."""

from __future__ import annotations

import pytest
import yaml

from tracemill.sampling import RulesError, RuleSet
from tracemill.sampling.tail_sampling import import_rules
from tracemill.sampling.tail_sampling.refused import REFUSED

LIST = """
- {name: Slow ones, type: latency, latency: {threshold_ms: 5000, upper_threshold_ms: 10000}}
- {name: errors, type: status_code, status_code: {status_codes: [ERROR, UNSET]}}
- {name: errors, type: span_count, span_count: {min_spans: 2}}
- {name: default, type: probabilistic, probabilistic: {sampling_percentage: 12.5}}
- name: quiet
  type: drop
  drop:
    drop_sub_policy:
      - {name: path, type: string_attribute, string_attribute: {key: url.path, values: ['^/health$$'],
         enabled_regex_matching: true, cache_max_size: 10}}
      - {name: fine, type: not, not: {not_sub_policy:
         {name: e, type: status_code, status_code: {status_codes: [ERROR]}}}}
- name: some
  type: and
  and:
    and_sub_policy:
      - {name: a, type: numeric_attribute, numeric_attribute: {key: http.status, min_value: 400}}
      - {name: b, type: probabilistic, probabilistic: {sampling_percentage: 50}}
      - {name: c, type: boolean_attribute, boolean_attribute: {key: it's, value: true}}
"""
HEALTH = (
    "any_span((attribute('url.path') IS NOT NULL AND (REGEXP_LIKE(attribute('url.path'), '^/health$'))) OR "
    "(resource_attribute('url.path') IS NOT NULL AND (REGEXP_LIKE(resource_attribute('url.path'), '^/health$'))))"
)


def rules_of(text: str, processor: str = "") -> list[dict]:
    imported = import_rules(text, "collector.yaml", processor)
    RuleSet.parse(imported)
    document = yaml.safe_load(imported)
    assert document["default"] == {"probability": 0}
    return document["rules"]


def test_policies_become_rules_of_the_same_order_and_name() -> None:
    assert rules_of(LIST) == [
        {"name": "slow-ones", "keep": "duration_ms >= 5001 AND duration_ms < 10001"},
        {"name": "errors", "keep": "any_span(status_code IN ('ERROR', 'UNSET'))"},
        {"name": "errors-2", "keep": "span_count >= 2"},
        {"name": "default-2", "when": "TRUE", "probability": 0.125},
        {"name": "quiet", "drop": f"({HEALTH}) AND (NOT (any_span(status_code = 'ERROR')))"},
        {
            "name": "some",
            "when": "(any_span((TO_INTEGER(attribute('http.status')) >= 400) OR "
            "(TO_INTEGER(resource_attribute('http.status')) >= 400))) AND "
            "(any_span(attribute('it''s') = 'true' OR resource_attribute('it''s') = 'true'))",
            "probability": 0.5,
        },
    ]


def test_policies_are_found_wherever_they_stand() -> None:
    policies = [{"name": "all", "type": "always_sample"}]
    settings = {"decision_wait": "10s", "policies": policies}
    both = {"tail_sampling": {"policies": []}, "tail_sampling/llm": settings, "batch": None}
    for document in (policies, settings, {"tail_sampling": settings}, {"processors": {"tail_sampling/llm": settings}}):
        assert rules_of(yaml.safe_dump(document)) == [{"name": "all", "keep": "TRUE"}]
    assert rules_of(yaml.safe_dump({"receivers": {}, "processors": both}), "tail_sampling/llm")


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_names_the_policy_its_line_and_what_to_write(kind: str) -> None:
    text = f"- {{name: all, type: always_sample}}\n- {{name: mine, type: {kind}, {kind}: {{}}}}\n"
    with pytest.raises(RulesError) as refused:
        import_rules(text, "collector.yaml")
    said = str(refused.value)
    assert said.startswith(f"collector.yaml:2: policy `mine`: `{kind}` ")
    assert "instead" in said


SHARE = "{name: p, type: probabilistic, probabilistic: {sampling_percentage: 10%s}}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "policies: there are none"),
        ("processors: {batch: {}}", "no `tail_sampling` in this file"),
        (
            "{tail_sampling: {policies: []}, tail_sampling/b: {policies: []}}",
            "--processor which of tail_sampling, tail",
        ),
        ("tail_sampling: {polices: []}", "unknown key `polices`; did you mean `policies`?"),
        ("[{type: always_sample}]", "policy 1: needs a `name:`"),
        ("[{name: a}]", "policy `a`: needs a `type:`"),
        ("[{name: a, type: latencies}]", "unknown type `latencies`; did you mean `latency`?"),
        ("[{name: a, type: latency}]", "policy `a`: is of type `latency` and needs a `latency:`"),
        ("[{name: a, type: latency, latency: {threshold: 5}}]", "policy `a`: latency: unknown key `threshold`"),
        ("[{name: a, type: latency, latency: {threshold_ms: 1.5}}]", "`1.5` isn't an integer"),
        (
            "[{name: a, type: latency, latency: {threshold_ms: '${env:SLOW}'}}]",
            "`${env:SLOW}` is filled in by the Coll",
        ),
        ("[{name: a, type: status_code, status_code: {status_codes: [FAILED]}}]", "one or more of OK, ERROR, UNSET"),
        ("[{name: a, type: numeric_attribute, numeric_attribute: {key: n}}]", "needs a `min_value:` or `max_value:`"),
        ("[{name: a, type: string_attribute, string_attribute: {values: [x]}}]", "needs a `key:`"),
        (
            "[{name: a, type: string_attribute, string_attribute:"
            " {key: k, values: ['(?=x)'], enabled_regex_matching: true}}]",
            "policy `a`: this regular expression can't be taken: character 2: look-around",
        ),
        ("[{name: a, type: not, not: {not_sub_policy: " + SHARE % "" + "}}]", "`sampling_percentage: 90`"),
        ("[{name: a, type: drop, drop: {drop_sub_policy: [" + SHARE % "" + "]}}]", "can't drop a share"),
        ("[" + SHARE % "" + ", " + SHARE % ", hash_salt: x" + "]", "hash_salt: another policy has another salt"),
        ("[{name: a, type: and, and: {and_sub_policy: []}}]", "needs a list `and_sub_policy:`"),
        (
            "[{name: a, type: and, and: {and_sub_policy: [{name: b, type: rate_limiting, rate_limiting: {}}]}}]",
            "policy `b`: `rate_limiting` depends on",
        ),
        (
            "[{name: a, type: and, and: {and_sub_policy: [{name: b, type: drop, drop: {}}]}}]",
            "`drop` stands in the list of policies only",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(RulesError) as refused:
        import_rules(text)
    assert said in str(refused.value)


def test_all_problems_are_said_at_once() -> None:
    text = "- {name: a, type: trace_flags}\n- {name: b, type: composite, composite: {}}\n"
    with pytest.raises(RulesError) as refused:
        import_rules(text)
    assert [problem.line for problem in refused.value.problems] == [1, 2]


def test_a_text_that_is_no_integer_counts_as_zero_only_where_zero_is_in_the_range() -> None:
    def condition(bounds: str) -> str:
        text = f"[{{name: a, type: numeric_attribute, numeric_attribute: {{key: n, {bounds}}}}}]"
        return rules_of(text)[0]["keep"]

    assert "COALESCE(TO_INTEGER(attribute('n')), 0) <= 9" in condition("max_value: 9")
    assert "COALESCE" not in condition("min_value: 1, max_value: 9")


def test_of_shares_that_all_have_to_hold_the_smallest_decides() -> None:
    shares = [SHARE % "", SHARE % "0", SHARE % ".5"]
    text = f"[{{name: a, type: and, and: {{and_sub_policy: [{', '.join(shares)}]}}}}]"
    assert rules_of(text) == [{"name": "a", "when": "TRUE", "probability": 0.1}]
