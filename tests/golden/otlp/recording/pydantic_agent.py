"""Records pydantic-ai's own instrumentation: `python pydantic_agent.py ENDPOINT PROVIDER`."""

import sys

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


def main() -> None:
    endpoint, stand_in = sys.argv[1:]
    provider = TracerProvider(resource=Resource.create({"service.name": "golden-pydantic-ai"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    model = OpenAIChatModel("gpt-4.1", provider=OpenAIProvider(base_url=f"{stand_in}/v1", api_key="stand-in"))
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))
    agent = Agent(model, name="clerk", system_prompt="You are the clerk of a shop.")

    @agent.tool_plain
    def search(query: str) -> str:
        """Find help pages."""
        return f"Nothing was found for “{query}”."

    agent.run_sync("How long is the warranty of a drone?", conversation_id="session-pydantic")
    provider.shutdown()


if __name__ == "__main__":
    main()
