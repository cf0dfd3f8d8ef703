"""Who answers the demo's agents? A stand-in for the provider's HTTP API: chat with and without streaming, embeddings.

It misbehaves when it is told to, by the header `x-stand-in`: `rate-limited`, `failing`, `slow`, `broken`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final
from zlib import crc32

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from embedded.demo.answers import Answer, answer
from embedded.demo.vectors import embed

FAULT: Final = "x-stand-in"
RATE_LIMITED, FAILING, SLOW, BROKEN = "rate-limited", "failing", "slow", "broken"
RETRY_AFTER_S: Final = 1
SLOW_S: Final = 4.0
CHUNK_S: Final = 0.006
TOKENS_A_SECOND: Final = 10_000
"""Faster than any model, so that a newcomer needn't wait; a long answer still takes longer than a short one."""
_WORDS_A_CHUNK: Final = 4
_LATENCY_MS: Final = (40, 160)


def application() -> Starlette:
    """The provider's API, and `/readyz`."""
    return Starlette(
        routes=[
            Route("/readyz", _ready),
            Route("/v1/chat/completions", _chat, methods=["POST"]),
            Route("/v1/embeddings", _embeddings, methods=["POST"]),
        ]
    )


async def _ready(request: Request) -> Response:
    return PlainTextResponse("ready")


async def _chat(request: Request) -> Response:
    body, fault = await request.json(), request.headers.get(FAULT)
    await _wait(body, fault)
    if refusal := _refusal(fault):
        return refusal
    said = answer(body)
    await asyncio.sleep(said.usage["completion_tokens"] / TOKENS_A_SECOND)
    if not body.get("stream"):
        return JSONResponse(_completion(body, said))
    with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return StreamingResponse(_events(body, said, with_usage, fault == BROKEN), media_type="text/event-stream")


async def _embeddings(request: Request) -> Response:
    body = await request.json()
    await _wait(body, None)
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    as_bytes = body.get("encoding_format") == "base64"
    vectors = [embed(text) for text in texts]
    data = [
        {"object": "embedding", "index": place, "embedding": _encoded(vector) if as_bytes else vector.tolist()}
        for place, vector in enumerate(vectors)
    ]
    tokens = sum(len(text) for text in texts) // 4
    return JSONResponse(
        {
            "object": "list",
            "data": data,
            "model": body["model"],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _encoded(vector: Any) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


async def _wait(body: Mapping[str, Any], fault: str | None) -> None:
    """As long as a model takes to begin: some time that the request decides."""
    first, last = _LATENCY_MS
    await asyncio.sleep((first + _digest(body) % (last - first)) / 1000)
    if fault == SLOW:
        await asyncio.sleep(SLOW_S)


def _refusal(fault: str | None) -> Response | None:
    if fault == RATE_LIMITED:
        error = {"message": "Rate limit reached for requests", "type": "requests", "code": "rate_limit_exceeded"}
        return JSONResponse({"error": error}, 429, {"retry-after": str(RETRY_AFTER_S)})
    if fault == FAILING:
        error = {"message": "The server had an error while processing your request", "type": "server_error"}
        return JSONResponse({"error": error}, 500)
    return None


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{_digest(body):08x}",
        "object": kind,
        "created": 1_790_000_000,
        "model": f"{body['model']}-2026-05-01",
        "system_fingerprint": "fp_standin",
    }


def _completion(body: Mapping[str, Any], said: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if said.calls:
        message["tool_calls"] = _calls(said)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": said.finish_reason}
    return _head(body, "chat.completion") | {"choices": [choice], "usage": said.usage}


def _calls(said: Answer) -> list[dict[str, Any]]:
    return [
        {"index": place, "id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
        for place, one in enumerate(said.calls)
    ]


async def _events(body: Mapping[str, Any], said: Answer, with_usage: bool, broken: bool) -> AsyncIterator[str]:
    """Server-sent events; a broken stream ends in the middle, with the connection."""
    head, deltas = _head(body, "chat.completion.chunk"), list(_deltas(said))
    for place, delta in enumerate(deltas):
        if broken and place > len(deltas) // 2:
            raise ConnectionResetError("the stream breaks here, as it was told to")
        await asyncio.sleep(CHUNK_S)
        yield _event(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": said.finish_reason}]})
    if with_usage:
        yield _event(head | {"choices": [], "usage": said.usage})
    yield "data: [DONE]\n\n"


def _deltas(said: Answer) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": None if said.calls else ""}
    if said.calls:
        yield {"tool_calls": _calls(said)}
        return
    words = said.text.split(" ")
    for begin in range(0, len(words), _WORDS_A_CHUNK):
        yield {"content": " ".join(words[begin : begin + _WORDS_A_CHUNK]) + " "}


def _event(chunk: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(chunk)}\n\n"


def _digest(body: Mapping[str, Any]) -> int:
    return crc32(json.dumps(body, sort_keys=True).encode())


def main() -> None:
    """Serve on a port of loopback until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    # A broken stream is an error to the server, though it is meant: nothing of its log is worth reading.
    uvicorn.run(application(), host="127.0.0.1", port=port, log_level="critical", access_log=False, lifespan="off")


if __name__ == "__main__":
    main()
