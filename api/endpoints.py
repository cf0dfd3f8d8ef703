"""What does the API offer? Each endpoint with its parameters, which are also its documentation."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api import questions, reading, tree
from api.listings import SPANS, SPANS_WITH_CONTENT, TRACES, Listing
from api.questions import CONTENT, LISTED, Parameter
from api.store import Store
from api.times import Window, rfc3339


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: whose, its parameters in the query and in the path, and when it came."""

    tenant: str
    given: Mapping[str, str]
    path: Mapping[str, str]
    now_ns: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is asked by GET on a path. `answer` is the name of the answer's schema."""

    path: str
    name: str
    summary: str
    doc: str
    parameters: tuple[Parameter, ...]
    answer: str
    handle: Callable[[Store, Asked], Coroutine[Any, Any, dict[str, Any]]]


async def _traces(store: Store, asked: Asked) -> dict[str, Any]:
    question = questions.read(asked.given, TRACES, asked.now_ns)
    page = await reading.page(store, asked.tenant, question, TRACES.columns)
    return _listed(TRACES, page, question.window)


async def _spans(store: Store, asked: Asked) -> dict[str, Any]:
    question = questions.read(asked.given, SPANS, asked.now_ns)
    page = await reading.page(store, asked.tenant, question, _span_columns(asked))
    return _listed(SPANS, page, question.window)


async def _trace(store: Store, asked: Asked) -> dict[str, Any]:
    trace_id = questions.read_id("trace_id", asked.path["trace_id"], 32)
    found = await reading.trace(store, asked.tenant, trace_id, _span_columns(asked))
    return {
        "trace": found.row,
        "spans": tree.nest(tree.arrange(found.spans)),
        "truncated": found.truncated,
        "scores": [],
    }


def _span_columns(asked: Asked) -> tuple[str, ...]:
    return SPANS_WITH_CONTENT if questions.read_flag(asked.given, CONTENT) else SPANS.columns


def _listed(of: Listing, page: reading.Page, window: Window) -> dict[str, Any]:
    return {
        of.name: page.rows,
        "next_cursor": page.next_cursor,
        "from": rfc3339(window.from_ns),
        "to": rfc3339(window.to_ns),
    }


ENDPOINTS: Final = (
    Endpoint(
        path="/api/v1/traces",
        name="listTraces",
        summary="Traces, a page at a time",
        doc="Every trace that came in between `from` and `to`, kept or dropped, each in its highest revision.",
        parameters=LISTED,
        answer="Traces",
        handle=_traces,
    ),
    Endpoint(
        path="/api/v1/traces/{trace_id}",
        name="getTrace",
        summary="One trace with its spans as a tree",
        doc=(
            "The trace's row and its spans, each with its `children`. A span whose parent isn't there is at the top "
            "and marked `orphan`. Of a trace that was dropped there is a row and no span; of one that hasn't closed "
            "yet there may be spans and no row."
        ),
        parameters=(CONTENT,),
        answer="Trace",
        handle=_trace,
    ),
    Endpoint(
        path="/api/v1/spans",
        name="listSpans",
        summary="Spans of kept traces, a page at a time",
        doc="Every stored span that started between `from` and `to`.",
        parameters=(*LISTED, CONTENT),
        answer="Spans",
        handle=_spans,
    ),
)
