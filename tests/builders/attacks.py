"""Requests that somebody sends who means no good, and connections that never end."""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import grpc
import pytest
import zstandard

from ingest.rpc import EXPORT
from tests.builders.otlp import span
from tests.fixtures.waiting import PATIENCE_S
from tracemill.otlp.wire import field

MIB = 1 << 20


def bomb(coding: str, size_bytes: int) -> bytes:
    """So many zero bytes, compressed; `raw` is deflate without zlib's header."""
    step = bytes(MIB)
    if coding == "zstd":
        packing = zstandard.ZstdCompressor().compressobj()
        return b"".join(packing.compress(step) for _ in range(size_bytes // MIB)) + packing.flush()
    squeezing = zlib.compressobj(1, zlib.DEFLATED, {"gzip": 31, "deflate": 15, "raw": -15}[coding])
    return b"".join(squeezing.compress(step) for _ in range(size_bytes // MIB)) + squeezing.flush()


def wrapped(spans: bytes) -> bytes:
    """A request of one resource and scope around the fields of `ScopeSpans`."""
    return field(1, field(2, spans))


def one_span(more: bytes) -> bytes:
    """A request of a good span with more fields."""
    return wrapped(field(2, span().SerializeToString() + more))


def nested(levels: int) -> bytes:
    """An attribute whose value is an array in an array, and so on."""
    value = b""
    for _ in range(levels):
        value = field(5, field(1, value))
    return field(9, field(1, b"deep") + field(2, value))


def nested_json(levels: int) -> bytes:
    """The same in JSON."""
    inner = b'{"arrayValue":{"values":[' * levels + b"]}}" * levels
    return spans_in_json(b'{"attributes":[{"key":"deep","value":%s}]}' % inner)


def spans_in_json(*spans: bytes) -> bytes:
    """A request of these spans in JSON."""
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[%s]}]}]}' % b",".join(spans)


TINY: dict[str, Callable[[], bytes]] = {
    "spans": lambda: wrapped(field(2, b"") * 2_000_000),
    "scopes": lambda: field(1, field(2, b"") * 2_000_000),
    "resources": lambda: field(1, b"") * 2_000_000,
    "attributes": lambda: one_span(field(9, b"") * 1_000_000),
    "attributes of several spans": lambda: wrapped(field(2, span().SerializeToString() + field(9, b"") * 900_000) * 7),
    "events": lambda: one_span(field(11, b"") * 1_000_000),
    "links": lambda: one_span(field(13, b"") * 1_000_000),
    "attributes of an event": lambda: one_span(field(11, field(3, b"") * 1_000_000)),
}
"""A few megabytes on the wire each, and a gigabyte or so for whoever reads them."""


def connected(port: int) -> grpc.Channel:
    """A gRPC channel with a connection of its own, which sends whatever it is told to."""
    options = [("grpc.max_send_message_length", 1 << 30), ("grpc.use_local_subchannel_pool", 1)]
    return grpc.insecure_channel(f"127.0.0.1:{port}", [*options, ("grpc.max_metadata_size", 1 << 24)])


def refused(channel: grpc.Channel, body: bytes, metadata: Any, **more: Any) -> grpc.RpcError:
    """The error of an export that is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(EXPORT)(body, metadata=metadata, timeout=PATIENCE_S, **more)
    return caught.value


@contextmanager
def dripping(port: int, count: int, begin: bytes) -> Iterator[list[socket.socket]]:
    """Connections that begin a request and then send a byte now and then, for as long as the other side lets them."""
    ended = threading.Event()
    with ExitStack() as held:
        connections = [held.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
        for connection in connections:
            connection.sendall(begin)

        def drip() -> None:
            while not ended.wait(0.2):
                for connection in connections:
                    with suppress(OSError):
                        connection.send(b"x", socket.MSG_DONTWAIT)

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield connections
        finally:
            ended.set()
            thread.join()


def is_over(connection: socket.socket) -> bool:
    """Whether the other side has answered or closed it."""
    connection.setblocking(False)
    try:
        connection.recv(65_536, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def stalling(port: int, after_bytes: int) -> Iterator[int]:
    """The port of a proxy that hands on so many bytes of each connection, and then nothing more."""
    ended = threading.Event()
    with ExitStack() as held:
        listener = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=256))
        listener.settimeout(0.1)

        def hand_on(source: socket.socket, target: socket.socket, left: float) -> None:
            with suppress(OSError):
                while left > 0 and (data := source.recv(65_536)):
                    target.sendall(data)
                    left -= len(data)

        def accept() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    near = held.enter_context(listener.accept()[0])
                    far = held.enter_context(socket.create_connection(("127.0.0.1", port)))
                    for way in ((near, far, after_bytes), (far, near, float("inf"))):
                        threading.Thread(target=hand_on, args=way, daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            thread.join()
