"""What does the stand-in answer to a chat request? The same to the same request, with no model behind it.

It does what agents need from a model: it calls the tools that it is offered, corrects a call that failed, answers from
what the tools or the context said, and reports how many tokens that took.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

BYTES_PER_TOKEN: Final = 4
CACHED_PREFIX_TOKENS: Final = 1024
"""A prompt is cached from this length on, in steps of 128."""

_ORDER: Final = re.compile(r"\b[A-Z]{2}-\d{4}\b")
_CUSTOMER: Final = re.compile(r"customer (\w+)")
_CONTEXT: Final = "Context:\n"

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the model wants to be called; `arguments` is JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Text, or calls, and the usage as the provider's API reports it."""

    text: str
    calls: tuple[Call, ...]
    usage: Mapping[str, Any]

    @property
    def finish_reason(self) -> str:
        """Why it ended."""
        return "tool_calls" if self.calls else "stop"


def answer(request: Mapping[str, Any]) -> Answer:
    """The answer to the body of a chat completion request."""
    messages = request["messages"]
    asked = max(place for place, message in enumerate(messages) if message["role"] == "user")
    results = [message["content"] for message in messages[asked:] if message["role"] == "tool"]
    offered = {tool["function"]["name"] for tool in request.get("tools") or ()}
    call = _call(messages[asked]["content"], results, offered)
    text = "" if call else _text(messages, asked, results, request)
    return Answer(text, (call,) if call else (), usage(request, text or (call.arguments if call else "")))


def _call(question: str, results: Sequence[str], offered: set[str]) -> Call | None:
    """The next tool to call: one, and once more if the first call failed."""
    if results and not (len(results) == 1 and results[0].startswith("error")):
        return None
    order, customer = _ORDER.search(question), _CUSTOMER.search(question)
    if "sql" in offered and order:
        call = ("sql", {"query": f"SELECT item, status, carrier, eta_days FROM orders WHERE id = '{order[0]}'"})
    elif "sql" in offered and customer:
        column = "tier" if results else "loyalty_points"
        call = ("sql", {"query": f"SELECT {column} FROM customers WHERE name = '{customer[1]}'"})
    elif "search" in offered and not results:
        call = ("search", {"query": question})
    else:
        return None
    name, arguments = call
    written = json.dumps(arguments, ensure_ascii=False)
    return Call(f"call_{crc32(f'{question}{len(results)}'.encode()):08x}", name, written)


def _text(messages: Sequence[Message], asked: int, results: Sequence[str], request: Mapping[str, Any]) -> str:
    question, system = messages[asked]["content"], messages[0]["content"] if messages[0]["role"] == "system" else ""
    if results:
        return f"I looked that up for you. {_plain(results[-1])} Is there anything else that I can help with?"
    if _CONTEXT in system:
        passage = system.split(_CONTEXT, 1)[1].splitlines()[0]
        return f"According to our help pages: {passage}"
    if "report" in question:
        return _report(question, int(request.get("max_completion_tokens") or 400))
    earlier = sum(message["role"] == "user" for message in messages[:asked])
    remembered = f" As we said before ({earlier} questions ago), " if earlier else " "
    return f"Thank you for asking.{remembered}I'd suggest to check the order page first, then to write to us again."


def _plain(result: str) -> str:
    """A tool's result in a sentence."""
    try:
        rows = json.loads(result)
    except ValueError:
        return result.splitlines()[0]
    if not rows:
        return "I couldn't find anything under that number."
    return "It says: " + ", ".join(f"{name} is {value}" for name, value in rows[0].items()) + "."


def _report(question: str, tokens: int) -> str:
    """A long text of about so many tokens."""
    sentence = "In section {}, returns went up where delivery took longer, and fell again once the carrier was changed."
    lines = [question, *(sentence.format(number) for number in range(1, 1 + tokens * BYTES_PER_TOKEN // len(sentence)))]
    return "\n".join(lines)


def usage(request: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Tokens as the provider counts them: about four bytes each; models named o… think first."""
    prompt = _tokens(json.dumps([request["messages"], request.get("tools")], ensure_ascii=False))
    written, thought = _tokens(text), 0
    if str(request["model"]).startswith("o"):
        thought = 64 * (120 + crc32(text.encode()) % 400)
    cached = prompt // 2 // 128 * 128 if prompt >= CACHED_PREFIX_TOKENS else 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written + thought,
        "total_tokens": prompt + written + thought,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": 0},
    }


def _tokens(text: str) -> int:
    return -(-len(text.encode()) // BYTES_PER_TOKEN)
