"""What do subscribers read? Trace rows and signals as JSON, one object a line, many at once."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tracemill.evaluation.rows import Traces
from tracemill.schema import TRACE

Int = npt.NDArray[np.int64]

_TRACE_COLUMNS: Final = [column.name for column in TRACE]
_SIGNAL_COLUMNS: Final = (
    "tenant", "trace_id", "revision", "complete", "closed_by", "opened_at", "root_name", "root_type", "service_name",
    "route", "environment", "session_id", "user_id", "started_at", "duration_ms", "ttft_ms", "span_count",
    "llm_calls", "tool_calls", "retrievals", "error_count", "tool_error_count", "retry_count", "fallback_count",
    "input_tokens", "output_tokens", "cache_read_tokens", "cost_usd", "models", "providers", "orphans", "decision",
    "policy", "probability", "adjusted_count",
)  # fmt: skip
_CALL_TEXT: Final = (
    "operation", "provider", "request_model", "response_model", "finish_reason", "error_type", "session_id", "user_id",
    "prompt_id", "prompt_version",
)  # fmt: skip
_CALL_NUMBERS: Final = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost_usd",
    "ttft_ms",
)  # fmt: skip


def frame_of(columns: dict[str, Any]) -> pl.DataFrame:
    """Columns (numpy, Arrow or Polars, all of one length) as a Polars frame."""
    return pl.DataFrame(
        {name: pl.from_arrow(column) if isinstance(column, pa.Array) else column for name, column in columns.items()}
    )


def lines(frame: pl.DataFrame) -> list[bytes]:
    """One JSON object a row; nulls are written."""
    out = io.BytesIO()
    frame.write_ndjson(out)
    return out.getvalue().split(b"\n")[:-1]


def trace_lines(traces: pl.DataFrame) -> list[bytes]:
    """The records of `traces.v1`, one a trace; needs the columns of `schema.TRACE`."""
    return lines(traces.select(_TRACE_COLUMNS))


def trace_signals(traces: pl.DataFrame) -> list[bytes]:
    """The signals of finished traces: `type` trace, `id` the trace's."""
    return lines(traces.select(pl.lit("trace").alias("type"), pl.col("trace_id").alias("id"), *_SIGNAL_COLUMNS))


def call_signals(traces: Traces, rows: Int, of_trace: pl.DataFrame) -> list[bytes]:
    """The signals of LLM calls at the span rows `rows`: `type` llm_call, `id` the span's."""
    frame, at = traces.frame, pa.array(rows)
    spans, owner = frame.spans, frame.owner[rows]
    columns: dict[str, Any] = {
        "type": np.full(len(rows), "llm_call", object),
        "id": _hex_ids(spans.span_id[rows]),
        "name": spans.name.take(at),
        "started_at": spans.start_ns[rows],
        "duration_ms": frame.duration_ns[rows] / 1e6,
        "error": frame.error[rows],
    }
    columns |= {name: frame.text[name].take(at) for name in _CALL_TEXT}
    for name in _CALL_NUMBERS:
        values, known = frame.numbers[name]
        columns[name] = pa.array(values[rows], mask=~known[rows])
    shared = of_trace.select("tenant", "trace_id", "revision", "service_name", "route", "environment")
    return lines(frame_of(columns).hstack(shared[owner]))


def _hex_ids(ids: npt.NDArray[np.uint64]) -> Sequence[str]:
    text = np.ascontiguousarray(ids).tobytes().hex()
    return [text[start : start + 16] for start in range(0, len(text), 16)]
