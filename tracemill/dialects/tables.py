"""From which attributes does each column come? First match wins, left to right.

OpenTelemetry GenAI conventions (the current repository's names, then those up to 1.41, then their deprecated
forms), then OpenInference, OpenLLMetry (Traceloop), pydantic-ai and Strands. What they write into them is in `words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Sources = Mapping[str, tuple[str, ...]]

TEXT: Final[Sources] = MappingProxyType(
    {
        "operation": ("gen_ai.operation.name", "llm.request.type"),
        "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
        "request_model": (
            "gen_ai.request.model",
            "llm.request.model_name",
            "embedding.model_name",
            "reranker.model_name",
        ),
        "response_model": ("gen_ai.response.model", "llm.response.model_name"),
        "session_id": ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"),
        "user_id": ("user.id", "enduser.id", "traceloop.association.properties.user_id", "llm.user"),
        "route": ("http.route",),
        "agent_name": ("gen_ai.agent.name", "agent.name", "agent_name"),
        "tool_name": ("gen_ai.tool.name", "tool.name"),
        "tool_call_id": ("gen_ai.tool.call.id", "tool.id"),
        "prompt_id": ("gen_ai.prompt.name", "prompt.id", "traceloop.prompt.key"),
        "prompt_version": ("gen_ai.prompt.version", "llm.prompt_template.version", "traceloop.prompt.version"),
        "retry_of": ("tracemill.retry_of",),
        "error_type": ("error.type",),
    }
)

LISTS: Final[Sources] = MappingProxyType(
    {
        "finish_reason": (
            "gen_ai.response.finish_reasons",
            "llm.finish_reason",
            "llm.response.finish_reason",
            "llm.response.stop_reason",
            "gen_ai.completion.0.finish_reason",
        ),
    }
)
"""Of a list the first entry is taken; a plain text is taken as it is."""

INTEGERS: Final[Sources] = MappingProxyType(
    {
        "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
        "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
        "cache_read_tokens": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "llm.token_count.prompt_details.cache_read",
        ),
        "cache_write_tokens": (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache_write_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
        "reasoning_tokens": (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ),
        "audio_tokens": ("gen_ai.usage.details.audio_tokens",),
        "audio_tokens.input": (
            "gen_ai.usage.audio.input_tokens",
            "gen_ai.usage.details.input_audio_tokens",
            "llm.token_count.prompt_details.audio",
        ),
        "audio_tokens.output": (
            "gen_ai.usage.audio.output_tokens",
            "gen_ai.usage.details.output_audio_tokens",
            "llm.token_count.completion_details.audio",
        ),
    }
)

NUMBERS: Final[Sources] = MappingProxyType(
    {
        "cost_usd": ("gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.cost.total", "operation.cost"),
        "cost_usd.input": ("gen_ai.usage.input_cost", "llm.cost.prompt"),
        "cost_usd.output": ("gen_ai.usage.output_cost", "llm.cost.completion"),
        "ttft_ms": ("gen_ai.server.time_to_first_token",),
    }
)
"""`gen_ai.server.time_to_first_token` is a metric of the conventions, in seconds. As an attribute only Strands writes
it, in milliseconds."""

SECONDS: Final[Sources] = MappingProxyType(
    {
        "ttft_ms.seconds": ("gen_ai.response.time_to_first_chunk",),
    }
)

PARTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "audio_tokens": ("audio_tokens.input", "audio_tokens.output"),
        "cost_usd": ("cost_usd.input", "cost_usd.output"),
    }
)
"""Numbers that are the sum of others where nobody gives them."""

BOOLEANS: Final[Sources] = MappingProxyType(
    {
        "cache_hit": ("tracemill.cache_hit",),
    }
)

CONTENT: Final[Sources] = MappingProxyType(
    {
        "input_messages": ("gen_ai.input.messages", "pydantic_ai.all_messages"),
        "output_messages": ("gen_ai.output.messages",),
        "system_instructions": ("gen_ai.system_instructions",),
        "tool_arguments": ("gen_ai.tool.call.arguments", "tool_arguments"),
        "tool_result": ("gen_ai.tool.call.result", "tool_response"),
        "retrieval_query": ("gen_ai.retrieval.query.text", "reranker.query"),
        "documents": ("gen_ai.retrieval.documents",),
    }
)
"""Long text: read for kept spans only, and left out of the attributes that are stored."""

KIND: Final = ("tracemill.span_type", "openinference.span.kind", "traceloop.span.kind")
ENTITY: Final = "traceloop.entity.name"

NAMES_OF_TYPE: Final[Mapping[str, str]] = MappingProxyType({"tool_name": "tool", "agent_name": "agent"})
"""Columns that `ENTITY` gives, on spans of the type only."""

CONTENT_OF_TYPE: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = MappingProxyType(
    {
        "tool_arguments": (("tool",), ("input.value", "traceloop.entity.input")),
        "tool_result": (("tool",), ("output.value", "traceloop.entity.output")),
        "retrieval_query": (("retrieval",), ("input.value",)),
        "input_messages": (("agent", "workflow"), ("input.value", "traceloop.entity.input")),
        "output_messages": (("agent", "workflow"), ("output.value", "traceloop.entity.output", "final_result")),
    }
)
"""Content that keys of many meanings give, on spans of the types only, where nothing else gives any. What an agent is
asked and answers is a text there, not messages."""

PARAMETERS: Final[Sources] = MappingProxyType(
    {
        "temperature": ("gen_ai.request.temperature",),
        "top_p": ("gen_ai.request.top_p",),
        "top_k": ("gen_ai.request.top_k", "llm.top_k", "gen_ai.retrieval.top_k", "reranker.top_k"),
        "max_tokens": ("gen_ai.request.max_tokens",),
        "n": ("gen_ai.request.choice.count",),
        "seed": ("gen_ai.request.seed", "gen_ai.openai.request.seed"),
        "stop": ("gen_ai.request.stop_sequences", "llm.chat.stop_sequences"),
        "frequency_penalty": ("gen_ai.request.frequency_penalty", "llm.frequency_penalty"),
        "presence_penalty": ("gen_ai.request.presence_penalty", "llm.presence_penalty"),
        "reasoning_effort": ("gen_ai.request.reasoning.level", "gen_ai.request.reasoning_effort"),
        "service_tier": ("openai.request.service_tier", "gen_ai.openai.request.service_tier"),
        "response_format": ("gen_ai.openai.request.response_format",),
        "stream": ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"),
        "encoding_formats": ("gen_ai.request.encoding_formats",),
        "dimensions": ("gen_ai.embeddings.dimension.count",),
    }
)
"""What `model_params` holds by the names of the OpenAI API, which is how OpenInference says them."""

ALL_PARAMETERS: Final = ("llm.invocation_parameters", "embedding.invocation_parameters")
"""A JSON object of all of them, and more."""

KEPT_KEYS: Final = (
    *ALL_PARAMETERS,
    *(key for table in (CONTENT, PARAMETERS) for keys in table.values() for key in keys),
    *dict.fromkeys(key for _, keys in CONTENT_OF_TYPE.values() for key in keys),
)
"""What is read for kept spans only."""

MODEL_NAME: Final = "llm.model_name"
"""The model that answered where the parameters name the one that was asked; else all that is known."""

RESOURCE: Final[Sources] = MappingProxyType(
    {
        "service_name": ("service.name",),
        "environment": ("deployment.environment.name", "deployment.environment", "openinference.project.name"),
        "git_sha": ("vcs.ref.head.revision", "git.sha"),
        "config_bundle_id": ("config.bundle_id",),
    }
)
