"""Which columns may a sampling rule name? Those known before the decision that don't hold the dice.

The verdict isn't known yet. A trace id is the randomness itself (and tracestate may hold it): a rule that chose by it
would make every weight wrong.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from tracemill.expressions import Columns
from tracemill.schema import SPAN_KINDS, TRACE_KINDS, VERDICT

_DECIDED: Final = frozenset({column.name for column in VERDICT} | {"sources"})
_DICE: Final = frozenset({"trace_id", "trace_state"})

TRACE_COLUMNS: Final[Columns] = MappingProxyType(
    {name: kind for name, kind in TRACE_KINDS.items() if name not in _DECIDED | _DICE}
)
SPAN_COLUMNS: Final[Columns] = MappingProxyType(
    {name: kind for name, kind in SPAN_KINDS.items() if name not in _DECIDED | _DICE}
)
