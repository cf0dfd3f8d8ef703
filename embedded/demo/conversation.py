"""How does an agent work? It asks the model, calls the tools that the model wants, and asks again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import openai

from embedded.demo.provider import FAULT
from embedded.demo.shop import CUSTOMERS, Shop
from embedded.demo.tracing import Carry, Tracing

CHAT: Final = "gpt-4.1-mini"
LARGE: Final = "gpt-4.1"
REASONING: Final = "o4-mini"
EMBEDDING: Final = "text-embedding-3-small"

Messages = list[dict[str, Any]]

TOOLS: Final = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        },
    }
    for name, description in (
        ("sql", "Run a query on the shop's orders and customers."),
        ("search", "Find help pages."),
    )
]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said: text, or the tools that it wants called (as the client library reads them)."""

    text: str
    calls: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class World:
    """Everything that an agent uses: the client, the instrumentation, tools, dice, and a way to let time pass."""

    client: openai.OpenAI
    tracing: Tracing
    carry: Carry
    shop: Shop
    dice: Random
    pause: Callable[[float], None]
    session: str

    @property
    def user(self) -> str:
        """Whose session it is: the same for the same session."""
        return CUSTOMERS[int(self.session[-2:], 16) % len(CUSTOMERS)]

    def ask(
        self,
        messages: Messages,
        model: str = CHAT,
        stream: bool = False,
        fault: str | None = None,
        **more: Any,
    ) -> Reply:
        """One call of the model.

        Raises:
            openai.OpenAIError: the provider refused, or broke off.
        """
        client = self.client.with_options(default_headers={FAULT: fault}) if fault else self.client
        if not stream:
            message = client.chat.completions.create(model=model, messages=messages, **more).choices[0].message
            return Reply(message.content or "", message.tool_calls or ())
        chunks = client.chat.completions.create(
            model=model, messages=messages, stream=True, stream_options={"include_usage": True}, **more
        )
        return Reply("".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices))

    def work(self, messages: Messages, **more: Any) -> str:
        """The model's answer after it has called what it wanted; `messages` grows by what was said."""
        for _ in range(4):
            reply = self.ask(messages, tools=TOOLS, temperature=0.2, **more)
            if not reply.calls:
                messages.append({"role": "assistant", "content": reply.text})
                return reply.text
            messages.append({"role": "assistant", "tool_calls": [call.model_dump() for call in reply.calls]})
            for call in reply.calls:
                result = self.call(call.function.name, json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return ""

    def call(self, name: str, arguments: dict[str, str]) -> str:
        """The result of a tool, or a text that begins with `error`."""
        try:
            with self.tracing.tool(name, arguments) as step:
                result = {"sql": self.shop.sql, "search": self.shop.search}[name](arguments["query"])
                step.result(result)
                return result
        except sqlite3.Error as error:
            return f"error: {error}"
