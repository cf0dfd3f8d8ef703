"""What do sampling rules say, in which order do they decide, and are two rule sets the same?

version: 1
rules:
  - name: errors
    keep: error_count > 0
  - name: health-checks
    drop: root_name = 'GET /healthz'
  - name: some-searches
    when: any_span(tool_name = 'search')
    probability: 0.5
    limit: {traces_per_minute: 600}
default:
  probability: 0.1
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

import yaml

from tracemill.expressions import Expression, ExpressionError, Needs, parse_condition
from tracemill.expressions.expression import NOTHING
from tracemill.sampling.limits import Limit, read_limit
from tracemill.sampling.rules_file import Reader, RulesError, compose
from tracemill.sampling.vocabulary import SPAN_COLUMNS, TRACE_COLUMNS

VERSION: Final = 1
MAX_RULES: Final = 200
DEFAULT: Final = "default"
"""The policy of a trace that no rule matches."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}", re.ASCII)


class Action(StrEnum):
    """What a rule does with a trace that it matches; also the key of its condition."""

    DROP = "drop"
    KEEP = "keep"
    SOME = "when"


_RANK: Final = {Action.DROP: 0, Action.KEEP: 1, Action.SOME: 2}
_RULE_KEYS: Final = ("name", *Action, "probability", "limit")
_DEFAULT_KEYS: Final = ("probability", "limit")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `probability` is 1 for keep and 0 for drop, and lower where a limit is reached."""

    name: str
    action: Action
    condition: Expression
    probability: float
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Default:
    """What holds for traces that no rule matches."""

    probability: float
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in the order of the file, and what holds for traces that none of them matches.

    `canonical` is JSON that is a rules file itself and means the same; `digest` is its SHA-256 in hex. Comments, white
    space, the style of YAML and the case of SQL's keywords change neither.
    """

    rules: tuple[Rule, ...] = field(compare=False)
    default: Default = field(compare=False)
    canonical: str = field(compare=False)
    digest: str

    @classmethod
    def parse(cls, text: str, source: str = "rules") -> Self:
        """The rules in a YAML text.

        Raises:
            RulesError: all that is wrong with it, each with line, rule, key, and place in the expression.
        """
        root, reader = compose(text, source), Reader()
        keys = reader.mapping(root, "rules", ("version", "rules", "default"))
        _check_version(reader, root, keys.get("version"))
        listed = keys.get("rules")
        nodes = reader.items(listed, "rules", MAX_RULES) if listed is not None else []
        names: set[str] = set()
        rules = [_rule(reader, node, index, names) for index, node in enumerate(nodes)]
        default = _default(reader, root, keys.get(DEFAULT))
        if reader.problems:
            raise RulesError(source, sorted(reader.problems, key=lambda problem: problem.line))
        return cls._of(tuple(rule for rule in rules if rule is not None), default)

    @classmethod
    def _of(cls, rules: tuple[Rule, ...], default: Default) -> Self:
        document = {
            "version": VERSION,
            "rules": [_document(rule) for rule in rules],
            "default": {"probability": default.probability} | _limit_document(default.limit),
        }
        canonical = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return cls(rules, default, canonical, hashlib.sha256(canonical.encode()).hexdigest())

    @property
    def deciding_order(self) -> tuple[Rule, ...]:
        """The rules so that the first that matches decides: drop, keep, then the highest probability."""
        return tuple(sorted(self.rules, key=lambda rule: (_RANK[rule.action], -rule.probability)))

    @property
    def written(self) -> list[tuple[str, float, Limit | None]]:
        """Name, probability and limit of each rule in deciding order, and of the default behind them."""
        rules = [(rule.name, rule.probability, rule.limit) for rule in self.deciding_order]
        return [*rules, (DEFAULT, self.default.probability, self.default.limit)]

    @property
    def limited(self) -> bool:
        """Whether anything in it has a limit."""
        return any(limit for _, _, limit in self.written)

    @property
    def needs(self) -> Needs:
        """The columns that a trace frame must have."""
        return _union(rule.condition.needs for rule in self.rules)

    @property
    def span_needs(self) -> Needs:
        """The columns and attributes that a span frame must have."""
        return _union(rule.condition.span_needs for rule in self.rules)


