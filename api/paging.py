"""In which order do rows come, and where does the next page begin?

A page begins behind the last row of the one before: behind its value in the order's column and, among equal values,
behind its identity. So rows that come in meanwhile move nothing. Rows without a value come last. Numbers travel as
their 64 bits, because a float written in decimal digits might be read as its neighbour.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, TypeAlias

import orjson

from api.listings import Listing
from api.problems import bad_parameter
from api.times import Window
from tracemill.expressions.clickhouse_rendering import Parameter
from tracemill.expressions.problems import did_you_mean, listing
from tracemill.schema import Kind

Value: TypeAlias = str | int | bool | None

ORDER_VALUE: Final = "__order"
TIME_VALUE: Final = "__time"
"""Columns that a listing has besides those that are shown: what a cursor is made of."""

_TEXT_LETTERS: Final = 100
_INT64: Final = range(-(2**63), 2**63)
_UINT64: Final = range(2**64)


@dataclass(frozen=True, slots=True)
class Order:
    """A column, what it holds, and whether its largest value comes first."""

    column: str
    kind: Kind
    descending: bool

    @property
    def sorted_by(self) -> str:
        """What rows are sorted by: text by its first letters, so that no cursor grows large."""
        match self.kind:
            case Kind.NUMBER:
                return f"ifNotFinite(toFloat64({self.column}), NULL)"
            case Kind.TEXT:
                return f"substringUTF8({self.column}, 1, {_TEXT_LETTERS})"
            case _:
                return self.column

    @property
    def value(self) -> str:
        """The same as a value that a cursor can hold."""
        match self.kind:
            case Kind.NUMBER:
                return f"reinterpretAsUInt64({self.sorted_by})"
            case Kind.TIME:
                return f"toUnixTimestamp64Nano({self.column})"
            case _:
                return self.sorted_by

    def bound(self, name: str) -> str:
        """A cursor's value, bound as the parameter `name`, as something to compare `sorted_by` with."""
        match self.kind:
            case Kind.NUMBER:
                return f"reinterpretAsFloat64({{{name}:UInt64}})"
            case Kind.TIME:
                return moment(name)
            case Kind.INTEGER:
                return f"{{{name}:Int64}}"
            case Kind.BOOLEAN:
                return f"{{{name}:Bool}}"
            case _:
                return f"{{{name}:String}}"

    def accepts(self, value: Any) -> bool:
        """Whether a cursor's value can be one of this column."""
        match self.kind:
            case Kind.NUMBER:
                return value is None or (type(value) is int and value in _UINT64)
            case Kind.TIME | Kind.INTEGER:
                return value is None or (type(value) is int and value in _INT64)
            case Kind.BOOLEAN:
                return value is None or type(value) is bool
            case _:
                return isinstance(value, str)


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which row a page begins: its value in the order's column, its identity and its time."""

    value: Value
    identity: tuple[str, ...]
    time_ns: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """The next page of a question: the window that was fixed with the first one, and the place."""

    window: Window
    place: Place


def moment(name: str) -> str:
    """The parameter `name`, nanoseconds since 1970, as a time."""
    return f"fromUnixTimestamp64Nano({{{name}:Int64}}, 'UTC')"


def read_order(text: str, of: Listing) -> Order:
    """`column`, `-column`, `column asc` or `column desc`.

    Raises:
        Problem: there is no such column, or it has no order.
    """
    name, _, direction = text.strip().partition(" ")
    descending = name.startswith("-") or direction.strip().lower() == "desc"
    column = name.removeprefix("-")
    if direction.strip().lower() not in ("", "asc", "desc") or (name.startswith("-") and direction):
        raise bad_parameter("order", f"{text[:80]!r}: write a column, or -column for the largest first")
    kind = of.sortable.get(column)
    if kind is None:
        close = did_you_mean(column[:80], of.sortable)
        raise bad_parameter("order", f"{column[:80]!r} can't be sorted by{close}; {listing(of.sortable)} can")
    return Order(column, kind, descending)


def order_by(order: Order, of: Listing) -> str:
    """The terms behind ORDER BY: no two rows are equal in all of them."""
    direction = "DESC" if order.descending else "ASC"
    return ", ".join([f"{order.sorted_by} {direction} NULLS LAST", *of.identity, of.time])


def behind(place: Place, order: Order, of: Listing) -> tuple[str, Mapping[str, Parameter]]:
    """A condition that holds for the rows behind `place`, and its parameters."""
    names = [f"after_{name}" for name in of.identity]
    mine = ", ".join([*of.identity, of.time])
    theirs = ", ".join([*(f"{{{name}:String}}" for name in names), moment("after_time")])
    ties = f"({mine}) > ({theirs})"
    parameters: dict[str, Parameter] = {"after_time": place.time_ns}
    parameters |= zip(names, place.identity, strict=True)
    if place.value is None:
        return f"{order.sorted_by} IS NULL AND {ties}", parameters
    sign, bound = "<" if order.descending else ">", order.bound("after")
    equal = f"{order.sorted_by} = {bound} AND {ties}"
    condition = f"{order.sorted_by} {sign} {bound} OR ({equal}) OR {order.sorted_by} IS NULL"
    return condition, parameters | {"after": place.value}


def narrowed(window: Window, place: Place, order: Order, of: Listing) -> Window:
    """What is left of a window behind `place`: less of the store is read when rows are sorted by their time."""
    if order.column != of.time or not isinstance(place.value, int):
        return window
    if order.descending:
        return Window(window.from_ns, min(window.to_ns, place.value + 1))
    return Window(max(window.from_ns, place.value), window.to_ns)


def take_place(row: dict[str, Any], of: Listing) -> Place:
    """The place of a row; the columns that only a cursor needs are taken out of it."""
    return Place(row.pop(ORDER_VALUE), tuple(row[name] for name in of.identity), row.pop(TIME_VALUE))


def fingerprint(*texts: str | None) -> str:
    """What makes a question's cursors its own."""
    return sha256(orjson.dumps(texts)).hexdigest()[:16]


def write_cursor(cursor: Cursor, question: str) -> str:
    """A cursor as a text for a URL."""
    place = cursor.place
    inside = [question, cursor.window.from_ns, cursor.window.to_ns, place.value, place.identity, place.time_ns]
    return base64.urlsafe_b64encode(orjson.dumps(inside)).decode().rstrip("=")


def read_cursor(text: str, question: str, order: Order, of: Listing) -> Cursor:
    """The cursor in a text.

    Raises:
        Problem: it is none of ours, or another question's.
    """
    try:
        inside = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        theirs, from_ns, to_ns, value, identity, time_ns = inside
    except (ValueError, TypeError, binascii.Error):
        raise bad_parameter("cursor", "this is no cursor: give `next_cursor` of an answer as it is") from None
    if theirs != question:
        raise bad_parameter("cursor", "it belongs to another question: keep filter, from, to and order as they were")
    whole = all(type(number) is int and number in _INT64 for number in (from_ns, to_ns, time_ns))
    if not (whole and from_ns >= 0 and order.accepts(value) and _is_identity(identity, of)):
        raise bad_parameter("cursor", "it has been changed: give `next_cursor` of an answer as it is")
    return Cursor(Window(from_ns, to_ns), Place(value, tuple(identity), time_ns))


def _is_identity(value: Any, of: Listing) -> bool:
    return isinstance(value, list) and len(value) == len(of.identity) and all(isinstance(id_, str) for id_ in value)
