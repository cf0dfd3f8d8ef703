"""Records an instrumentation of the OpenAI client: `python openai_calls.py INSTRUMENTATION ENDPOINT PROVIDER`.

`INSTRUMENTATION` is the module of its `OpenAIInstrumentor`.
"""

import contextlib
import importlib
import sys

import openai
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

MODEL = "gpt-4.1-mini"
SQL = {
    "name": "sql",
    "description": "Run a query on the shop's orders.",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}


def main() -> None:
    module, endpoint, stand_in = sys.argv[1:]
    provider = TracerProvider(resource=Resource.create({"service.name": "golden-openai-calls"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    importlib.import_module(module).OpenAIInstrumentor().instrument(tracer_provider=provider)
    client = openai.OpenAI(base_url=f"{stand_in}/v1", api_key="stand-in", max_retries=0)
    with provider.get_tracer("golden").start_as_current_span("turn"):
        converse(client)
        client.embeddings.create(model="text-embedding-3-small", input=["two words", "„drei“ Wörter 🔋"])
        with contextlib.suppress(openai.OpenAIError):
            client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": "Hello?"}],
                extra_headers={"x-stand-in": "rate-limited"},
            )
    provider.shutdown()


def converse(client: openai.OpenAI) -> None:
    """A call of a tool, its answer, and a stream; one message is a list of parts."""
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "You are the clerk of a shop."}]},
        {"role": "user", "content": "Where is my order TM-1007?"},
    ]
    tools = [{"type": "function", "function": SQL}]
    first = client.chat.completions.create(
        model=MODEL, messages=messages, tools=tools, temperature=0.2, max_tokens=400, stop=["\n\n"], user="ada"
    )
    call = first.choices[0].message.tool_calls[0]
    messages += [
        {
            "role": "assistant",
            "tool_calls": [{"id": call.id, "type": "function", "function": call.function.model_dump()}],
        },
        {"role": "tool", "tool_call_id": call.id, "content": '[{"item": "drone", "status": "sent"}]'},
    ]
    stream = client.chat.completions.create(
        model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    for _ in stream:
        pass


if __name__ == "__main__":
    main()
