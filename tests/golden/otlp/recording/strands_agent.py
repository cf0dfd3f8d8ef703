"""Records the spans of a Strands agent: `python strands_agent.py ENDPOINT PROVIDER`."""

import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from strands import Agent, tool
from strands.models.openai import OpenAIModel


class PlainModel(OpenAIModel):
    """Sends a message's text as a text: the stand-in reads no lists of parts."""

    def format_request(self, *args, **kwargs):
        request = super().format_request(*args, **kwargs)
        for message in request["messages"]:
            content = message.get("content")
            if isinstance(content, list):
                message["content"] = "".join(part["text"] for part in content)
        return request


@tool
def search(query: str) -> str:
    """Find help pages.

    Args:
        query: what to look for.
    """
    return f"Nothing was found for “{query}”."


def main() -> None:
    endpoint, stand_in = sys.argv[1:]
    provider = TracerProvider(resource=Resource.create({"service.name": "golden-strands"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    trace.set_tracer_provider(provider)
    model = PlainModel(client_args={"base_url": f"{stand_in}/v1", "api_key": "stand-in"}, model_id="gpt-4.1")
    agent = Agent(
        model,
        tools=[search],
        system_prompt="You are the clerk of a shop.",
        callback_handler=None,
        trace_attributes={"session.id": "session-strands"},
    )
    agent("How long is the warranty of a drone?")
    provider.shutdown()


if __name__ == "__main__":
    main()
