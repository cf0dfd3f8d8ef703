"""Which traces does a policy of one of the Collector's simple types sample? Read from its YAML, said in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import yaml

from tracemill.sampling.rules_file import Reader
from tracemill.sampling.tail_sampling.values import flag, integer, text, texts

ALL: Final = "TRUE"
NONE: Final = "FALSE"

_LOOK_UPS: Final = ("attribute", "resource_attribute")
_STATUS_CODES: Final = ("OK", "ERROR", "UNSET")


def latency(reader: Reader, node: yaml.Node, where: str) -> str:
    """Above the lower bound, up to the upper one, both in whole milliseconds (rounded down)."""
    keys = reader.mapping(node, where, ("threshold_ms", "upper_threshold_ms"))
    lower = integer(reader, keys.get("threshold_ms"), f"{where}: threshold_ms")
    upper = integer(reader, keys.get("upper_threshold_ms"), f"{where}: upper_threshold_ms")
    above = f"duration_ms >= {lower + 1}"
    return f"{above} AND duration_ms < {upper + 1}" if upper else above


def span_count(reader: Reader, node: yaml.Node, where: str) -> str:
    """From so many spans, up to so many."""
    keys = reader.mapping(node, where, ("min_spans", "max_spans"))
    least = integer(reader, keys.get("min_spans"), f"{where}: min_spans")
    most = integer(reader, keys.get("max_spans"), f"{where}: max_spans")
    return f"span_count BETWEEN {least} AND {most}" if most else f"span_count >= {least}"


def status_code(reader: Reader, node: yaml.Node, where: str) -> str:
    """A span ended with one of these."""
    keys = reader.mapping(node, where, ("status_codes",))
    codes = texts(reader, keys.get("status_codes"), f"{where}: status_codes")
    if not codes or not set(codes) <= set(_STATUS_CODES):
        reader.add(node, f"{where}: status_codes", f"needs a list of one or more of {', '.join(_STATUS_CODES)}")
        return NONE
    return f"any_span({_one_of('status_code', codes)})"


def string_attribute(reader: Reader, node: yaml.Node, where: str) -> str:
    """An attribute of a span or of its resource is one of some texts, or fits one of some regular expressions."""
    known = ("key", "values", "enabled_regex_matching", "cache_max_size", "invert_match")
    keys = reader.mapping(node, where, known)
    values = texts(reader, keys.get("values"), f"{where}: values")
    regex = flag(reader, keys.get("enabled_regex_matching"), f"{where}: enabled_regex_matching")
    integer(reader, keys.get("cache_max_size"), f"{where}: cache_max_size")
    return _on_attribute(reader, node, where, keys, lambda value: _matching(value, values, regex=regex))


def numeric_attribute(reader: Reader, node: yaml.Node, where: str) -> str:
    """An integer attribute is in a range; a bound of 0 is none, and what is no integer counts as 0."""
    keys = reader.mapping(node, where, ("key", "min_value", "max_value", "invert_match"))
    least = integer(reader, keys.get("min_value"), f"{where}: min_value")
    most = integer(reader, keys.get("max_value"), f"{where}: max_value")
    if not least and not most:
        reader.add(
            node, where, "needs a `min_value:` or `max_value:` other than 0, which stands for none in the Collector"
        )
        return NONE
    return _on_attribute(reader, node, where, keys, lambda value: _in_range(value, least or None, most or None))


def boolean_attribute(reader: Reader, node: yaml.Node, where: str) -> str:
    """A boolean attribute is true, or is there and isn't."""
    keys = reader.mapping(node, where, ("key", "value", "invert_match"))
    wanted = flag(reader, keys.get("value"), f"{where}: value")
    return _on_attribute(
        reader,
        node,
        where,
        keys,
        lambda value: f"{value} = 'true'" if wanted else f"({value} IS NOT NULL AND {value} != 'true')",
    )


def quoted(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def _on_attribute(
    reader: Reader, node: yaml.Node, where: str, keys: Mapping[str, yaml.Node], test: Callable[[str], str]
) -> str:
    """A test of an attribute of any span or of its resource, turned around by `invert_match`."""
    if "key" not in keys:
        reader.add(node, where, "needs a `key:`, the attribute to look at")
        return NONE
    key = quoted(text(reader, keys["key"], f"{where}: key"))
    found = f"any_span({' OR '.join(test(f'{look_up}({key})') for look_up in _LOOK_UPS)})"
    inverted = flag(reader, keys.get("invert_match"), f"{where}: invert_match")
    return f"NOT {found}" if inverted else found


def _matching(value: str, wanted: list[str], *, regex: bool) -> str:
    if not wanted:
        return NONE
    if not regex:
        return _one_of(value, wanted)
    fitting = " OR ".join(f"REGEXP_LIKE({value}, {quoted(pattern)})" for pattern in wanted)
    return f"({value} IS NOT NULL AND ({fitting}))"


def _one_of(value: str, wanted: list[str]) -> str:
    if len(wanted) == 1:
        return f"{value} = {quoted(wanted[0])}"
    return f"{value} IN ({', '.join(map(quoted, wanted))})"


def _in_range(value: str, least: int | None, most: int | None) -> str:
    integer_of = f"TO_INTEGER({value})"
    zero_counts = (least is None or least <= 0) and (most is None or most >= 0)
    operand = f"COALESCE({integer_of}, 0)" if zero_counts else integer_of
    bounds = [f"{operand} >= {least}"] if least is not None else []
    bounds += [f"{operand} <= {most}"] if most is not None else []
    there = [f"{value} IS NOT NULL"] if zero_counts else []
    return f"({' AND '.join([*there, *bounds])})"


SIMPLE: Final[Mapping[str, Callable[[Reader, yaml.Node, str], str]]] = {
    "latency": latency,
    "span_count": span_count,
    "status_code": status_code,
    "string_attribute": string_attribute,
    "numeric_attribute": numeric_attribute,
    "boolean_attribute": boolean_attribute,
}
"""The types whose outcome follows from the trace alone."""
