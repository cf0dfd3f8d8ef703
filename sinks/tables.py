"""Which topics does the store hold, and where do their records land?"""

from __future__ import annotations

from typing import Final

from sinks.score_records import SCORES
from sinks.span_records import SPANS
from sinks.trace_records import TRACES

TABLES: Final = (SPANS, TRACES, SCORES)
