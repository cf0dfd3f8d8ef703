"""How does ClickHouse evaluate an expression? SQL of our own words and column names; every constant is a parameter.

Names are those of the views `spans` and `traces_latest`. A text, time or integer column that is compared stands bare,
so that keys and indexes serve; in arithmetic it is cast, because narrow types would wrap elsewhere than on other
engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from tracemill.expressions import tree
from tracemill.expressions.expression import Expression
from tracemill.expressions.patterns import INTEGER_TEXT
from tracemill.expressions.tree import SPAN_TOTAL, Function, Node
from tracemill.schema import Kind

Parameter: TypeAlias = str | int | float | list[str] | list[int] | list[float]

_TYPES: Final[Mapping[Kind, str]] = {Kind.TEXT: "String", Kind.INTEGER: "Int64", Kind.NUMBER: "Float64"}
_FUNCTIONS: Final[Mapping[Function, str]] = {
    Function.LOWER: "lower",
    Function.UPPER: "upper",
    Function.STARTS_WITH: "startsWith",
    Function.ENDS_WITH: "endsWith",
    Function.HAS: "has",
    Function.FLOOR: "floor",
    Function.CEIL: "ceil",
    Function.GREATEST: "greatest",
    Function.LEAST: "least",
}


@dataclass(frozen=True, slots=True)
class ClickHouseCondition:
    """A condition as SQL, for WHERE.

    `parameters` are Python values by name, to be bound on the server side (`{p0:String}`). `spans` are conditions on
    spans, one for each quantifier: with any, the query joins `span_counts(…)` by trace_id.
    """

    sql: str
    parameters: Mapping[str, Parameter]
    spans: tuple[str, ...]

    def span_counts(self, source: str, where: str) -> str:
        """A query over the spans of `source` where `where` holds: trace_id and the counts that `sql` refers to.

        LEFT JOIN it, with `join_use_nulls` at its default of 0: a trace without spans there counts 0.
        """
        counts = [f"countIf({condition}) AS {_count(index)}" for index, condition in enumerate(self.spans)]
        columns = ", ".join(["trace_id", f"count() AS {SPAN_TOTAL}", *counts])
        return f"SELECT {columns} FROM {source} WHERE {where} GROUP BY trace_id"  # noqa: S608 - our names only


def clickhouse_condition(expression: Expression, prefix: str = "p") -> ClickHouseCondition:
    """The SQL of a condition; its parameters are named `prefix` and a number."""
    renderer = _Renderer(prefix)
    sql = renderer.render(expression.root)
    spans = tuple(renderer.render(quantifier) for quantifier in expression.quantifiers)
    return ClickHouseCondition(sql, renderer.parameters, spans)


def _count(index: int) -> str:
    return f"__q{index}"


class _Renderer:
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.parameters: dict[str, Parameter] = {}
        self.aliases = 0

    def bind(self, value: Parameter, kind: str) -> str:
        name = f"{self.prefix}{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"

    def render(self, node: Node) -> str:
        match node:
            case tree.Literal():
                return self.literal(node)
            case tree.Column():
                return _typed_column(node)
            case tree.Attribute():
                return f"{_quoted(node.source)}[{self.bind(node.key, 'String')}]"
            case tree.SpanCount():
                return f"toInt64({_count(node.index)})"
            case tree.SpanTotal():
                return f"toInt64({SPAN_TOTAL})"
            case tree.Widen():
                return f"toFloat64({self.render(node.operand)})"
            case tree.Negate():
                return f"(-{self.render(node.operand)})"
            case tree.Arithmetic():
                return self.arithmetic(node)
            case tree.Case():
                return self.case(node)
            case tree.Call():
                return self.call(node)
            case _:
                return self.condition(node)

    def condition(self, node: Node) -> str:
        match node:
            case tree.Compare():
                return f"({self.compared(node.left)} {node.operator} {self.compared(node.right)})"
            case tree.Between():
                return (
                    f"({self.compared(node.operand)} BETWEEN {self.compared(node.low)} AND {self.compared(node.high)})"
                )
            case tree.In():
                return f"({self.compared(node.operand)} IN {self.values(node)})"
            case tree.IsNull():
                operand = self.compared(node.operand)
                return f"({operand} = '')" if node.operand.kind is Kind.TEXT else f"({operand} IS NULL)"
            case tree.Logic():
                return f"({f' {node.operator} '.join(self.render(operand) for operand in node.operands)})"
            case tree.Not():
                return f"(NOT {self.render(node.operand)})"
            case tree.Like():
                return self.like(node)
            case tree.Matches():
                return f"match({self.render(node.operand)}, {self.bind(node.pattern, 'String')})"
            case _:
                raise TypeError(f"no rendering for {node!r}")

    def compared(self, node: Node) -> str:
        """An operand of a comparison: an integer column stands bare."""
        bare = isinstance(node, tree.Column) and node.stored is Kind.INTEGER
        return _quoted(node.name) if bare and isinstance(node, tree.Column) else self.render(node)

    def literal(self, node: tree.Literal) -> str:
        match node.kind:
            case Kind.BOOLEAN:
                return "true" if node.value else "false"
            case Kind.TIME:
                return f"fromUnixTimestamp64Nano({self.bind(node.value, 'Int64')}, 'UTC')"
            case _:
                return self.bind(node.value, _TYPES[node.kind])

    def values(self, node: tree.In) -> str:
        if node.operand.kind in (Kind.BOOLEAN, Kind.TIME):
            return f"({', '.join(self.literal(value) for value in node.values)})"
        values = [value.value for value in node.values]
        return self.bind(values, f"Array({_TYPES[node.operand.kind]})")  # type: ignore[arg-type]

    def arithmetic(self, node: tree.Arithmetic) -> str:
        left, right = self.render(node.left), self.render(node.right)
        if node.operator == "%":
            return f"toInt64(positiveModulo({left}, {right}))"
        result = f"({left} {node.operator} {right})"
        return _finite(result) if node.kind is Kind.NUMBER else result

    def like(self, node: tree.Like) -> str:
        operand, pattern = self.render(node.operand), self.bind(node.pattern.sql(), "String")
        return f"like(lower({operand}), {pattern})" if node.pattern.ignore_case else f"like({operand}, {pattern})"

    def case(self, node: tree.Case) -> str:
        parts = [self.render(part) for branch in node.branches for part in branch]
        return f"multiIf({', '.join(parts)}, {'NULL' if node.otherwise is None else self.render(node.otherwise)})"

    def call(self, node: tree.Call) -> str:
        parts = [self.render(argument) for argument in node.arguments]
        match node.function:
            case Function.LENGTH:
                name = "length" if node.arguments[0].kind is Kind.TEXT_LIST else "lengthUTF8"
                return f"toInt64({name}({parts[0]}))"
            case Function.CONTAINS:
                return f"(position({parts[0]}, {parts[1]}) > 0)"
            case Function.ABS:
                return f"toInt64(abs({parts[0]}))" if node.kind is Kind.INTEGER else f"abs({parts[0]})"
            case Function.TO_INTEGER:
                return f"toInt64OrNull(extract({parts[0]}, {self.bind(INTEGER_TEXT, 'String')}))"
            case Function.ROUND:
                return self.rounded(parts[0], parts[1])
            case Function.COALESCE:
                return _coalesce(parts, node.kind)
            case _:
                return f"{_FUNCTIONS[node.function]}({', '.join(parts)})"

    def rounded(self, value: str, scale: str) -> str:
        """Halves away from zero, where ClickHouse's own round() takes the even neighbour.

        The alias keeps the operand from being written four times.
        """
        alias = f"_{self.prefix}_scaled{self.aliases}"
        self.aliases += 1
        up = f"floor(abs({alias})) + (abs({alias}) - floor(abs({alias})) >= 0.5)"
        return _finite(f"(sign(({value} * {scale}) AS {alias}) * ({up}) / {scale})")


def _typed_column(node: tree.Column) -> str:
    match node.stored:
        case Kind.INTEGER:
            return f"toInt64({_quoted(node.name)})"
        case Kind.NUMBER:
            return _finite(f"toFloat64({_quoted(node.name)})")
        case _:
            return _quoted(node.name)


def _finite(sql: str) -> str:
    return f"ifNotFinite({sql}, NULL)"


def _coalesce(parts: list[str], kind: Kind) -> str:
    if kind is not Kind.TEXT:
        return f"coalesce({', '.join(parts)})"
    present = [f"nullIf({part}, '')" for part in parts]
    return f"coalesce({', '.join(present)}, '')"


def _quoted(name: str) -> str:
    return f"`{name}`"
