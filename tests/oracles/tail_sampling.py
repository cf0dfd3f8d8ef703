"""Which traces does a Collector (0.157 or later) sample? Its policies, evaluated span by span as its manual tells it.

Shares no code with the import of rules: it reads the YAML as Python objects and looks at typed values, never at SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Policy = dict[str, Any]
Draw = Callable[[float], bool]
"""Whether a trace is among the share of so many percent."""


@dataclass(frozen=True)
class Seen:
    """What the policies look at in a span: attributes as sent, times in nanoseconds."""

    resource: dict[str, object]
    attributes: dict[str, object]
    status: str
    start_ns: int
    end_ns: int


def sampled(policies: list[Policy], trace: list[Seen], draw: Draw) -> bool:
    """Any policy of type drop that matches beats all others; else one that samples is enough."""
    if any(_all(policy["drop"]["drop_sub_policy"], trace, draw) for policy in policies if policy["type"] == "drop"):
        return False
    return any(_samples(policy, trace, draw) for policy in policies if policy["type"] != "drop")


def _all(policies: list[Policy], trace: list[Seen], draw: Draw) -> bool:
    return all(_samples(policy, trace, draw) for policy in policies)


def _samples(policy: Policy, trace: list[Seen], draw: Draw) -> bool:
    kind = policy["type"]
    settings = policy.get(kind, {})
    match kind:
        case "always_sample":
            return True
        case "probabilistic":
            return draw(settings["sampling_percentage"])
        case "and":
            return _all(settings["and_sub_policy"], trace, draw)
        case "not":
            return not _samples(settings["not_sub_policy"], trace, draw)
        case "status_code":
            return any(span.status in settings["status_codes"] for span in trace)
        case "span_count":
            return settings["min_spans"] <= len(trace) <= (settings.get("max_spans", 0) or len(trace))
        case "latency":
            return _latency(settings, trace)
    found = _attributes(settings["key"], trace)
    return any(_value_fits(kind, settings, value) for value in found) != settings.get("invert_match", False)


def _latency(settings: Policy, trace: list[Seen]) -> bool:
    whole_ms = (max(span.end_ns for span in trace) - min(span.start_ns for span in trace)) // 1_000_000
    upper = settings.get("upper_threshold_ms", 0)
    return settings["threshold_ms"] < whole_ms and (upper == 0 or whole_ms <= upper)


def _attributes(key: str, trace: list[Seen]) -> list[object]:
    held = [attributes for span in trace for attributes in (span.resource, span.attributes)]
    return [attributes[key] for attributes in held if key in attributes]


def _value_fits(kind: str, settings: Policy, value: object) -> bool:
    """A value of another type than the policy's counts as that type's zero."""
    if kind == "boolean_attribute":
        return (value is True) == settings["value"]
    if kind == "numeric_attribute":
        number = value if isinstance(value, int) and not isinstance(value, bool) else 0
        low, high = settings.get("min_value", 0), settings.get("max_value", 0)
        return (low == 0 or number >= low) and (high == 0 or number <= high)
    text = value if isinstance(value, str) else ""
    if settings.get("enabled_regex_matching", False):
        return any(re.search(pattern, text) is not None for pattern in settings["values"])
    return text != "" and text in settings["values"]
