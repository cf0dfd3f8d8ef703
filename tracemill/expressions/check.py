"""Is an expression part of the language, and what does it mean? sqlglot's tree against the closed list, and typed.

The language is what has a handler below or a signature in `calls`: every other node of sqlglot, and every argument of a
node that isn't expected, is refused, so that a new version of sqlglot can't widen the language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import exp

from tracemill.expressions import calls, leaves, operators
from tracemill.expressions.kinds import Mismatch, spoken, unify
from tracemill.expressions.problems import ExpressionError
from tracemill.expressions.syntax import Parsed
from tracemill.expressions.tree import Node
from tracemill.schema import Kind

MAX_LEVELS: Final = 64


@dataclass(frozen=True, slots=True)
class Scope:
    """The columns in reach, and those of spans if a span quantifier may stand here; `beyond` are the others' names."""

    columns: Mapping[str, Kind]
    spans: Mapping[str, Kind] | None
    inside: str = ""
    beyond: frozenset[str] = frozenset()


def check(
    parsed: Parsed, columns: Mapping[str, Kind], span_columns: Mapping[str, Kind] | None
) -> tuple[Node, tuple[Node, ...]]:
    """The meaning of a parsed text, and the conditions of its span quantifiers, each once.

    Raises:
        ExpressionError: something isn't part of the language, or its kinds don't go together.
    """
    checker = Checker(parsed.text)
    beyond = frozenset(span_columns or ()) - frozenset(columns)
    root = checker.node(parsed.tree, Scope(columns, span_columns, beyond=beyond))
    return root, tuple(checker.quantifiers)


class Checker:
    """Goes through one expression; holds its text for error places, and the quantifiers found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.quantifiers: list[Node] = []
        self._level = 0

    def node(self, tree: exp.Expr, scope: Scope) -> Node:
        """The meaning of a part of the expression."""
        handler = _HANDLERS.get(type(tree))
        if handler is None:
            raise self.problem(f"{calls.title(self, tree)} isn't part of the language", tree)
        self.expect_arguments(tree)
        self._level += 1
        if self._level > MAX_LEVELS:
            raise self.problem(f"the expression is nested deeper than {MAX_LEVELS}", tree)
        meaning = handler(self, tree, scope)
        self._level -= 1
        return meaning

    def expect_arguments(self, tree: exp.Expr) -> None:
        """Refuse what sqlglot found in a node beside what the handler reads."""
        known = _ARGUMENTS.get(type(tree), _PLAIN)
        for name, value in tree.args.items():
            if value and name not in known:
                what = _INSTEAD.get((type(tree), name), f"`{name}` of {type(tree).__name__} isn't part of the language")
                raise self.problem(what, tree)

    def of_kind(self, tree: exp.Expr, scope: Scope, kinds: Iterable[Kind], what: str) -> Node:
        """The meaning of a part that must be of one of some kinds; `what` names it in the error."""
        meaning = self.node(tree, scope)
        if meaning.kind not in kinds:
            wanted = " or ".join(sorted(spoken(kind) for kind in kinds))
            raise self.problem(f"{what} must be {wanted}, `{self.source(tree)}` is {spoken(meaning.kind)}", tree)
        return meaning

    def same_kind(self, trees: Sequence[exp.Expr], scope: Scope, *, compared: bool, doing: str) -> tuple[Node, ...]:
        """The meanings of parts that must go together."""
        nodes = [self.node(tree, scope) for tree in trees]
        try:
            return unify(nodes, compared=compared)
        except Mismatch as clash:
            pair = [(trees[i], nodes[i].kind) for i in (clash.first, clash.second)]
            what = " and ".join(f"`{self.source(tree)}` is {spoken(kind)}" for tree, kind in pair)
            hint = f"; {clash.hint}" if clash.hint else ""
            raise self.problem(f"{what}: they can't be {doing}{hint}", pair[0][0], pair[1][0]) from clash

    def place(self, *trees: exp.Expr) -> tuple[int, int]:
        """The characters that parts of the expression cover; the whole text where sqlglot kept no place."""
        metas = [node.meta for tree in trees for node in tree.walk() if "start" in node.meta]
        if not metas:
            return 0, len(self.text)
        return min(meta["start"] for meta in metas), max(meta["end"] for meta in metas) + 1

    def source(self, tree: exp.Expr) -> str:
        """A part of the expression as it was written, cut to 40 characters."""
        start, end = self.place(tree)
        return self.text[start:end] if end - start <= 40 else f"{self.text[start : start + 39]}…"

    def problem(self, message: str, *trees: exp.Expr) -> ExpressionError:
        """An error that points at parts of the expression."""
        return ExpressionError(message, self.text, *self.place(*trees))


_Handler = Callable[[Checker, Any, Scope], Node]

_HANDLERS: Final[Mapping[type[exp.Expr], _Handler]] = {
    exp.Paren: leaves.paren,
    exp.Literal: leaves.literal,
    exp.Boolean: leaves.boolean,
    exp.Null: leaves.null,
    exp.Column: leaves.column,
    exp.Not: operators.negation,
    exp.Between: operators.between,
    exp.In: operators.membership,
    exp.Is: operators.is_test,
    exp.Like: operators.like,
    exp.ILike: operators.like,
    exp.Neg: operators.minus,
    exp.Case: operators.case_when,
    **dict.fromkeys(operators.LOGIC, operators.logic),
    **dict.fromkeys(operators.COMPARISONS, operators.comparison),
    **dict.fromkeys(operators.ARITHMETIC, operators.arithmetic),
    **dict.fromkeys(calls.CALLS, calls.call),
}
_INSTEAD: Final[Mapping[tuple[type[exp.Expr], str], str]] = {
    (exp.Case, "this"): "CASE stands without an operand here: write CASE WHEN a = 1 THEN … instead of CASE a WHEN 1 …",
    (exp.In, "query"): "sub-queries aren't part of the language",
    (exp.In, "field"): "IN needs a list of constants in parentheses; for a list column use has(list, 'value')",
    (exp.Column, "table"): "columns are named without a table",
    (exp.RegexpLike, "flag"): "REGEXP_LIKE takes no flags; begin the pattern with (?i) to ignore the case",
    (exp.Between, "symmetric"): "SYMMETRIC isn't part of the language",
}
_PLAIN: Final = frozenset({"this", "expression"})
_ARGUMENTS: Final[Mapping[type[exp.Expr], frozenset[str]]] = {
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions"}),
    exp.Is: frozenset({"this", "expression", "negate"}),
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.ILike: frozenset({"this", "expression", "negate"}),
    exp.Div: frozenset({"this", "expression", "typed", "safe"}),
    exp.Case: frozenset({"ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    **calls.ARGUMENTS,
}
