"""What rules file keeps the traces that a Collector's configuration of tail sampling keeps?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import yaml

from tracemill.expressions import ExpressionError, parse_condition
from tracemill.sampling.rules import DEFAULT, VERSION
from tracemill.sampling.rules_file import Reader, RulesError, compose
from tracemill.sampling.tail_sampling.places import policies_of
from tracemill.sampling.tail_sampling.policies import Policy, PolicyReader
from tracemill.sampling.vocabulary import SPAN_COLUMNS, TRACE_COLUMNS

_LONGEST_NAME: Final = 56
_WIDE: Final = 1_000_000
_HEADER: Final = (
    "# The Collector's tail sampling policies as rules. A trace that no policy samples is dropped, as there.\n"
    "# When a trace is finished isn't said here but under `assembly:` in tracemill.yaml.\n"
)


def import_rules(text: str, source: str = "collector", processor: str = "") -> str:
    """The text of a rules file.

    `processor` names the processor where the configuration has several.

    Raises:
        RulesError: all that is wrong or can't be said as a rule, each with its line, its policy, and what to write
            instead.
    """
    reader = Reader()
    listed = policies_of(reader, compose(text, source), processor)
    policies = [] if listed is None else PolicyReader(reader).policies(listed)
    if not reader.problems:
        for policy in policies:
            _check(reader, policy)
    if reader.problems:
        raise RulesError(source, sorted(reader.problems, key=lambda problem: problem.line))
    names = _names(policy.name for policy in policies)
    rules = [_rule(name, policy) for name, policy in zip(names, policies, strict=True)]
    document = {"version": VERSION, "rules": rules, DEFAULT: {"probability": 0}}
    return _HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=_WIDE)


def _check(reader: Reader, policy: Policy) -> None:
    """Refuse what the language of conditions doesn't take: a regular expression, or too much of everything."""
    try:
        parse_condition(policy.choice.condition, TRACE_COLUMNS, SPAN_COLUMNS)
    except ExpressionError as error:
        reader.add(policy.node, f"policy `{policy.name}`", f"{error.message}\n    {policy.choice.condition}")


def _rule(name: str, policy: Policy) -> dict[str, Any]:
    if policy.drops:
        return {"name": name, "drop": policy.choice.condition}
    if policy.choice.share == 1:
        return {"name": name, "keep": policy.choice.condition}
    return {"name": name, "when": policy.choice.condition, "probability": float(policy.choice.share)}


def _names(names: Iterable[str]) -> list[str]:
    """Names that rules can have, each once: lower case, and a hyphen for what isn't allowed."""
    taken = {DEFAULT}
    result = []
    for name in names:
        plain = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).lstrip("_.-")[:_LONGEST_NAME] or "policy"
        candidates = (plain if number == 1 else f"{plain}-{number}" for number in range(1, len(taken) + 2))
        chosen = next(one for one in candidates if one not in taken)
        taken.add(chosen)
        result.append(chosen)
    return result
