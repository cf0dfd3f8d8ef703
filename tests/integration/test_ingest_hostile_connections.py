"""Connections that are slow, silent, deaf or no HTTP at all keep nobody waiting, and end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, suppress

import grpc
import pytest
from grpc import Compression, StatusCode

from ingest.rpc import EXPORT
from tests.builders.attacks import (
    MIB,
    TINY,
    connected,
    dripping,
    is_over,
    refused,
    stalling,
)
from tests.builders.ingesting import PROTOBUF, Ingester
from tests.builders.neighbours import Neighbour
from tests.builders.otlp import request, span
from tests.fixtures.attacked import METADATA
from tests.fixtures.waiting import PATIENCE_S, eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("neighbour")]

BODY = request(span()).SerializeToString()


_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nx-tracemill-key: mine\r\n".encode()
SLOW = {
    "in the headers": b"POST /v1/traces HTTP/1.1\r\nX-Slow: ",
    "in the body": HEAD + b"Content-Length: 100000\r\n\r\n",
    "in a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n10000\r\n",
    "in the body, without a token": HEAD.replace(b"mine", b"none") + b"Content-Length: 100000\r\n\r\n",
}


@pytest.mark.parametrize("begin", SLOW.values(), ids=SLOW.keys())
def test_who_sends_a_byte_now_and_then_keeps_nobody_waiting_and_is_cut_off(
    attacked: Ingester, neighbour: Neighbour, begin: bytes
) -> None:
    with dripping(attacked.config.ingest.http_port, 400, begin) as connections:
        neighbour.is_served()
        eventually(lambda: all(is_over(connection) for connection in connections))


def test_connections_that_say_nothing_are_closed(attacked: Ingester, neighbour: Neighbour) -> None:
    ports = [attacked.config.ingest.http_port, attacked.config.ingest.grpc_port] * 400
    with ExitStack() as held:
        connections = [held.enter_context(socket.create_connection(("127.0.0.1", port))) for port in ports]
        neighbour.is_served()
        eventually(lambda: all(map(is_over, connections)))


def test_who_does_not_read_the_answers_is_not_answered_for_ever(attacked: Ingester, neighbour: Neighbour) -> None:
    with socket.create_connection(("127.0.0.1", attacked.config.ingest.http_port)) as deaf:
        deaf.settimeout(0.5)
        with suppress(OSError):
            for _ in range(3_000):
                deaf.sendall(b"OPTIONS /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        neighbour.is_served()


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 18446744073709551617\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Transfer-Encoding: gzip, chunked, identity\r\n",
        b"Content-Length : 5\r\n",
        b"X: a\r\n folded: b\r\n",
        b"X\0Y: a\r\n",
    ],
)
def test_headers_that_two_servers_would_read_differently_smuggle_nothing(attacked: Ingester, head: bytes) -> None:
    """Behind it stands a request as which a proxy would see a part of the body."""
    smuggled = HEAD + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    heard = b""
    with socket.create_connection(("127.0.0.1", attacked.config.ingest.http_port), PATIENCE_S) as connection:
        connection.sendall(HEAD + head + b"\r\n0\r\n\r\n" + smuggled)
        with suppress(ConnectionResetError):
            while more := connection.recv(65_536):
                heard += more
    assert heard.count(b"HTTP/1.1 200 ") <= 1
    assert heard.startswith(b"HTTP/1.1 4") or b"Transfer-Encoding: chunked" in head


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.Deflate])
def test_a_bomb_over_grpc(calling: grpc.Channel, compression: Compression) -> None:
    error = refused(calling, bytes(512 * MIB), METADATA, compression=compression)
    assert error.code() is StatusCode.RESOURCE_EXHAUSTED
    assert "limits.inflated_bytes" in error.details()


@pytest.mark.parametrize("tiny", TINY)
def test_tiny_parts_over_grpc(calling: grpc.Channel, tiny: str) -> None:
    error = refused(calling, TINY[tiny](), METADATA)
    assert error.code() is StatusCode.RESOURCE_EXHAUSTED
    assert error.details().startswith("resource_spans: ")


def test_metadata_larger_than_any_token_is_refused(calling: grpc.Channel) -> None:
    error = refused(calling, BODY, (*METADATA, ("x-large", "x" * 200_000)))
    assert error.code() in (StatusCode.RESOURCE_EXHAUSTED, StatusCode.UNAVAILABLE, StatusCode.INTERNAL)


def test_a_message_that_never_ends_keeps_nobody_waiting(attacked: Ingester, neighbour: Neighbour) -> None:
    large = request(span(name="x" * 15 * MIB)).SerializeToString()
    with stalling(attacked.config.ingest.grpc_port, 14 * MIB) as port, ExitStack() as held:
        for _ in range(32):
            channel = held.enter_context(connected(port))
            held.callback(channel.unary_unary(EXPORT).future(large, metadata=METADATA).cancel)
        neighbour.is_served()
        neighbour.is_served()


def test_thousands_of_calls_that_send_nothing_keep_nobody_waiting(
    attacked: Ingester, calling: grpc.Channel, neighbour: Neighbour
) -> None:
    async def flood() -> None:
        address = f"127.0.0.1:{attacked.config.ingest.grpc_port}"
        async with grpc.aio.insecure_channel(address) as mine:
            calls = [mine.stream_unary(EXPORT)(metadata=METADATA) for _ in range(3_000)]
            await asyncio.to_thread(neighbour.is_served)
            await asyncio.to_thread(calling.unary_unary(EXPORT), BODY, PATIENCE_S, METADATA)
            for call in calls:
                call.cancel()

    asyncio.run(flood())


@pytest.mark.parametrize(
    "junk", [b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 10_000, b"\0"]
)
def test_what_is_not_grpc_is_closed(attacked: Ingester, neighbour: Neighbour, junk: bytes) -> None:
    with socket.create_connection(("127.0.0.1", attacked.config.ingest.grpc_port), PATIENCE_S) as connection:
        connection.sendall(junk)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
    neighbour.is_served()
