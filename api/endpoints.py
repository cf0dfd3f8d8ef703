"""What does the API offer? Each endpoint with its parameters, which are also its documentation."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from api import feedback, orders, questions, reading, rules, tree
from api.asked import Asked, Parts
from api.bodies import Body, FeedbackGiven, OverrideAsked, PromotionAsked
from api.listings import SPANS, SPANS_WITH_CONTENT, TRACES, Listing
from api.questions import CONTENT, FROM, LISTED, LISTED_SPANS, TO, Parameter
from api.times import Window, rfc3339


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is asked on a path. `answer` is the name of the answer's schema, `body` the model of what is sent."""

    path: str
    name: str
    summary: str
    doc: str
    parameters: tuple[Parameter, ...]
    answer: str
    handle: Callable[[Parts, Asked], Coroutine[Any, Any, dict[str, Any]]]
    method: str = "GET"
    status: int = 200
    body: type[Body] | None = None


async def _traces(parts: Parts, asked: Asked) -> dict[str, Any]:
    question = questions.read(asked.given, TRACES, asked.now_ns)
    page = await reading.page(parts.store, asked.tenant, question, TRACES.columns)
    return _listed(TRACES, page, question.window)


async def _spans(parts: Parts, asked: Asked) -> dict[str, Any]:
    question = questions.read(asked.given, SPANS, asked.now_ns)
    page = await reading.page(parts.store, asked.tenant, question, _span_columns(asked))
    return _listed(SPANS, page, question.window)


async def _trace(parts: Parts, asked: Asked) -> dict[str, Any]:
    trace_id = questions.read_id("trace_id", asked.path["trace_id"], 32)
    found = await reading.trace(parts.store, asked.tenant, trace_id, _span_columns(asked))
    return {
        "trace": found.row,
        "spans": tree.nest(tree.arrange(found.spans)),
        "truncated": found.truncated,
        "scores": found.scores,
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
            "yet there may be spans, or scores, and no row."
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
        parameters=(*LISTED_SPANS, CONTENT),
        answer="Spans",
        handle=_spans,
    ),
    Endpoint(
        path="/api/v1/traces/{trace_id}/promote",
        name="promoteTrace",
        summary="Keep a trace that was dropped",
        doc=(
            "Its spans are read again from the log and stored within seconds, with the policy `promoted:<why>`. It is "
            "shown from then on, and counts for nothing (`adjusted_count` 0): nobody knows how many others would have "
            "been asked for. A trace that was kept stays as it is; 410 says since when the log has records."
        ),
        parameters=(),
        answer="Promotion",
        handle=orders.promote,
        method="POST",
        status=202,
        body=PromotionAsked,
    ),
    Endpoint(
        path="/api/v1/feedback",
        name="giveFeedback",
        summary="Say how good a trace, or a span of it, was",
        doc=(
            "The score is in the log when this is answered, and is shown with its trace within a second. Sent again "
            "with the same `id` (or, without one, by the same author about the same trace, span and name) it takes the "
            "place of the one before. A trace that was dropped is kept after all, with the policy "
            "`promoted:feedback`, and one that is still open will be kept when it closes, unless `promote` is false; "
            "the score is taken whatever becomes of the trace. After 503 send it again."
        ),
        parameters=(),
        answer="Feedback",
        handle=feedback.feedback,
        method="POST",
        status=202,
        body=FeedbackGiven,
    ),
    Endpoint(
        path="/api/v1/overrides",
        name="listOverrides",
        summary="What is kept whatever the rules say",
        doc="Overrides in force, and those that ended in the last week; the newest first.",
        parameters=(),
        answer="Overrides",
        handle=orders.overrides,
    ),
    Endpoint(
        path="/api/v1/overrides",
        name="orderOverride",
        summary="Keep everything of a user, session, service or tenant for a while",
        doc="In force within two seconds, for traces that close from then on. It ends by itself.",
        parameters=(),
        answer="Override",
        handle=orders.order,
        method="POST",
        status=201,
        body=OverrideAsked,
    ),
    Endpoint(
        path="/api/v1/overrides/{override_id}",
        name="revokeOverride",
        summary="Take an override back",
        doc="It doesn't hold any longer, within two seconds; it stays in the list, with who took it back.",
        parameters=(),
        answer="Override",
        handle=orders.revoke,
        method="DELETE",
    ),
    Endpoint(
        path="/api/v1/rules",
        name="getRules",
        summary="The rules that hold, and what they do",
        doc=(
            "For each policy how many traces of yours it decided between `from` and `to`, and what was kept of them; "
            "the rules themselves where nobody else is served."
        ),
        parameters=(FROM, TO),
        answer="Rules",
        handle=rules.rules,
    ),
)
