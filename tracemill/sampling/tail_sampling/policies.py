"""What does each policy of a list become: which traces does it concern, and what follows for them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import yaml

from tracemill.expressions.problems import did_you_mean
from tracemill.sampling.rules import MAX_RULES
from tracemill.sampling.rules_file import Reader
from tracemill.sampling.tail_sampling.conditions import ALL, NONE, SIMPLE
from tracemill.sampling.tail_sampling.refused import REFUSED
from tracemill.sampling.tail_sampling.values import number, text
from tracemill.sampling.thresholds import LEAST_PROBABILITY

MAX_DEPTH: Final = 8

_LISTS: Final = {"and": "and_sub_policy", "drop": "drop_sub_policy"}
_TYPES: Final = ("always_sample", *SIMPLE, "probabilistic", "and", "not", "drop", *REFUSED)
_KEYS: Final = ("name", "type", *_TYPES)
_ALWAYS: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Choice:
    """The traces that a policy samples: a share of those for which an SQL condition holds."""

    condition: str
    share: Decimal = _ALWAYS


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of the list: `drops` if what it chooses is never kept; `node` is where it stands."""

    name: str
    choice: Choice
    drops: bool
    node: yaml.Node


class PolicyReader:
    """Reads a list of policies; what is wrong or refused is collected by `reader`."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._salts: set[str] = set()

    def policies(self, node: yaml.Node) -> list[Policy]:
        """All policies, in their order."""
        found = [self._policy(item, index) for index, item in enumerate(self.reader.items(node, "policies", MAX_RULES))]
        if not found:
            self.reader.add(node, "policies", "there are none: nothing would be kept")
        return found

    def _policy(self, node: yaml.Node, index: int) -> Policy:
        keys, name, kind, where = self._head(node, f"policy {index + 1}")
        if not name:
            self.reader.add(node, where, "needs a `name:`")
        if kind != "drop":
            return Policy(name, self._choice(node, keys, kind, where, 1), drops=False, node=node)
        return Policy(name, self._dropped(node, keys, where), drops=True, node=node)

    def _head(self, node: yaml.Node, where: str) -> tuple[Mapping[str, yaml.Node], str, str, str]:
        """The keys of a policy, its name, its type, and how errors name it."""
        keys = self.reader.mapping(node, where, _KEYS)
        name = text(self.reader, keys["name"], where) if "name" in keys else ""
        where = f"policy `{name}`" if name else where
        kind = text(self.reader, keys["type"], f"{where}: type") if "type" in keys else ""
        return keys, name, kind, where

    def _choice(self, node: yaml.Node, keys: Mapping[str, yaml.Node], kind: str, where: str, depth: int) -> Choice:
        if depth > MAX_DEPTH:
            self.reader.add(node, where, f"policies are nested deeper than {MAX_DEPTH}")
        elif kind == "always_sample":
            return Choice(ALL)
        elif kind in REFUSED:
            self.reader.add(node, where, f"`{kind}` {REFUSED[kind]}")
        elif kind == "drop":
            self.reader.add(node, where, "`drop` stands in the list of policies only, not inside another policy")
        elif kind not in _TYPES:
            what = f"unknown type `{kind}`{did_you_mean(kind, _TYPES)}" if kind else "needs a `type:`"
            self.reader.add(keys.get("type", node), where, f"{what} Types: {', '.join(_TYPES)}")
        elif kind not in keys:
            self.reader.add(node, where, f"is of type `{kind}` and needs a `{kind}:`")
        else:
            return self._configured(keys[kind], kind, f"{where}: {kind}", depth)
        return Choice(NONE)

    def _configured(self, node: yaml.Node, kind: str, where: str, depth: int) -> Choice:
        match kind:
            case "probabilistic":
                return self._probabilistic(node, where)
            case "and":
                return _all_of(self._sub_policies(node, kind, where, depth))
            case "not":
                return self._negated(node, where, depth)
            case _:
                return Choice(SIMPLE[kind](self.reader, node, where))

    def _probabilistic(self, node: yaml.Node, where: str) -> Choice:
        keys = self.reader.mapping(node, where, ("sampling_percentage", "hash_salt"))
        share = number(self.reader, keys.get("sampling_percentage"), f"{where}: sampling_percentage") / 100
        self._salts.add(text(self.reader, keys["hash_salt"], where) if "hash_salt" in keys else "")
        if len(self._salts) > 1:
            message = (
                "another policy has another salt, so the Collector draws twice for a trace; here a trace has one "
                "randomness, which is W3C's: leave `hash_salt` out, and write the share that you want in all"
            )
            self.reader.add(keys.get("hash_salt", node), f"{where}: hash_salt", message)
        if 0 < share < LEAST_PROBABILITY:
            self.reader.add(node, f"{where}: sampling_percentage", f"a share below {LEAST_PROBABILITY} can't be drawn")
        return Choice(NONE) if share <= 0 else Choice(ALL, min(share, _ALWAYS))

    def _sub_policies(self, node: yaml.Node, kind: str, where: str, depth: int) -> list[Choice]:
        key = _LISTS[kind]
        keys = self.reader.mapping(node, where, (key,))
        items = self.reader.items(keys[key], f"{where}: {key}", MAX_RULES) if key in keys else []
        if not items:
            self.reader.add(node, where, f"needs a list `{key}:`")
        return [self._sub_policy(item, f"{where}: sub-policy {i + 1}", depth) for i, item in enumerate(items)]

    def _sub_policy(self, node: yaml.Node, where: str, depth: int) -> Choice:
        keys, _, kind, own = self._head(node, where)
        return self._choice(node, keys, kind, own, depth + 1)

    def _negated(self, node: yaml.Node, where: str, depth: int) -> Choice:
        keys = self.reader.mapping(node, where, ("not_sub_policy",))
        if "not_sub_policy" not in keys:
            self.reader.add(node, where, "needs a `not_sub_policy:`")
            return Choice(NONE)
        inner = self._sub_policy(keys["not_sub_policy"], where, depth)
        if inner.share != _ALWAYS:
            message = (
                "can't turn a share around: of each share the same traces are kept, those with the highest randomness; "
                f"write a `probabilistic` policy with `sampling_percentage: {_percentage(_ALWAYS - inner.share)}`"
            )
            self.reader.add(node, where, message)
        return Choice(f"NOT ({inner.condition})")

    def _dropped(self, node: yaml.Node, keys: Mapping[str, yaml.Node], where: str) -> Choice:
        if "drop" not in keys:
            self.reader.add(node, where, "is of type `drop` and needs a `drop:`")
            return Choice(NONE)
        choice = _all_of(self._sub_policies(keys["drop"], "drop", f"{where}: drop", 1))
        if choice.share != _ALWAYS:
            message = (
                "can't drop a share of traces, only all that match; keep the rest of them instead, with an `and` of "
                f"the same sub-policies and `sampling_percentage: {_percentage(_ALWAYS - choice.share)}`, and leave "
                "them out of the other policies with `not`"
            )
            self.reader.add(node, where, message)
        return choice


def _all_of(choices: Sequence[Choice]) -> Choice:
    """What all of them sample: their shares hold the same traces, so the smallest decides."""
    conditions = [choice.condition for choice in choices if choice.condition != ALL]
    condition = " AND ".join(conditions if len(conditions) == 1 else (f"({one})" for one in conditions))
    return Choice(condition or ALL, min((choice.share for choice in choices), default=_ALWAYS))


def _percentage(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}"
