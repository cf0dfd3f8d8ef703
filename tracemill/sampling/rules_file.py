"""What does a rules file say, and on which line? YAML read by its nodes, so that every problem has its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from tracemill.expressions import ExpressionError
from tracemill.expressions.problems import did_you_mean
from tracemill.sampling.thresholds import LEAST_PROBABILITY

MAX_BYTES: Final = 256 * 1024

_DECIMAL: Final = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong on a line (from 1); `where` names the rule and the key."""

    line: int
    where: str
    message: str


class RulesError(ValueError):
    """A rules file that isn't taken; `problems` are all that were found, and `str()` is one paragraph each."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}:{one.line}: {one.where}: {one.message}" for one in self.problems))


class Reader:
    """Reads parts of one file and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, node: yaml.Node, where: str, message: str) -> None:
        """Note a problem at a part of the file."""
        self.problems.append(Problem(node.start_mark.line + 1, where, message))

    def mapping(self, node: yaml.Node, where: str, known: Iterable[str]) -> Mapping[str, yaml.Node]:
        """The values of a mapping by key; unknown and repeated keys are problems."""
        if not isinstance(node, yaml.MappingNode):
            self.add(node, where, f"expected keys and values such as `{next(iter(known))}: …`")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name not in known:
                self.add(key, where, f"unknown key `{name}`{did_you_mean(name, known)} Keys: {', '.join(known)}")
            elif name in found:
                self.add(key, where, f"`{name}` stands here twice")
            else:
                found[name] = value
        return found

    def items(self, node: yaml.Node, where: str, limit: int) -> list[yaml.Node]:
        """The items of a list."""
        if not isinstance(node, yaml.SequenceNode):
            self.add(node, where, "expected a list, each item begun with `-`")
            return []
        if len(node.value) > limit:
            self.add(node, where, f"{len(node.value)} items; at most {limit} are taken")
        return list(node.value[:limit])

    def text(self, node: yaml.Node, where: str) -> str:
        """A scalar as it is written."""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self.add(node, where, "expected a text; an expression with `: ` or a leading quote goes into double quotes")
        return ""

    def probability(self, node: yaml.Node, where: str, *, zero: bool) -> float:
        """A decimal from 0 (if `zero` makes sense) to 1."""
        written = self.text(node, where)
        value = float(written) if _DECIMAL.fullmatch(written) else -1.0
        if value == 0 and not zero:
            self.add(node, where, "a probability of 0 never keeps anything; say so with `drop:` instead of `when:`")
        elif value != 0 and not LEAST_PROBABILITY <= value <= 1:
            self.add(node, where, f"`{written}` isn't a probability: write a decimal such as 0.1, above 0 and up to 1")
        return value

    def amount(self, node: yaml.Node, where: str) -> float:
        """A decimal above 0."""
        written = self.text(node, where)
        value = float(written) if _DECIMAL.fullmatch(written) else 0.0
        if not 0 < value < float("inf"):
            self.add(node, where, f"`{written}` isn't an amount: write a decimal above 0, such as 600")
        return value

    def expression_problem(self, node: yaml.Node, where: str, error: ExpressionError) -> None:
        """Note what is wrong with an expression, and show the place in it."""
        shown = "\n".join(f"    {line}" for line in error.pointing().splitlines())
        message, _, listed = error.message.partition("\n")
        more = f"\n    {listed}" if listed else ""
        self.add(node, where, f"character {error.start + 1}: {message}\n{shown}{more}")


def compose(text: str, source: str) -> yaml.Node:
    """The root of a YAML text.

    Raises:
        RulesError: it is no YAML, empty or too large.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise RulesError(source, [Problem(1, "rules", f"the file is larger than {MAX_BYTES} bytes")])
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        raise RulesError(source, [Problem(mark.line + 1 if mark else 1, "not YAML", str(what))]) from error
    except RecursionError as error:
        raise RulesError(source, [Problem(1, "not YAML", "nested too deeply")]) from error
    if root is None:
        raise RulesError(source, [Problem(1, "rules", "the file is empty; the least is `version: 1` and `default:`")])
    return root
