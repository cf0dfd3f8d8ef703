"""How does OpenLLMetry see the agents? Its OpenAI instrumentation, and spans with its attributes for everything else.

Its SDK, which would set these attributes, is left out: it comes with thirty instrumentations, pins older exporters
and reports its use to its maker. The names of the attributes are its own package's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.semconv_ai import SpanAttributes, TraceloopSpanKindValues

from embedded.demo.tracing import Document, carrying

_PROPERTY = f"{SpanAttributes.TRACELOOP_ASSOCIATION_PROPERTIES}.{{}}"


@dataclass(frozen=True, slots=True)
class _Step:
    span: Any

    def result(self, value: str) -> None:
        self.span.set_attribute(SpanAttributes.TRACELOOP_ENTITY_OUTPUT, json.dumps(value, ensure_ascii=False))

    def found(self, documents: Sequence[Document]) -> None:
        found = [document._asdict() for document in documents]
        self.span.set_attribute(SpanAttributes.TRACELOOP_ENTITY_OUTPUT, json.dumps(found, ensure_ascii=False))


class OpenLLMetry:
    """Spans as OpenLLMetry means them. `Carry` has to be among the processors of the provider."""

    def __init__(self, provider: TracerProvider) -> None:
        OpenAIInstrumentor().instrument(tracer_provider=provider)
        self._tracer = provider.get_tracer("traceloop.tracer")

    @contextmanager
    def turn(self, agent: str, session: str, user: str, question: str, ends: bool = True) -> Iterator[_Step]:
        """See `Tracing`; session and user are on every span of the trace."""
        properties = {"session_id": session, "user_id": user}
        with (
            carrying({_PROPERTY.format(name): value for name, value in properties.items()}),
            self._span(agent, TraceloopSpanKindValues.AGENT, {"question": question}, ends) as step,
        ):
            yield step

    @contextmanager
    def tool(self, name: str, arguments: Mapping[str, Any]) -> Iterator[_Step]:
        """See `Tracing`."""
        with self._span(name, TraceloopSpanKindValues.TOOL, arguments) as step:
            yield step

    @contextmanager
    def retrieval(self, query: str) -> Iterator[_Step]:
        """See `Tracing`; there is no kind of its own for it."""
        with self._span("find_passages", TraceloopSpanKindValues.TASK, {"query": query}) as step:
            yield step

    @contextmanager
    def rerank(self, query: str, documents: Sequence[Document]) -> Iterator[_Step]:
        """See `Tracing`; there is no kind of its own for it."""
        given = {"query": query, "documents": [document._asdict() for document in documents]}
        with self._span("rerank", TraceloopSpanKindValues.TASK, given) as step:
            yield step

    @contextmanager
    def _span(
        self, name: str, kind: TraceloopSpanKindValues, given: Mapping[str, Any], ends: bool = True
    ) -> Iterator[_Step]:
        attributes = {
            SpanAttributes.TRACELOOP_SPAN_KIND: kind.value,
            SpanAttributes.TRACELOOP_ENTITY_NAME: name,
            SpanAttributes.TRACELOOP_ENTITY_INPUT: json.dumps(dict(given), ensure_ascii=False),
        }
        start = self._tracer.start_as_current_span
        with start(f"{name}.{kind.value}", attributes=attributes, end_on_exit=ends) as span:
            yield _Step(span)
