"""What does an agent tell its instrumentation? Two libraries implement this; calls of the model they see by themselves.

The agents are written once against these protocols, so that what differs in the traces is what the libraries do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from opentelemetry import context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import format_span_id, format_trace_id

RETRY_OF: Final = "tracemill.retry_of"
TOLD: Final = 16
"""How many traces are told of by `Roots`."""

_CARRIED: Final = context.create_key("demo-attributes")


class Document(NamedTuple):
    """A passage that was found, and how well it fits."""

    id: str
    text: str
    score: float


class Step(Protocol):
    """A span that is open."""

    def result(self, value: str) -> None:
        """What came out of it."""


class Search(Protocol):
    """A retrieval or a reranking that is open."""

    def found(self, documents: Sequence[Document]) -> None:
        """What came out of it, best first."""


class Tracing(Protocol):
    """Spans around what an agent does; an exception that leaves one is recorded on it."""

    def turn(
        self, agent: str, session: str, user: str, question: str, ends: bool = True
    ) -> AbstractContextManager[Step]:
        """One question and its answer: the root of a trace, which may never end."""

    def tool(self, name: str, arguments: Mapping[str, Any]) -> AbstractContextManager[Step]:
        """The call of a tool."""

    def retrieval(self, query: str) -> AbstractContextManager[Search]:
        """A search for passages."""

    def rerank(self, query: str, documents: Sequence[Document]) -> AbstractContextManager[Search]:
        """A second look at what was found."""


@contextmanager
def carrying(attributes: Mapping[str, str]) -> Iterator[None]:
    """Set these on every span that starts inside, whoever starts it. `Carry` has to be among the processors."""
    token = context.attach(context.set_value(_CARRIED, {**_carried(None), **attributes}))
    try:
        yield
    finally:
        context.detach(token)


def _carried(parent: context.Context | None) -> dict[str, str]:
    return context.get_value(_CARRIED, parent) or {}  # type: ignore[return-value]


class Carry(SpanProcessor):
    """Sets what `carrying` lays on the context, and remembers the last call of a model that this thread made."""

    def __init__(self) -> None:
        self._last = threading.local()

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        """Set the attributes."""
        span.set_attributes(_carried(parent_context))

    def on_end(self, span: ReadableSpan) -> None:
        """Remember it."""
        self._last.id = format_span_id(span.context.span_id)

    @contextmanager
    def retrying(self) -> Iterator[None]:
        """What starts inside repeats the span that ended last."""
        with carrying({RETRY_OF: self._last.id}):
            yield


class Roots(SpanProcessor):
    """Writes the ids of the first traces whose root ended to a file, one a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = TOLD
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """Write a root's trace id."""
        if span.parent is not None:
            return
        with self._lock:
            if self._left:
                self._left -= 1
                with self._path.open("a") as file:
                    file.write(f"{format_trace_id(span.context.trace_id)}\n")
