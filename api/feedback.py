"""What is done with feedback? It is a score in the log before it is answered, and its trace is kept if it can be."""

from __future__ import annotations

from typing import Any, Final

from api import keeping, metrics, queries, scores
from api.asked import Asked, Parts
from api.bodies import FeedbackGiven
from api.keeping import Outcome, Status
from tracemill.scores import FEEDBACK, Score, derived_id


async def feedback(parts: Parts, asked: Asked) -> dict[str, Any]:
    """Write a score down, then have its trace kept."""
    body = asked.body_as(FeedbackGiven)
    score = score_of(body, asked)
    await parts.log.score(score)
    outcome = await _kept(parts, asked, body.trace_id) if body.promote else Outcome(Status.LEFT)
    metrics.FEEDBACK.labels(outcome.status).inc()
    return {"score": scores.sent(score), "trace": keeping.shown(outcome)}


def score_of(body: FeedbackGiven, asked: Asked) -> Score:
    """Whose it is and who says so is the token's to tell, never the body's."""
    span_id = body.span_id or ""
    return Score(
        tenant=asked.tenant,
        trace_id=body.trace_id,
        id=body.id or derived_id(asked.by, body.trace_id, span_id, body.name),
        span_id=span_id,
        name=body.name,
        value=body.value,
        comment=body.comment,
        author=asked.by,
        source=FEEDBACK,
        at_ns=asked.now_ns,
    )


async def _kept(parts: Parts, asked: Asked, trace_id: str) -> Outcome:
    rows = await parts.store.rows(queries.one_trace(trace_id, asked.tenant))
    if rows:
        return await keeping.keep(parts, asked, rows[0], _WHY)
    return await keeping.keep_when_it_closes(parts, asked, trace_id, _WHY)


_WHY: Final = "feedback"
