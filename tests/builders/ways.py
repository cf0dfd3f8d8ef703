"""Ways of sending the same spans: over which protocol and compression, cut into which requests, how often each."""

from __future__ import annotations

import gzip
import random
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ingest.rpc import EXPORT
from tests.builders.ingesting import PROTOBUF, Ingester
from tests.builders.otlp import in_json
from tests.fixtures.waiting import PATIENCE_S

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

JSON: Final = "application/json"
COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
_GRPC: Final = {
    "": grpc.Compression.NoCompression,
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
}
_OWN_CONNECTION: Final = [("grpc.use_local_subchannel_pool", 1)]

Cut = Callable[[ExportTraceServiceRequest], list[ExportTraceServiceRequest]]
Send = Callable[[Ingester, ExportTraceServiceRequest, str], None]
"""To an ingester, a request, with a token; fails unless all of it is accepted."""


class Sent(NamedTuple):
    """A request that was acknowledged, and the traces of its spans."""

    began_s: float
    ended_s: float
    traces: set[bytes]


@dataclass(frozen=True)
class Way:
    """The spans cut into requests, each sent `times` times, by the next of `sends` in turn, `at_once` in parallel."""

    sends: Sequence[Send]
    cut: Cut = lambda whole: [whole]
    times: int = 1
    at_once: int = 1

    def go(self, ingester: Ingester, whole: ExportTraceServiceRequest, token: str) -> float:
        """Send everything, each request on a connection of its own; all of it is acknowledged at the end.

        Returns the seconds that may have passed, at most, between two spans of a trace.
        """
        requests = [part for part in self.cut(whole) for _ in range(self.times)]
        routes = [self.sends[number % len(self.sends)] for number in range(len(requests))]

        def timed(route: Send, part: ExportTraceServiceRequest) -> Sent:
            began_s = time.monotonic()
            route(ingester, part, token)
            return Sent(began_s, time.monotonic(), {span.trace_id for span in spans_of(part)})

        with ThreadPoolExecutor(self.at_once) as pool:
            return longest_gap_s(list(pool.map(timed, routes, requests)))


def longest_gap_s(sent: Sequence[Sent]) -> float:
    """Of the traces that came in several requests, the longest time from the begin of one to the end of the next."""
    of_traces: dict[bytes, list[Sent]] = {}
    for one in sorted(sent):
        for trace_id in one.traces:
            of_traces.setdefault(trace_id, []).append(one)
    gaps = (after.ended_s - before.began_s for parts in of_traces.values() for before, after in pairwise(parts))
    return max(gaps, default=0.0)


def http(media: str, encoding: str = "") -> Send:
    """OTLP/HTTP, as protobuf or JSON."""

    def send(ingester: Ingester, part: ExportTraceServiceRequest, token: str) -> None:
        body = COMPRESS[encoding](in_json(part) if media == JSON else part.SerializeToString())
        headers = {"Content_Encoding": encoding} if encoding else {}
        heard = ingester.post(body, media, Authorization=f"Bearer {token}", **headers)
        assert (heard.status, heard.body) == (200, b"{}" if media == JSON else b""), heard

    return send


def rpc(encoding: str = "") -> Send:
    """OTLP/gRPC."""

    def send(ingester: Ingester, part: ExportTraceServiceRequest, token: str) -> None:
        metadata = (("x-tracemill-key", token),)
        address = f"127.0.0.1:{ingester.config.ingest.grpc_port}"
        with grpc.insecure_channel(address, _OWN_CONNECTION) as channel:
            call: Any = channel.unary_unary(EXPORT)
            heard = call(part.SerializeToString(), metadata=metadata, compression=_GRPC[encoding], timeout=PATIENCE_S)
        assert heard == b"", heard

    return send


def every_protocol() -> dict[str, Send]:
    """Each protocol with each compression that it has, by name."""
    named = {"protobuf": PROTOBUF, "json": JSON}
    over_http = {
        f"{name}-{encoding or 'plain'}": http(media, encoding) for name, media in named.items() for encoding in COMPRESS
    }
    return over_http | {f"grpc-{encoding or 'plain'}": rpc(encoding) for encoding in _GRPC}


def forwards(whole: ExportTraceServiceRequest) -> list[ExportTraceServiceRequest]:
    """A request a span, in the order in which they stand."""
    return list(_alone(whole))


def backwards(whole: ExportTraceServiceRequest) -> list[ExportTraceServiceRequest]:
    """A request a span, the last first."""
    return list(_alone(whole))[::-1]


def shuffled(seed: int) -> Cut:
    """A request a span, in an order from a seed; the spans of a trace follow each other."""

    def cut(whole: ExportTraceServiceRequest) -> list[ExportTraceServiceRequest]:
        parts = list(_alone(whole))
        random.Random(seed).shuffle(parts)
        return sorted(parts, key=lambda part: spans_of(part)[0].trace_id)

    return cut


def in_pieces(spans: int) -> Cut:
    """Requests of so many spans, in an order that tears resources and traces apart."""

    def cut(whole: ExportTraceServiceRequest) -> list[ExportTraceServiceRequest]:
        parts = list(_alone(whole))
        count = -(-len(parts) // spans)
        return [_joined(parts[first::count]) for first in range(count)]

    return cut


def spans_of(part: ExportTraceServiceRequest) -> list[Span]:
    """All spans of a request, in the order in which they stand."""
    return [span for resource in part.resource_spans for scope in resource.scope_spans for span in scope.spans]


def _alone(whole: ExportTraceServiceRequest) -> Iterator[ExportTraceServiceRequest]:
    """Each span with its resource and scope."""
    for resource in whole.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                part = ExportTraceServiceRequest()
                head = part.resource_spans.add(schema_url=resource.schema_url)
                if resource.HasField("resource"):
                    head.resource.CopyFrom(resource.resource)
                inner = head.scope_spans.add(schema_url=scope.schema_url, spans=[span])
                if scope.HasField("scope"):
                    inner.scope.CopyFrom(scope.scope)
                yield part


def _joined(parts: Sequence[ExportTraceServiceRequest]) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest(resource_spans=[one for part in parts for one in part.resource_spans])
