"""How is a load sent to an OTLP receiver? The command.

python -m loadtest.generate --endpoint http://127.0.0.1:4318 --spans 1000000 --ledger load.jsonl
"""

from __future__ import annotations

import json
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loadtest.claims import write_claims
from loadtest.commands import run
from loadtest.delivery import Delivery
from loadtest.payloads import Payloads
from loadtest.senders import connector
from loadtest.workload import Workload, profile_named

LONG_SPANS: Final = 24
"""Spans of a long-open trace, one a request."""
UNBOUNDED_TRACES: Final = 1 << 40
_PROGRESS_S: Final = 10.0


def send(deliveries: list[Delivery], seconds: float) -> None:
    """Send everything; after `seconds` (0: never), SIGINT or SIGTERM open no more traces and finish those open."""

    def stop(*_: object) -> None:
        for delivery in deliveries:
            delivery.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    for delivery in deliveries:
        delivery.start()
    deadline = time.monotonic() + seconds if seconds else float("inf")
    told = time.monotonic()
    while not all(delivery.join(0.1) for delivery in deliveries):
        now = time.monotonic()
        if now > deadline:
            deliveries[0].stop()
        if now - told > _PROGRESS_S:
            told = now
            print(f"sent {sum(delivery.tally.spans for delivery in deliveries)} spans", file=sys.stderr, flush=True)


def summary(deliveries: list[Delivery], used_s: float) -> dict[str, Any]:
    """What a run did, for people and for the benchmark."""
    tallies = [delivery.tally for delivery in deliveries]
    spans, size = sum(tally.spans for tally in tallies), sum(tally.bytes for tally in tallies)
    took = max(tally.last_answer_s for tally in tallies) - min(tally.first_sent_s for tally in tallies)
    latencies = sorted(latency for tally in tallies for latency in tally.latencies_s) or [0.0]
    refused = [text for tally in tallies for text in tally.refused]
    return {
        "spans": spans,
        "bytes": size,
        "began_s": min(tally.first_sent_s for tally in tallies),
        "seconds": round(took, 3),
        "spans_per_s": round(spans / took) if took > 0 else 0,
        "mb_per_s": round(size / took / 1e6, 2) if took > 0 else 0.0,
        "cpu_us_per_span": round(used_s / spans * 1e6, 3) if spans else 0.0,
        "retries": sum(tally.retries for tally in tallies),
        "not_acknowledged": len(refused),
        "first_refusal": refused[0] if refused else "",
        "answer_ms_p50": round(statistics.median(latencies) * 1e3, 1),
        "answer_ms_p99": round(latencies[int(len(latencies) * 0.99)] * 1e3, 1),
    }


def long_lane(seed: int, traces: int) -> Workload:
    """Traces that all open at once and get a span a request, the root at last."""
    return Workload(
        seed + 1_000_003, traces, spans_per_trace=LONG_SPANS, block_traces=traces, pieces=LONG_SPANS, spread=1
    )


def main(
    endpoint: Annotated[str, typer.Option(help="http://HOST:PORT of the receiver.")] = "http://127.0.0.1:4318",
    protocol: Annotated[str, typer.Option(help="http (protobuf) or grpc.")] = "http",
    profile: Annotated[str, typer.Option(help="lean or fat.")] = "lean",
    spans: Annotated[int, typer.Option(help="How many, rounded up to whole traces; 0: until --seconds.")] = 100_000,
    seconds: Annotated[float, typer.Option(help="Stop after so long; 0: when all is sent.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Ids and content follow from it.")] = 7,
    rate: Annotated[float, typer.Option(help="Spans a second; 0: as fast as it goes.")] = 0.0,
    connections: Annotated[int, typer.Option(help="Connections, each with one request in flight.")] = 4,
    spans_per_trace: Annotated[int, typer.Option(help="Spans of a trace.")] = 8,
    request_spans: Annotated[int, typer.Option(help="Spans of a request.")] = 400,
    pieces: Annotated[int, typer.Option(help="Requests that a trace is spread over.")] = 3,
    spread: Annotated[int, typer.Option(help="Requests from one piece of a trace to the next.")] = 4,
    late_every: Annotated[int, typer.Option(help="One trace in so many has a late span; 0: none.")] = 0,
    late_after: Annotated[int, typer.Option(help="Requests between a late trace's root and its late span.")] = 100,
    rootless_every: Annotated[int, typer.Option(help="One trace in so many has no root; 0: none.")] = 0,
    long_open: Annotated[int, typer.Option(help="Besides, so many traces whose spans trickle in.")] = 0,
    long_seconds: Annotated[float, typer.Option(help="How long those stay open.")] = 120.0,
    token: Annotated[str, typer.Option(help="Bearer token.")] = "",
    tenant: Annotated[str, typer.Option(help="Whose spans they are, for the ledger.")] = "default",
    ledger: Annotated[Path | None, typer.Option(help="Where to note what was acknowledged.")] = None,
) -> None:
    """Send generated spans to an OTLP receiver; prints one JSON object."""
    if not spans and not seconds:
        raise typer.BadParameter("give --spans or --seconds, or it never ends")
    load = Workload(
        seed=seed,
        traces=-(-spans // spans_per_trace) if spans else UNBOUNDED_TRACES,
        profile=profile_named(profile),
        spans_per_trace=spans_per_trace,
        block_traces=max(request_spans // spans_per_trace, 1),
        pieces=pieces,
        spread=spread,
        late_every=late_every,
        late_after=late_after,
        rootless_every=rootless_every,
    )
    connect = connector(endpoint, protocol, token)
    deliveries = [Delivery(Payloads(load), connect, connections, rate)]
    if long_open:
        lane = long_lane(seed, long_open)
        deliveries.append(Delivery(Payloads(lane), connect, 1, lane.spans / long_seconds))
    used = time.process_time()
    send(deliveries, seconds)
    used = time.process_time() - used
    if ledger:
        write_claims(ledger, [delivery.claim(tenant) for delivery in deliveries])
    told = summary(deliveries, used)
    print(json.dumps(told))
    raise SystemExit(1 if told["not_acknowledged"] else 0)


if __name__ == "__main__":
    run(main)
