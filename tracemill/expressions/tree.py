"""What can an expression say, once it is checked? The closed set of nodes that every renderer knows.

Types are settled here: both sides of a comparison have one kind (`Widen` turns integers to numbers where needed), text
is never null, and no node needs one of its operands twice, so that a rendering is never larger than its expression.
Nodes compare by value: equal nodes mean the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from tracemill.expressions.patterns import LikePattern
from tracemill.schema import Kind


class Function(StrEnum):
    """What can be called, apart from the attribute look-ups and the span quantifiers."""

    LENGTH = "LENGTH"
    LOWER = "LOWER"
    UPPER = "UPPER"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    CONTAINS = "CONTAINS"
    COALESCE = "COALESCE"
    ROUND = "ROUND"
    ABS = "ABS"
    FLOOR = "FLOOR"
    CEIL = "CEIL"
    GREATEST = "GREATEST"
    LEAST = "LEAST"
    HAS = "HAS"
    TO_INTEGER = "TO_INTEGER"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; of kind TIME the value is nanoseconds since 1970."""

    value: str | int | float | bool
    kind: Kind


@dataclass(frozen=True, slots=True)
class Null:
    """A null that folding found; what is written never holds one."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Column:
    """A column; identifiers count as text of lower-case hex digits."""

    name: str
    stored: Kind

    @property
    def kind(self) -> Kind:
        """The kind that the rest of the expression sees."""
        return Kind.TEXT if self.stored is Kind.IDENTIFIER else self.stored


@dataclass(frozen=True, slots=True)
class Attribute:
    """The text under `key` in the map column `source`, '' when there is none."""

    source: str
    key: str
    kind: ClassVar[Kind] = Kind.TEXT


@dataclass(frozen=True, slots=True)
class SpanCount:
    """How many spans of the trace match the expression's quantifier of this index."""

    index: int
    kind: ClassVar[Kind] = Kind.INTEGER


@dataclass(frozen=True, slots=True)
class SpanTotal:
    """How many spans of the trace there are to count."""

    kind: ClassVar[Kind] = Kind.INTEGER


@dataclass(frozen=True, slots=True)
class Widen:
    """An integer as a number."""

    operand: Node
    kind: ClassVar[Kind] = Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+ - * /` of two operands of one kind, or `%` by a positive integer literal.

    Integers wrap at 64 bits. `/` gives a number. A number that isn't finite is null, so division by zero is.
    `%` is never negative.
    """

    operator: str
    left: Node
    right: Node
    kind: Kind


@dataclass(frozen=True, slots=True)
class Negate:
    """Minus the operand."""

    operand: Node
    kind: Kind


@dataclass(frozen=True, slots=True)
class Compare:
    """`= != < <= > >=` of two operands of one kind."""

    operator: str
    left: Node
    right: Node
    kind: ClassVar[Kind] = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Between:
    """low <= operand <= high, all of one kind."""

    operand: Node
    low: Node
    high: Node
    kind: ClassVar[Kind] = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class In:
    """The operand is one of the literals, all of one kind."""

    operand: Node
    values: tuple[Literal, ...]
    kind: ClassVar[Kind] = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class IsNull:
    """The operand is null; of text: is ''."""

    operand: Node
    kind: ClassVar[Kind] = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Logic:
    """AND or OR of at least two operands, in three-valued logic."""

    operator: str
    operands: tuple[Node, ...]
    kind: ClassVar[Kind] = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Not:
    """NOT, in three-valued logic."""

    operand: Node
    kind: ClassVar[Kind] = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Like:
    """The whole text fits the pattern."""

    operand: Node
    pattern: LikePattern
    kind: ClassVar[Kind] = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Matches:
    """The regular expression, in the form that all engines read alike, is found in the text."""

    operand: Node
    pattern: str
    kind: ClassVar[Kind] = Kind.BOOLEAN


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition is true, else `otherwise` (null when there is none)."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None
    kind: Kind


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the closed list; `ROUND` has its scale (a power of ten) as the second argument."""

    function: Function
    arguments: tuple[Node, ...]
    kind: Kind


Node: TypeAlias = (
    Literal | Null | Column | Attribute | SpanCount | SpanTotal | Widen | Arithmetic | Negate | Compare | Between | In
    | IsNull | Logic | Not | Like | Matches | Case | Call
)  # fmt: skip

SPAN_TOTAL: Final = "__spans"
"""The column that holds how many spans of a trace were counted, beside those of its quantifiers."""

TRUE: Final = Literal(True, Kind.BOOLEAN)
FALSE: Final = Literal(False, Kind.BOOLEAN)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for part in parts(node):
        yield from walk(part)


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node."""
    match node:
        case Widen() | Negate() | IsNull() | Not() | Like() | Matches() | In():
            return (node.operand,)
        case Arithmetic() | Compare():
            return (node.left, node.right)
        case Between():
            return (node.operand, node.low, node.high)
        case Logic():
            return node.operands
        case Case():
            inside = tuple(part for branch in node.branches for part in branch)
            return inside if node.otherwise is None else (*inside, node.otherwise)
        case Call():
            return node.arguments
        case _:
            return ()
