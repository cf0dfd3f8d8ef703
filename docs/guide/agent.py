"""Sends what a small support agent does, for the chapters of the guide: python docs/guide/agent.py SERVICE [ANSWERED]

ANSWERED tasks (3 where not given) come out well; then a tool fails in one, and another costs a dollar and takes long.
The spans carry OpenTelemetry's GenAI attributes, as an instrumentation library writes them. They go to
http://localhost:4318, or to where OTEL_EXPORTER_OTLP_ENDPOINT says.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context

MS = 1_000_000


class Task:
    """One task of the agent: a root span, and steps below it one after the other."""

    def __init__(self, tracer: Tracer, name: str) -> None:
        self._tracer = tracer
        self._now = time.time_ns()
        self._root = tracer.start_span(
            name, start_time=self._now, attributes={"gen_ai.operation.name": "invoke_agent", "user.id": "ada"}
        )

    def chat(self, ms: int, tokens: tuple[int, int], cost_usd: float) -> None:
        """A call of a model."""
        usage = {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]}
        model = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-5"}
        self._step("chat gpt-5", ms, {**model, **usage, "gen_ai.usage.cost": cost_usd})

    def tool(self, name: str, ms: int, error: str = "") -> None:
        """A call of a tool, which fails where there is an `error`."""
        self._step(
            f"execute_tool {name}", ms, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}, error
        )

    def end(self) -> None:
        """The agent is done."""
        self._root.end(self._now)

    def _step(self, name: str, ms: int, attributes: Mapping[str, str | int | float], error: str = "") -> None:
        below = set_span_in_context(self._root)
        span = self._tracer.start_span(name, below, start_time=self._now, attributes=attributes)
        if error:
            span.set_status(Status(StatusCode.ERROR, error))
        self._now += ms * MS
        span.end(self._now)


def main(service: str, answered: int = 3) -> None:
    """Send the tasks."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=100_000))
    tracer = provider.get_tracer("guide")
    for _ in range(answered):
        task = Task(tracer, "answer a question")
        task.chat(400, (900, 40), 0.002)
        task.tool("search", 120)
        task.chat(700, (1_800, 160), 0.004)
        task.end()
    failed = Task(tracer, "look up an order")
    failed.chat(300, (700, 30), 0.002)
    failed.tool("sql", 80, error="relation orders does not exist")
    failed.end()
    dear = Task(tracer, "summarise a contract")
    dear.chat(31_000, (180_000, 4_000), 1.0)
    dear.end()
    provider.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
