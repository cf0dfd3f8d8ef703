"""What does a flush write for one partition?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tracemill.assembly.trace import Closing


@dataclass(slots=True)
class Output:
    """What a flush writes for one partition, in the order in which it has to be written.

    `spans` are tables of `SPAN_ARROW`; `traces` and `signals` JSON; `block` is a table of `blocks.SCHEMA` or None, and
    `decided` those of its rows that have to be remembered, of the closings `told`: also of a trace of
    which only repeated spans came, and which keeps its revision. `repeated` is how many such spans came in all.
    """

    partition: int
    spans: list[Any] = field(default_factory=list)
    traces: list[bytes] = field(default_factory=list)
    signals: list[bytes] = field(default_factory=list)
    block: Any = None
    told: list[Closing] = field(default_factory=list)
    decided: list[Any] = field(default_factory=list)
    undecodable: list[tuple[Closing, str]] = field(default_factory=list)
    repeated: int = 0
