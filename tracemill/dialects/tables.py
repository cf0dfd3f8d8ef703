"""From which attributes does each column come? First match wins, left to right.

OpenTelemetry GenAI conventions (the current repository's names, then those up to 1.41, then their deprecated
forms), then OpenInference, OpenLLMetry (Traceloop) and pydantic-ai.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Sources = Mapping[str, tuple[str, ...]]

TEXT: Final[Sources] = MappingProxyType(
    {
        "operation": ("gen_ai.operation.name",),
        "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
        "request_model": (
            "gen_ai.request.model",
            "llm.request.model_name",
            "llm.model_name",
            "embedding.model_name",
            "reranker.model_name",
        ),
        "response_model": ("gen_ai.response.model", "llm.response.model_name"),
        "model_params": ("llm.invocation_parameters", "embedding.invocation_parameters"),
        "session_id": ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"),
        "user_id": ("user.id", "enduser.id", "traceloop.association.properties.user_id"),
        "route": ("http.route",),
        "agent_name": ("gen_ai.agent.name", "agent.name"),
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
        "finish_reason": ("gen_ai.response.finish_reasons", "llm.finish_reason"),
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
            "llm.token_count.prompt_details.cache_read",
        ),
        "cache_write_tokens": (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
        "reasoning_tokens": (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ),
        "audio_tokens": (
            "gen_ai.usage.audio.input_tokens",
            "gen_ai.usage.details.audio_tokens",
            "llm.token_count.prompt_details.audio",
        ),
    }
)

NUMBERS: Final[Sources] = MappingProxyType(
    {
        "cost_usd": ("gen_ai.usage.cost", "llm.cost.total", "operation.cost"),
    }
)

SECONDS: Final[Sources] = MappingProxyType(
    {
        "ttft_ms": ("gen_ai.response.time_to_first_chunk",),
    }
)
"""Seconds on the wire, milliseconds in the column."""

BOOLEANS: Final[Sources] = MappingProxyType(
    {
        "cache_hit": ("tracemill.cache_hit",),
    }
)

CONTENT: Final[Sources] = MappingProxyType(
    {
        "input_messages": ("gen_ai.input.messages",),
        "output_messages": ("gen_ai.output.messages",),
        "system_instructions": ("gen_ai.system_instructions",),
        "tool_arguments": ("gen_ai.tool.call.arguments",),
        "tool_result": ("gen_ai.tool.call.result",),
        "retrieval_query": ("gen_ai.retrieval.query.text", "reranker.query"),
        "documents": ("gen_ai.retrieval.documents",),
    }
)
"""Long text: read for kept spans only, and left out of the attributes that are stored."""

KIND: Final = ("openinference.span.kind", "traceloop.span.kind")
ENTITY: Final = "traceloop.entity.name"

NAMES_OF_TYPE: Final[Mapping[str, str]] = MappingProxyType({"tool_name": "tool", "agent_name": "agent"})
"""Columns that `ENTITY` gives, on spans of the type only."""

CONTENT_OF_TYPE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "tool_arguments": ("tool", ("input.value", "traceloop.entity.input")),
        "tool_result": ("tool", ("output.value", "traceloop.entity.output")),
        "retrieval_query": ("retrieval", ("input.value",)),
    }
)
"""Content that keys of many meanings give, on spans of the type only, where `CONTENT` gives none."""

RESOURCE: Final[Sources] = MappingProxyType(
    {
        "service_name": ("service.name",),
        "environment": ("deployment.environment.name", "deployment.environment", "openinference.project.name"),
        "git_sha": ("vcs.ref.head.revision", "git.sha"),
        "config_bundle_id": ("config.bundle_id",),
    }
)

TYPE_OF_KIND: Final[Mapping[str, str]] = MappingProxyType(
    {
        "LLM": "llm",
        "EMBEDDING": "embedding",
        "CHAIN": "workflow",
        "AGENT": "agent",
        "TOOL": "tool",
        "RETRIEVER": "retrieval",
        "RERANKER": "rerank",
        "GUARDRAIL": "guardrail",
        "EVALUATOR": "eval",
        "PROMPT": "prompt",
        "workflow": "workflow",
        "agent": "agent",
        "tool": "tool",
    }
)

TYPE_OF_OPERATION: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chat": "llm",
        "generate_content": "llm",
        "text_completion": "llm",
        "completion": "llm",
        "embeddings": "embedding",
        "retrieval": "retrieval",
        "execute_tool": "tool",
        "create_agent": "agent",
        "invoke_agent": "agent",
        "invoke_workflow": "workflow",
        "plan": "agent",
        "rerank": "rerank",
    }
)
