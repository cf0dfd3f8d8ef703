"""Which kinds go together? Operands of one comparison, list or CASE are brought to one kind here, or refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from tracemill.expressions.tree import Literal, Node, Widen
from tracemill.schema import Kind

NUMERIC: Final = frozenset({Kind.INTEGER, Kind.NUMBER})
VALUES: Final = frozenset({Kind.TEXT, Kind.BOOLEAN, *NUMERIC})
"""What CASE and COALESCE can give."""

INTEGER_RANGE: Final = range(-(2**63), 2**63)

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPOKEN: Final = {
    Kind.BOOLEAN: "true or false",
    Kind.INTEGER: "an integer",
    Kind.NUMBER: "a number",
    Kind.TEXT_LIST: "a list of texts",
    Kind.TIME: "a time",
}


class Mismatch(ValueError):
    """Two operands that don't go together: their indices, and a hint or ''."""

    def __init__(self, first: int, second: int, hint: str) -> None:
        super().__init__(hint)
        self.first = first
        self.second = second
        self.hint = hint


def spoken(kind: Kind) -> str:
    """A kind in words."""
    return _SPOKEN.get(kind, kind.value)


def unify(nodes: Sequence[Node], *, compared: bool) -> tuple[Node, ...]:
    """The nodes, all of one kind: integers widened beside numbers, text literals read as times beside times.

    When they are `compared`, a number literal without a fraction becomes an integer beside integers, so that large
    integers are compared exactly.

    Raises:
        Mismatch: the kinds don't go together.
    """
    kinds = {node.kind for node in nodes}
    if len(kinds) == 1:
        return tuple(nodes)
    if kinds == NUMERIC:
        exact = compared and all(node.kind is Kind.INTEGER or _whole(node) for node in nodes)
        return tuple(_narrow(node) if exact else widen(node) for node in nodes)
    if kinds == {Kind.TIME, Kind.TEXT}:
        return tuple(_time(index, node, nodes) for index, node in enumerate(nodes))
    second = next(index for index, node in enumerate(nodes) if _group(node.kind) != _group(nodes[0].kind))
    raise Mismatch(0, second, _hint(nodes[0], nodes[second]) or _hint(nodes[second], nodes[0]))


def widen(node: Node) -> Node:
    """A numeric node as a number."""
    if node.kind is Kind.NUMBER:
        return node
    return Literal(float(node.value), Kind.NUMBER) if isinstance(node, Literal) else Widen(node)


def read_time(text: str) -> int | None:
    """Nanoseconds since 1970 of an RFC 3339 time with its zone; None if it is none, or out of 1970 to 2262."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    seconds, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(seconds + zone.replace("Z", "+00:00")) - _EPOCH
    except ValueError:
        return None
    nanoseconds = (moment.days * 86_400 + moment.seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))
    return nanoseconds if 0 <= nanoseconds < INTEGER_RANGE.stop else None


def _group(kind: Kind) -> object:
    return NUMERIC if kind in NUMERIC else kind


def _whole(node: Node) -> bool:
    """Whether a node is a number literal that is an integer of 64 bits."""
    if not isinstance(node, Literal) or not isinstance(node.value, float):
        return False
    return node.value.is_integer() and int(node.value) in INTEGER_RANGE


def _narrow(node: Node) -> Node:
    return Literal(int(node.value), Kind.INTEGER) if isinstance(node, Literal) else node


def _time(index: int, node: Node, nodes: Sequence[Node]) -> Node:
    if node.kind is Kind.TIME:
        return node
    value = read_time(node.value) if isinstance(node, Literal) and isinstance(node.value, str) else None
    if value is None:
        other = next(spot for spot, beside in enumerate(nodes) if beside.kind is Kind.TIME)
        raise Mismatch(other, index, "write a time with its zone, such as '2026-01-31T12:00:00Z'")
    return Literal(value, Kind.TIME)


def _hint(node: Node, other: Node) -> str:
    """What to write instead of a literal beside something else."""
    if other.kind is Kind.TEXT_LIST:
        return "use has(list, 'value')"
    if not isinstance(node, Literal):
        return ""
    if node.kind is Kind.TEXT and other.kind in NUMERIC and re.fullmatch(r"-?\d+(\.\d+)?", str(node.value), re.ASCII):
        return f"write {node.value} without quotes"
    if node.kind in NUMERIC and other.kind is Kind.TEXT:
        return f"write '{node.value}' in quotes"
    if node.kind in NUMERIC and other.kind is Kind.BOOLEAN:
        return "write TRUE or FALSE, or just the condition"
    return ""
