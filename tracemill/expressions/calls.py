"""Which functions are there, and what do they take? The closed list, attribute look-ups and span quantifiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from tracemill.expressions.kinds import NUMERIC, VALUES, spoken
from tracemill.expressions.problems import did_you_mean, listing
from tracemill.expressions.regexes import RegexError, read_regex
from tracemill.expressions.tree import (
    Attribute,
    Call,
    Compare,
    Function,
    Literal,
    Logic,
    Matches,
    Node,
    SpanCount,
    SpanTotal,
)
from tracemill.schema import Kind

if TYPE_CHECKING:
    from tracemill.expressions.check import Checker, Scope

MAX_SCALE: Final = 9

_ZERO: Final = Literal(0, Kind.INTEGER)
_MAPS: Final = {"ATTRIBUTE": "attributes", "RESOURCE_ATTRIBUTE": "resource_attributes"}
_NESTED: Final = "span quantifiers can't stand inside one another"
_NO_SPANS: Final = "there are no spans to look through here: the expression is over spans already"


def call(checker: Checker, tree: exp.Func, scope: Scope) -> Node:
    """The meaning of a function call."""
    name = called(checker, tree)
    signature = _SIGNATURES.get(name)
    if signature is None and not name:
        message = f"`{checker.source(tree)}`: write it as a function, such as REGEXP_LIKE(text, 'pattern')"
        raise checker.problem(message, tree)
    if signature is None:
        known = [known_name.lower() for known_name in _SIGNATURES]
        suggestion = did_you_mean(name, known)
        raise checker.problem(f"unknown function `{name.lower()}`{suggestion}\nFunctions: {listing(known)}", tree)
    low, high, handler = signature
    arguments = _arguments(tree)
    if not low <= len(arguments) <= high:
        wanted = str(low) if low == high else f"at least {low}" if high > 9 else f"{low} to {high}"
        raise checker.problem(f"{name.lower()} takes {wanted} argument(s), here are {len(arguments)}", tree)
    return handler(checker, name, arguments, scope)


def called(checker: Checker, tree: exp.Expr) -> str:
    """The name that a function was called by, upper-case; '' for an operator that sqlglot reads as a function."""
    if "start" in tree.meta:
        return checker.text[tree.meta["start"] : tree.meta["end"] + 1].upper()
    return type(tree).__name__.upper() if isinstance(tree, exp.Floor | exp.Ceil) else ""


def title(checker: Checker, tree: exp.Expr) -> str:
    """How an error names a part that isn't known."""
    if isinstance(tree, exp.Func):
        return f"`{(called(checker, tree) or type(tree).__name__).lower()}`"
    return f"`{checker.source(tree)}` ({type(tree).__name__})"


def constant_text(checker: Checker, tree: exp.Expr, scope: Scope, what: str) -> str:
    """The value of a part that must be a text constant."""
    meaning = checker.node(tree, scope)
    if not isinstance(meaning, Literal) or not isinstance(meaning.value, str):
        raise checker.problem(f"{what} must be a text in single quotes", tree)
    return meaning.value


def _arguments(tree: exp.Func) -> list[exp.Expr]:
    """The arguments in order, wherever sqlglot's node keeps them."""
    single = () if isinstance(tree, exp.Anonymous) else ("this", "expression", "decimals")
    found = [tree.args.get(name) for name in single]
    return [part for part in found if part is not None] + list(tree.expressions)