def _union(all_needs: Any) -> Needs:
    union = NOTHING
    for needs in all_needs:
        union |= needs
    return union


def _document(rule: Rule) -> dict[str, Any]:
    document: dict[str, Any] = {"name": rule.name, rule.action.value: rule.condition.canonical}
    if rule.action is Action.SOME:
        document["probability"] = rule.probability
    return document | _limit_document(rule.limit)


def _limit_document(limit: Limit | None) -> dict[str, Any]:
    return {"limit": limit.document} if limit else {}


def _check_version(reader: Reader, root: yaml.Node, node: yaml.Node | None) -> None:
    if node is None:
        reader.add(root, "version", f"missing; write `version: {VERSION}`")
    elif reader.text(node, "version") != str(VERSION):
        reader.add(node, "version", f"this release reads version {VERSION}")


def _rule(reader: Reader, node: yaml.Node, index: int, names: set[str]) -> Rule | None:
    where = f"rule {index + 1}"
    keys = reader.mapping(node, where, _RULE_KEYS)
    if not keys:
        return None
    name = _rule_name(reader, node, keys.get("name"), where, names)
    where = f"rule `{name}`" if name else where
    actions = [action for action in Action if action in keys]
    if len(actions) != 1:
        reader.add(node, where, "needs exactly one of `keep:`, `drop:` and `when:` with a condition")
        return None
    action = actions[0]
    condition = _condition(reader, keys[action], f"{where}: {action.value}")
    probability = _probability(reader, node, keys.get("probability"), action, where)
    limit = _limit(reader, keys.get("limit"), action, where)
    return Rule(name, action, condition, probability, limit) if condition is not None else None


def _rule_name(reader: Reader, rule: yaml.Node, node: yaml.Node | None, where: str, names: set[str]) -> str:
    if node is None:
        reader.add(rule, where, "needs a `name:`")
        return ""
    name = reader.text(node, where)
    if not _NAME.fullmatch(name) or name == DEFAULT:
        reader.add(node, where, f"`{name}` isn't a name for a rule: 1 to 63 of a-z, 0-9, `_.-`, and not `{DEFAULT}`")
    elif name in names:
        reader.add(node, where, f"another rule is named `{name}`")
    names.add(name)
    return name


def _condition(reader: Reader, node: yaml.Node, where: str) -> Expression | None:
    text = reader.text(node, where)
    if not isinstance(node, yaml.ScalarNode):
        return None
    try:
        return parse_condition(text, TRACE_COLUMNS, SPAN_COLUMNS)
    except ExpressionError as error:
        reader.expression_problem(node, where, error)
        return None


def _probability(reader: Reader, rule: yaml.Node, node: yaml.Node | None, action: Action, where: str) -> float:
    if action is not Action.SOME:
        if node is not None:
            reader.add(node, where, f"`probability` goes with `when:`; `{action.value}:` is always or never")
        return 1.0 if action is Action.KEEP else 0.0
    if node is None:
        reader.add(rule, where, "`when:` needs a `probability:`, such as 0.5")
        return 0.0
    return reader.probability(node, f"{where}: probability", zero=False)


def _limit(reader: Reader, node: yaml.Node | None, action: Action, where: str) -> Limit | None:
    if node is None:
        return None
    if action is Action.DROP:
        reader.add(node, where, "`limit` goes with `keep:` and `when:`; what is dropped needs none")
    return read_limit(reader, node, f"{where}: limit")


def _default(reader: Reader, root: yaml.Node, node: yaml.Node | None) -> Default:
    if node is None:
        reader.add(root, DEFAULT, "missing; say what happens to all other traces: `default: {probability: 0.1}`")
        return Default(0.0)
    keys: Mapping[str, yaml.Node] = reader.mapping(node, DEFAULT, _DEFAULT_KEYS)
    limit = read_limit(reader, keys["limit"], "default: limit") if "limit" in keys else None
    if "probability" not in keys:
        reader.add(node, DEFAULT, "needs a `probability:`; 1 keeps all other traces, 0 drops them")
        return Default(0.0, limit)
    return Default(reader.probability(keys["probability"], "default: probability", zero=True), limit)


KEEP_EVERYTHING: Final = RuleSet.parse("{version: 1, default: {probability: 1}}")
"""What holds where there are no rules."""
