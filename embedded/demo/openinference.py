"""How does OpenInference see the agents? Its OpenAI instrumentation, and its own spans for everything else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from openinference import instrumentation as oi
from openinference.instrumentation.openai import OpenAIInstrumentor
from openinference.semconv.trace import SpanAttributes
from opentelemetry.sdk.trace import TracerProvider

from embedded.demo.tracing import Document

_RERANKER = "overlap-reranker"


@dataclass(frozen=True, slots=True)
class _Step:
    span: Any

    def result(self, value: str) -> None:
        self.span.set_output(value)


@dataclass(frozen=True, slots=True)
class _Retrieval:
    span: Any

    def found(self, documents: Sequence[Document]) -> None:
        self.span.set_attributes(oi.get_retriever_attributes(documents=[_document(one) for one in documents]))


@dataclass(frozen=True, slots=True)
class _Reranking:
    span: Any

    def found(self, documents: Sequence[Document]) -> None:
        self.span.set_attributes(oi.get_reranker_attributes(output_documents=[_document(one) for one in documents]))


class OpenInference:
    """Spans as OpenInference means them."""

    def __init__(self, provider: TracerProvider) -> None:
        OpenAIInstrumentor().instrument(tracer_provider=provider)
        self._tracer = oi.OITracer(provider.get_tracer("shop"), oi.TraceConfig())

    @contextmanager
    def turn(self, agent: str, session: str, user: str, question: str, ends: bool = True) -> Iterator[_Step]:
        """See `Tracing`; session and user are on every span of the trace."""
        with oi.using_session(session), oi.using_user(user):
            start = self._tracer.start_as_current_span
            with start(f"{agent} turn", openinference_span_kind="agent", end_on_exit=ends) as span:
                span.set_attribute(SpanAttributes.AGENT_NAME, agent)
                span.set_input(question)
                yield _Step(span)

    @contextmanager
    def tool(self, name: str, arguments: Mapping[str, Any]) -> Iterator[_Step]:
        """See `Tracing`."""
        with self._tracer.start_as_current_span(name, openinference_span_kind="tool") as span:
            schema = {"type": "object", "properties": {argument: {"type": "string"} for argument in arguments}}
            span.set_tool(name=name, parameters=schema)
            span.set_input(json.dumps(dict(arguments), ensure_ascii=False), mime_type="application/json")
            yield _Step(span)

    @contextmanager
    def retrieval(self, query: str) -> Iterator[_Retrieval]:
        """See `Tracing`."""
        with self._tracer.start_as_current_span("find passages", openinference_span_kind="retriever") as span:
            span.set_input(query)
            yield _Retrieval(span)

    @contextmanager
    def rerank(self, query: str, documents: Sequence[Document]) -> Iterator[_Reranking]:
        """See `Tracing`."""
        given = [_document(one) for one in documents]
        asked = oi.get_reranker_attributes(query=query, model_name=_RERANKER, input_documents=given, top_k=len(given))
        with self._tracer.start_as_current_span("rerank", attributes=asked, openinference_span_kind="reranker") as span:
            yield _Reranking(span)


def _document(document: Document) -> oi.Document:
    return {"id": document.id, "content": document.text, "score": document.score}
