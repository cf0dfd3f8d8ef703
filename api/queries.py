"""Which SQL answers a question? Statements of `api/sql/`, with our own names put in and every value as a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final

from api import paging
from api.listings import SPANS, TRACES, Listing
from api.paging import ORDER_VALUE, TIME_VALUE
from api.questions import Question
from api.times import Window
from tracemill.expressions.clickhouse_rendering import ClickHouseCondition, Parameter, clickhouse_condition

SQL: Final = Path(__file__).parent / "sql"
RESULT_BYTES: Final = 64 * 1024**2
TRACE_SPANS: Final = 20_000
"""Of one trace in one answer."""
TRACE_SCORES: Final = 200
"""Of one trace in one answer, the latest."""
_LATEST_NS: Final = 9_100_000_000_000_000_000
_LONGEST_MS: Final = 1e10
_EVERYTHING: Final = "true"


@dataclass(frozen=True, slots=True)
class Query:
    """A statement, the name of its file, its parameters, and how large its result may be."""

    name: str
    sql: str
    parameters: Mapping[str, Parameter]
    rows: int
    result_bytes: int = RESULT_BYTES


def needs_extent(question: Question) -> bool:
    """Whether a question about traces is also one about their spans, so that `by_extent` answers it."""
    return question.filter is not None and bool(question.filter.quantifiers)


def listed(question: Question, tenant: str, columns: Sequence[str], spans: Window | None = None) -> Query:
    """One row more than the question's limit, if there is one: then there is a next page.

    `spans` is when the spans of the traces were, for a question that needs it.
    """
    condition = clickhouse_condition(question.filter, "filter") if question.filter else None
    window = question.window
    behind: tuple[str, Mapping[str, Parameter]] = (_EVERYTHING, {})
    if question.behind:
        behind = paging.behind(question.behind, question.order, question.of)
        window = paging.narrowed(window, question.behind, question.order, question.of)
    parameters: dict[str, Parameter] = {"tenant": tenant, **_bounds(window), "rows": question.limit + 1, **behind[1]}
    words = _list_words(question, columns) | {
        "filter": condition.sql if condition else _EVERYTHING,
        "behind": behind[0],
    }
    name = f"list_{question.of.name}"
    if condition:
        parameters |= condition.parameters
        if spans:
            name += "_by_spans"
            words["span_counts"] = _span_counts(condition)
            parameters |= {"spans_from_ns": spans.from_ns, "spans_to_ns": spans.to_ns}
    return Query(name, _statement(name, words), parameters, question.limit + 1)


def extent_of_traces(window: Window, tenant: str) -> Query:
    """When the traces of a window began and ended, however long before it; `traces` is 0 where there are none."""
    parameters = {"tenant": tenant, **_bounds(window), "latest_ns": _LATEST_NS, "longest_ms": _LONGEST_MS}
    return Query("extent_of_traces", _statement("extent_of_traces"), parameters, 1)


def one_trace(trace_id: str, tenant: str) -> Query:
    """The newest row of a trace."""
    words = {"columns": _columns(TRACES, TRACES.columns)}
    return Query("one_trace", _statement("one_trace", words), {"tenant": tenant, "trace_id": trace_id}, 1)


def extent_of_trace(trace_id: str, tenant: str) -> Query:
    """Between which seconds a trace's spans began; `found` is 0 where none is stored."""
    parameters = {"tenant": tenant, "trace_id": trace_id}
    return Query("extent_of_trace", _statement("extent_of_trace"), parameters, 1)


def spans_of_trace(
    trace_id: str, tenant: str, window: Window, columns: Sequence[str], most: int, result_bytes: int = RESULT_BYTES
) -> Query:
    """The earliest spans of a trace: `most`, and one more if there is one."""
    parameters = {"tenant": tenant, "trace_id": trace_id, **_bounds(window), "rows": most + 1}
    words = {"columns": _columns(SPANS, columns)}
    return Query("spans_of_trace", _statement("spans_of_trace", words), parameters, most + 1, result_bytes)


def one_span(trace_id: str, span_id: str, tenant: str, window: Window, columns: Sequence[str]) -> Query:
    """One span of a trace."""
    parameters = {"tenant": tenant, "trace_id": trace_id, "span_id": span_id, **_bounds(window)}
    return Query("one_span", _statement("one_span", {"columns": _columns(SPANS, columns)}), parameters, 1)


def scores_of_trace(trace_id: str, tenant: str) -> Query:
    """The latest scores of a trace."""
    parameters = {"tenant": tenant, "trace_id": trace_id, "rows": TRACE_SCORES}
    return Query("scores_of_trace", _statement("scores_of_trace"), parameters, TRACE_SCORES)


def latest_trace(window: Window, tenant: str) -> Query:
    """When the newest trace of a window came in; `traces` is 0 where there is none."""
    return Query("latest_trace", _statement("latest_trace"), {"tenant": tenant, **_bounds(window)}, 1)


def policies(window: Window, tenant: str, most: int) -> Query:
    """What each policy has decided about the traces of a window."""
    return Query("policies", _statement("policies"), {"tenant": tenant, **_bounds(window), "rows": most}, most)


def ready() -> Query:
    """Whether the tables are there."""
    return Query("ready", _statement("ready"), {}, 1)


def _list_words(question: Question, columns: Sequence[str]) -> dict[str, str]:
    return {
        "columns": _columns(question.of, columns),
        "order_value": question.order.value,
        "order_name": ORDER_VALUE,
        "time_name": TIME_VALUE,
        "order_by": paging.order_by(question.order, question.of),
    }


def _columns(of: Listing, names: Sequence[str]) -> str:
    """Names of the vocabulary only: this is where a name gets into SQL."""
    unknown = [name for name in names if name not in of.kinds]
    if unknown:
        raise KeyError(f"no column of {of.name}: {unknown}")
    return ",\n    ".join(names)


def _span_counts(condition: ClickHouseCondition) -> str:
    return condition.span_counts(SPANS.view, _statement("spans_of_traces"))


def _bounds(window: Window) -> dict[str, Parameter]:
    return {"from_ns": window.from_ns, "to_ns": window.to_ns}


@cache
def _template(name: str) -> Template:
    return Template((SQL / f"{name}.sql").read_text().strip())


def _statement(name: str, words: Mapping[str, Any] | None = None) -> str:
    return _template(name).substitute(words or {})