def _text_to_text(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    return Call(Function(name), (checker.of_kind(trees[0], scope, (Kind.TEXT,), f"what {name} takes"),), Kind.TEXT)


def _text_in_text(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    sides = [checker.of_kind(tree, scope, (Kind.TEXT,), f"what {name} takes") for tree in trees]
    return Call(Function(name), tuple(sides), Kind.BOOLEAN)


def _length(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    operand = checker.of_kind(trees[0], scope, (Kind.TEXT, Kind.TEXT_LIST), f"what {name} takes")
    return Call(Function.LENGTH, (operand,), Kind.INTEGER)


def _to_integer(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    operand = checker.of_kind(trees[0], scope, (Kind.TEXT,), f"what {name} takes")
    return Call(Function.TO_INTEGER, (operand,), Kind.INTEGER)


def _has(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    values = checker.of_kind(trees[0], scope, (Kind.TEXT_LIST,), "the first argument of has")
    value = checker.of_kind(trees[1], scope, (Kind.TEXT,), "the second argument of has")
    return Call(Function.HAS, (values, value), Kind.BOOLEAN)


def _matches(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    operand = checker.of_kind(trees[0], scope, (Kind.TEXT,), "the first argument of REGEXP_LIKE")
    pattern = constant_text(checker, trees[1], scope, "the pattern of REGEXP_LIKE")
    try:
        return Matches(operand, read_regex(pattern))
    except RegexError as error:
        raise checker.problem(f"this regular expression can't be taken: {error}", trees[1]) from error


def _coalesce(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    values = checker.same_kind(trees, scope, compared=False, doing="arguments of one COALESCE")
    if values[0].kind not in VALUES:
        raise checker.problem(f"COALESCE can't give {spoken(values[0].kind)}", *trees)
    return Call(Function.COALESCE, values, values[0].kind)


def _numeric(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    """ABS, FLOOR and CEIL: the last two leave an integer as it is."""
    function = Function.CEIL if name == "CEILING" else Function(name)
    operand = checker.of_kind(trees[0], scope, NUMERIC, f"what {name} takes")
    if operand.kind is Kind.INTEGER and function is not Function.ABS:
        return operand
    return Call(function, (operand,), operand.kind)


def _round(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    operand = checker.of_kind(trees[0], scope, NUMERIC, "what ROUND takes")
    places = checker.node(trees[1], scope) if len(trees) > 1 else _ZERO
    if not isinstance(places, Literal) or places.kind is not Kind.INTEGER or not 0 <= int(places.value) <= MAX_SCALE:
        raise checker.problem(f"ROUND takes an integer constant of 0 to {MAX_SCALE} places", trees[-1])
    if operand.kind is Kind.INTEGER:
        return operand
    return Call(Function.ROUND, (operand, Literal(10.0 ** int(places.value), Kind.NUMBER)), Kind.NUMBER)


def _extreme(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    for tree in trees:
        checker.of_kind(tree, scope, NUMERIC, f"what {name} takes")
    values = checker.same_kind(trees, scope, compared=False, doing=f"arguments of one {name}")
    return Call(Function(name), values, values[0].kind)


def _attribute(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    source = _MAPS[name]
    if scope.columns.get(source) is not Kind.ATTRIBUTES:
        hint = f"; ask for it with any_span({name.lower()}('key') = …)" if scope.spans else ""
        raise checker.problem(f"only spans have `{source}`{hint}", *trees)
    return Attribute(source, constant_text(checker, trees[0], scope, f"the key of {name.lower()}"))


def _quantified(checker: Checker, name: str, trees: Sequence[exp.Expr], scope: Scope) -> Node:
    if scope.spans is None:
        raise checker.problem(_NESTED if scope.inside else _NO_SPANS, *trees)
    trace_only = frozenset(scope.columns) - frozenset(scope.spans)
    within = replace(scope, columns=scope.spans, spans=None, inside=name.lower(), beyond=trace_only)
    condition = checker.of_kind(trees[0], within, (Kind.BOOLEAN,), f"what {name.lower()} takes")
    if condition not in checker.quantifiers:
        checker.quantifiers.append(condition)
    count = SpanCount(checker.quantifiers.index(condition))
    if name == "COUNT_SPANS":
        return count
    some = Compare(">", count, _ZERO)
    return some if name == "ANY_SPAN" else Logic("AND", (some, Compare("=", count, SpanTotal())))


_Handler = Callable[["Checker", str, Sequence[exp.Expr], "Scope"], Node]

_SIGNATURES: Final[Mapping[str, tuple[int, int, _Handler]]] = {
    "LENGTH": (1, 1, _length),
    "LEN": (1, 1, _length),
    "LOWER": (1, 1, _text_to_text),
    "UPPER": (1, 1, _text_to_text),
    "STARTS_WITH": (2, 2, _text_in_text),
    "ENDS_WITH": (2, 2, _text_in_text),
    "CONTAINS": (2, 2, _text_in_text),
    "REGEXP_LIKE": (2, 2, _matches),
    "HAS": (2, 2, _has),
    "TO_INTEGER": (1, 1, _to_integer),
    "COALESCE": (2, 99, _coalesce),
    "ROUND": (1, 2, _round),
    "ABS": (1, 1, _numeric),
    "FLOOR": (1, 1, _numeric),
    "CEIL": (1, 1, _numeric),
    "CEILING": (1, 1, _numeric),
    "GREATEST": (2, 99, _extreme),
    "LEAST": (2, 99, _extreme),
    "ATTRIBUTE": (1, 1, _attribute),
    "RESOURCE_ATTRIBUTE": (1, 1, _attribute),
    "ANY_SPAN": (1, 1, _quantified),
    "ALL_SPANS": (1, 1, _quantified),
    "COUNT_SPANS": (1, 1, _quantified),
}

_LISTED: Final = frozenset({"this", "expressions"})
ARGUMENTS: Final[Mapping[type[exp.Expr], frozenset[str]]] = {
    exp.Anonymous: _LISTED,
    exp.Coalesce: _LISTED,
    exp.Greatest: _LISTED | {"ignore_nulls"},
    exp.Least: _LISTED | {"ignore_nulls"},
    exp.Round: frozenset({"this", "decimals"}),
}
CALLS: Final[tuple[type[Any], ...]] = (
    *(exp.Length, exp.Lower, exp.Upper, exp.StartsWith, exp.EndsWith, exp.Contains, exp.RegexpLike),
    *(exp.Coalesce, exp.Round, exp.Abs, exp.Floor, exp.Ceil, exp.Greatest, exp.Least, exp.Anonymous),
)
