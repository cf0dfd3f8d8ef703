"""How does Polars evaluate an expression?

The frame's columns are cast to what the language says they hold (nothing where they are that already), so that a
narrow or unsigned count doesn't wrap and an Enum compares as text.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, TypeAlias

import polars as pl

from tracemill.expressions import tree
from tracemill.expressions.expression import Expression
from tracemill.expressions.folding import Value, fold
from tracemill.expressions.patterns import INTEGER_TEXT, LikePattern, Wildcard
from tracemill.expressions.tree import SPAN_TOTAL, Function, Node
from tracemill.schema import Kind

_UPPER: Final = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER: Final = list("abcdefghijklmnopqrstuvwxyz")
_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_NOT_FINITE: Final = [float("inf"), float("-inf"), float("nan")]
_Binary: TypeAlias = Callable[[pl.Expr, pl.Expr], pl.Expr]
_COMPARISONS: Final[Mapping[str, _Binary]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: Final[Mapping[str, _Binary]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
_TYPES: Final[Mapping[Kind, pl.DataType]] = {
    Kind.TEXT: pl.String(),
    Kind.INTEGER: pl.Int64(),
    Kind.NUMBER: pl.Float64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.TIME: pl.Datetime("ns", "UTC"),
    Kind.TEXT_LIST: pl.List(pl.String()),
}


def attribute_column(source: str, key: str) -> str:
    """The column of a span frame that holds the attribute `key` of the map column `source`, '' where it is missing."""
    return f"{source}[{key}]"


def identifier_column(name: str) -> pl.Expr:
    """An identifier held as bytes, as the text that it is elsewhere: lower-case hex, '' for all zeros."""
    text = pl.col(name).cast(pl.Binary).bin.encode("hex")
    return pl.when(text.str.strip_chars("0") == "").then(_whole("", Kind.TEXT)).otherwise(text)


@dataclass(frozen=True, slots=True)
class Access:
    """How a frame holds what expressions name; each function gives a Polars expression."""

    identifier: Callable[[str], pl.Expr] = pl.col
    attribute: Callable[[str, str], pl.Expr] = lambda source, key: pl.col(attribute_column(source, key))


TEXT_IDENTIFIERS: Final = Access()
"""A frame that holds identifiers as lower-case hex text, and attributes in columns of their own."""

BINARY_IDENTIFIERS: Final = Access(identifier=identifier_column)
"""The same with identifiers as bytes, as in the Arrow schema of spans."""


def polars_condition(expression: Expression, counts: Sequence[str] = (), access: Access = TEXT_IDENTIFIERS) -> pl.Expr:
    """Where a condition holds: boolean, never null; `counts` as in `polars_expression`."""
    return polars_expression(expression.root, counts, access).fill_null(value=False)


def polars_expression(root: Node, counts: Sequence[str] = (), access: Access = TEXT_IDENTIFIERS) -> pl.Expr:
    """The value of an expression or of a quantifier's condition.

    `counts` names, for each quantifier of the expression, the column that holds how many spans of the trace match it;
    the frame then needs `SPAN_TOTAL` too.
    """
    renderer = _Renderer(counts, access)
    return renderer.render(fold(root, renderer.value))


class _Renderer:
    def __init__(self, counts: Sequence[str], access: Access) -> None:
        self.counts = counts
        self.access = access

    def value(self, constant: Node) -> Value:
        """What a node without columns gives."""
        value: Value = pl.DataFrame({"": [0]}).select(self.render(constant)).item()
        return value

    def render(self, node: Node) -> pl.Expr:
        match node:
            case tree.Literal():
                return pl.lit(node.value, dtype=_TYPES[node.kind])
            case tree.Null():
                return pl.lit(None, dtype=_TYPES[node.kind])
            case tree.Column():
                return self.column(node)
            case tree.Attribute():
                return self.access.attribute(node.source, node.key).cast(pl.String)
            case tree.SpanCount():
                return pl.col(self.counts[node.index]).cast(pl.Int64)
            case tree.SpanTotal():
                return pl.col(SPAN_TOTAL).cast(pl.Int64)
            case tree.Case():
                return self.case(node)
            case tree.Call(function=Function.COALESCE):
                return self.coalesce(node)
            case tree.Call(function=Function.ROUND):
                return self.rounded(*node.arguments)
            case tree.Call():
                return _call(node.function, [self.render(part) for part in node.arguments], node.arguments[0].kind)
            case tree.Widen():
                return self.render(node.operand).cast(pl.Float64)
            case tree.Negate():
                return -self.render(node.operand)
            case tree.Arithmetic():
                return self.arithmetic(node)
            case _:
                return self.condition(node)

    def condition(self, node: Node) -> pl.Expr:
        match node:
            case tree.Compare():
                return _COMPARISONS[node.operator](self.render(node.left), self.render(node.right))
            case tree.Logic():
                join = operator.and_ if node.operator == "AND" else operator.or_
                return reduce(join, (self.render(operand) for operand in node.operands))
            case tree.Not():
                return ~self.render(node.operand)
            case tree.IsNull():
                operand = self.render(node.operand)
                return operand == "" if node.operand.kind is Kind.TEXT else operand.is_null()
            case tree.Between():
                return self.render(node.operand).is_between(self.render(node.low), self.render(node.high))
            case tree.In():
                values = pl.Series([value.value for value in node.values], dtype=_TYPES[node.operand.kind])
                return self.render(node.operand).is_in(values.implode())
            case tree.Like():
                return _like(self.render(node.operand), node.pattern)
            case tree.Matches():
                return self.render(node.operand).str.contains(regex_for_rust(node.pattern))
            case _:
                raise TypeError(f"no rendering for {node!r}")

    def column(self, node: tree.Column) -> pl.Expr:
        if node.stored is Kind.IDENTIFIER:
            return self.access.identifier(node.name)
        column = pl.col(node.name).cast(_TYPES[node.stored])
        return column.replace(_NOT_FINITE, None) if node.stored is Kind.NUMBER else column

    def coalesce(self, node: tree.Call) -> pl.Expr:
        values = [self.whole(argument) for argument in node.arguments]
        if node.kind is not Kind.TEXT:
            return reduce(pl.Expr.fill_null, values)
        return reduce(pl.Expr.fill_null, (value.replace("", None) for value in values)).fill_null("")

    def arithmetic(self, node: tree.Arithmetic) -> pl.Expr:
        left = self.render(node.left)
        right = self.whole(node.right) if node.operator == "/" else self.render(node.right)
        result = _ARITHMETIC[node.operator](left, right)
        return result.replace(_NOT_FINITE, None) if node.kind is Kind.NUMBER else result

    def rounded(self, value: Node, scale: Node) -> pl.Expr:
        scaled = self.render(value) * self.render(scale)
        return (scaled.round(0, mode="half_away_from_zero") / self.whole(scale)).replace(_NOT_FINITE, None)

    def case(self, node: tree.Case) -> pl.Expr:
        (condition, value), *more = node.branches
        chain: pl.expr.whenthen.Then | pl.expr.whenthen.ChainedThen
        chain = pl.when(self.render(condition)).then(self.whole(value))
        for condition, value in more:
            chain = chain.when(self.render(condition)).then(self.whole(value))
        return chain if node.otherwise is None else chain.otherwise(self.whole(node.otherwise))

    def whole(self, node: Node) -> pl.Expr:
        """A value of CASE or COALESCE, or a divisor: with as many rows as the frame, even if it is a constant."""
        match node:
            case tree.Literal():
                return _whole(node.value, node.kind)
            case tree.Null():
                return _whole(None, node.kind)
            case _:
                return self.render(node)


def _whole(value: Value, kind: Kind) -> pl.Expr:
    """A constant in every row, as a column that Polars can't take for one value: hence a series of two, gathered from.

    It would carry a literal, and `pl.repeat` too, through a CASE whose condition holds in all rows, and a comparison
    with another literal then gives one row, which fails the query. And it divides by one value by multiplying with its
    reciprocal, off by a bit in up to half of all cases, unless the frame has one row: results would depend on how many
    traces are evaluated together.
    """
    return pl.lit(pl.Series([value, value], dtype=_TYPES[kind])).gather(pl.int_range(pl.len()) * 0)


def _call(function: Function, parts: list[pl.Expr], kind: Kind) -> pl.Expr:
    first = parts[0]
    match function:
        case Function.LENGTH:
            return (first.list.len() if kind is Kind.TEXT_LIST else first.str.len_chars()).cast(pl.Int64)
        case Function.LOWER:
            return first.str.replace_many(_UPPER, _LOWER)
        case Function.UPPER:
            return first.str.replace_many(_LOWER, _UPPER)
        case Function.STARTS_WITH:
            return first.str.starts_with(parts[1])
        case Function.ENDS_WITH:
            return first.str.ends_with(parts[1])
        case Function.CONTAINS:
            return first.str.contains(parts[1], literal=True)
        case Function.HAS:
            return first.list.contains(parts[1])
        case Function.TO_INTEGER:
            return first.str.extract(f"({INTEGER_TEXT})").cast(pl.Int64, strict=False)
        case Function.ABS:
            return first.abs()
        case Function.FLOOR:
            return first.floor()
        case Function.CEIL:
            return first.ceil()
        case Function.GREATEST:
            return pl.max_horizontal(parts)
        case Function.LEAST:
            return pl.min_horizontal(parts)
        case _:
            raise TypeError(f"no rendering for {function}")


def _like(text: pl.Expr, pattern: LikePattern) -> pl.Expr:
    """A comparison where the pattern allows one, which is ten times as fast as a regular expression."""
    if not pattern.ignore_case:
        match pattern.pieces:
            case ():
                return text == ""
            case (str(whole),):
                return text == whole
            case (str(start), Wildcard.ANY):
                return text.str.starts_with(start)
            case (Wildcard.ANY, str(end)):
                return text.str.ends_with(end)
            case (Wildcard.ANY, str(middle), Wildcard.ANY):
                return text.str.contains(middle, literal=True)
    return text.str.contains(regex_for_rust(pattern.regex()))


def regex_for_rust(pattern: str) -> str:
    """The plain form for Rust's engine: a word boundary is that of ASCII, as in RE2; `\\\\b` is a backslash and a b."""
    return _ESCAPED.sub(lambda escaped: r"(?-u:\b)" if escaped[0] == r"\b" else escaped[0], pattern)
