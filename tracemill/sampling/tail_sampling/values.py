"""How are the scalars of a Collector's configuration read? As the Collector does, and with the line where it can't."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

import yaml

from tracemill.expressions.kinds import INTEGER_RANGE
from tracemill.sampling.rules_file import Reader

MAX_VALUES: Final = 1_000

_FLAGS: Final = {"true": True, "false": False}


def text(reader: Reader, node: yaml.Node, where: str) -> str:
    """A text; `$$` is the Collector's way to write one dollar sign, `${…}` stands for something only it knows."""
    written = reader.text(node, where)
    if "${" in written.replace("$$", ""):
        reader.add(node, where, f"`{written}` is filled in by the Collector when it starts: write the value itself")
    return written.replace("$$", "$")


def texts(reader: Reader, node: yaml.Node | None, where: str) -> list[str]:
    """A list of texts, empty ones left out as the Collector does."""
    items = [] if node is None else reader.items(node, where, MAX_VALUES)
    return [value for value in (text(reader, item, where) for item in items) if value]


def integer(reader: Reader, node: yaml.Node | None, where: str) -> int:
    """An integer of 64 bits; 0 where there is none."""
    if node is None:
        return 0
    value = number(reader, node, where)
    if value != value.to_integral_value() or int(value) not in INTEGER_RANGE:
        reader.add(node, where, f"`{value}` isn't an integer of 64 bits")
        return 0
    return int(value)


def number(reader: Reader, node: yaml.Node | None, where: str) -> Decimal:
    """A finite decimal number; 0 where there is none."""
    if node is None:
        return Decimal(0)
    written = text(reader, node, where)
    try:
        value = Decimal(written)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or abs(value.adjusted()) > 30:
        reader.add(node, where, f"`{written}` isn't a number")
        return Decimal(0)
    return value


def flag(reader: Reader, node: yaml.Node | None, where: str) -> bool:
    """true or false; false where there is none."""
    if node is None:
        return False
    written = text(reader, node, where)
    if written.lower() not in _FLAGS:
        reader.add(node, where, f"`{written}` is neither `true` nor `false`")
    return _FLAGS.get(written.lower(), False)
