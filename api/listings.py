"""What can be listed, by which names and in which order?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tracemill.expressions import Columns
from tracemill.schema import CONTENT, SPAN, SPAN_KINDS, TRACE, TRACE_KINDS, Kind

CONTENT_NAMES: Final = frozenset(column.name for column in CONTENT)
_SORTABLE: Final = frozenset({Kind.TEXT, Kind.IDENTIFIER, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.TIME})


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of one view.

    `time` is the column of `from` and `to`. `identity` is what no two rows of a tenant share, besides their `time`.
    """

    name: str
    view: str
    columns: tuple[str, ...]
    kinds: Columns
    inner_kinds: Columns | None
    time: str
    identity: tuple[str, ...]

    @property
    def default_order(self) -> str:
        """The newest first."""
        return f"-{self.time}"

    @property
    def sortable(self) -> Mapping[str, Kind]:
        """The columns that an order may name."""
        return {name: kind for name, kind in self.kinds.items() if kind in _SORTABLE and name not in CONTENT_NAMES}


TRACES: Final = Listing(
    name="traces",
    view="traces_latest",
    columns=tuple(column.name for column in TRACE),
    kinds=TRACE_KINDS,
    inner_kinds=SPAN_KINDS,
    time="opened_at",
    identity=("trace_id",),
)
SPANS: Final = Listing(
    name="spans",
    view="spans",
    columns=tuple(column.name for column in SPAN if column.name not in CONTENT_NAMES),
    kinds=SPAN_KINDS,
    inner_kinds=None,
    time="started_at",
    identity=("trace_id", "span_id"),
)
SPANS_WITH_CONTENT: Final = tuple(column.name for column in SPAN)
