"""Which rules hold from here on? A rule set is written to `control.v1` for good, and then to every partition."""

from __future__ import annotations

from typing import Any

import orjson

from tracemill.errors import Malformed, Reason
from tracemill.sampling import RulesError, RuleSet


def rules_record(rule_set: RuleSet) -> bytes:
    """The value of a control record that applies a rule set."""
    return orjson.dumps({"digest": rule_set.digest, "rules": rule_set.canonical})


def read_rules(value: bytes) -> RuleSet:
    """The rule set that a control record applies.

    Raises:
        Malformed: it isn't such a record, its rules can't be read by this release, or aren't what their hash says.
    """
    try:
        body: Any = orjson.loads(value)
        text, digest = body["rules"], body["digest"]
        if not isinstance(text, str):
            raise TypeError("rules has to be a text")
        rule_set = RuleSet.parse(text)
    except (orjson.JSONDecodeError, KeyError, TypeError, RulesError) as error:
        raise Malformed(Reason.UNKNOWN_RULES, f"not a record of rules: {error}") from error
    if rule_set.digest != digest:
        raise Malformed(Reason.UNKNOWN_RULES, f"rules hash to {rule_set.digest}, the record says {digest}")
    return rule_set
