"""Which words do instrumentations use for the same thing? Ours are those of the OpenTelemetry GenAI conventions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

Words = Mapping[str, str]

TYPE_OF_KIND: Final[Words] = MappingProxyType(
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
    }
)
"""OpenInference's kinds of spans. OpenLLMetry's are our own types, and so are those of `tracemill.span_type`."""

TYPE_OF_OPERATION: Final[Words] = MappingProxyType(
    {
        "chat": "llm",
        "generate_content": "llm",
        "text_completion": "llm",
        "embeddings": "embedding",
        "retrieval": "retrieval",
        "search_memory": "retrieval",
        "execute_tool": "tool",
        "create_agent": "agent",
        "invoke_agent": "agent",
        "invoke_workflow": "workflow",
        "plan": "agent",
        "rerank": "rerank",
    }
)

OPERATION_OF_KIND: Final[Words] = MappingProxyType(
    {
        "LLM": "chat",
        "EMBEDDING": "embeddings",
        "AGENT": "invoke_agent",
        "TOOL": "execute_tool",
        "RETRIEVER": "retrieval",
        "RERANKER": "rerank",
        "agent": "invoke_agent",
        "tool": "execute_tool",
        "workflow": "invoke_workflow",
    }
)
"""Operations of spans that name their kind only. A chain of OpenInference may be anything."""

OPERATIONS: Final[Words] = MappingProxyType(
    {"completion": "text_completion", "embedding": "embeddings", "embed": "embeddings", "unknown": ""}
)

PROVIDERS: Final[Words] = MappingProxyType(
    {
        "OpenAI": "openai",
        "Anthropic": "anthropic",
        "Cohere": "cohere",
        "Groq": "groq",
        "MistralAI": "mistral_ai",
        "mistralai": "mistral_ai",
        "AWS": "aws.bedrock",
        "aws": "aws.bedrock",
        "azure": "azure.ai.openai",
        "az.ai.openai": "azure.ai.openai",
        "az.ai.inference": "azure.ai.inference",
        "google": "gcp.gen_ai",
        "gemini": "gcp.gemini",
        "vertex_ai": "gcp.vertex_ai",
        "vertexai": "gcp.vertex_ai",
        "xai": "x_ai",
        "moonshot": "moonshot_ai",
    }
)
"""Providers as OpenInference, OpenLLMetry and older conventions write them."""

FINISH_REASONS: Final[Words] = MappingProxyType(
    {
        "tool_calls": "tool_call",
        "function_call": "tool_call",
        "tool_use": "tool_call",
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "STOP": "stop",
        "MAX_TOKENS": "length",
        "SAFETY": "content_filter",
    }
)
"""Reasons as the APIs of OpenAI, Anthropic and Google write them."""


_CLASS: Final = "<class '"
"""How Python writes the class of an error where an instrumentation leaves that to it."""


def class_names(column: Any) -> Any:
    """Types of errors, those that Python wrote as the names of their classes."""
    if not pc.any(pc.starts_with(column, _CLASS)).as_py():
        return column
    return pc.replace_substring_regex(column, f"^{_CLASS}(.+)'>$", r"\1")


def translated(column: Any, words: Words) -> Any:
    """A text column with each text that `words` holds replaced; each distinct text is looked at once."""
    encoded = column.dictionary_encode()
    said = encoded.dictionary.to_pylist()
    if not any(word in words for word in said):
        return column
    return pa.array([words.get(word, word) for word in said], pa.string()).take(encoded.indices)


def filled(column: Any, others: Any, words: Words) -> Any:
    """A text column, what is empty in it taken from what `words` says of the texts in another one."""
    encoded = others.dictionary_encode()
    said = pa.array([words.get(word, "") for word in encoded.dictionary.to_pylist()], pa.string())
    return pc.if_else(pc.equal(column, ""), said.take(encoded.indices), column)
