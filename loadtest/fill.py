"""How is `otlp.v1` filled without an ingester? Generated spans as bundles, straight to Kafka.

python -m loadtest.fill --bootstrap 127.0.0.1:9092 --spans 1000000
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from confluent_kafka import Producer

from loadtest.bundling import Bundler, Record
from loadtest.claims import Claim, write_claims
from loadtest.commands import CommandFailed, run
from loadtest.pacing import Pacer
from loadtest.payloads import Payloads
from loadtest.workload import Workload, profile_named
from runtime.kafka import ensure_topics, producer_settings
from tracemill import topics
from tracemill.config import Kafka

QUEUE_BYTES_KB = 256 * 1024
FLUSH_TIMEOUT_S = 60.0


class FillError(CommandFailed):
    """The broker didn't take every record."""


class Filler:
    """Sends records and counts what the broker acknowledged."""

    def __init__(self, kafka: Kafka) -> None:
        settings = {"queue.buffering.max.kbytes": QUEUE_BYTES_KB, "linger.ms": 5, "batch.size": topics.RECORD_BYTES}
        self._producer = Producer(producer_settings(kafka, 60_000, **settings))
        self._topic = topics.OTLP.name(kafka.namespace)
        self.records = 0
        self.bytes = 0
        self._failed: list[str] = []

    def send(self, record: Record) -> None:
        """Queue a record; waits while the queue is full."""
        headers: list[tuple[str, str | bytes | None]] = [(topics.HEADER_INDEX, record.header)]
        while True:
            try:
                self._producer.produce(
                    self._topic, record.value, partition=record.partition, headers=headers, on_delivery=self._delivered
                )
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        self.records += 1
        self.bytes += len(record.value)

    def finish(self) -> None:
        """Wait for every acknowledgement.

        Raises:
            FillError: some record wasn't taken.
        """
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if left or self._failed:
            raise FillError(f"{left} records unanswered, {len(self._failed)} refused: {self._failed[:1]}")

    def _delivered(self, error: object, _message: object) -> None:
        if error is not None:
            self._failed.append(str(error))


def fill(workload: Workload, kafka: Kafka, rate: float, bundle_requests: int, tenant: str) -> Filler:
    """Write all of `workload`, `rate` spans a second (0: as fast as it goes), and wait until it is acknowledged."""
    ensure_topics(kafka)
    payloads, filler = Payloads(workload), Filler(kafka)
    bundler = Bundler(kafka.partitions, tenant)
    pacer = Pacer(rate, time.monotonic())
    spans = 0
    for request in range(workload.requests):
        wait_s = pacer.wait_s(spans, time.monotonic())
        if wait_s > 0:
            time.sleep(wait_s)
        spans += bundler.add(payloads.build(request, time.time_ns())[0])
        last = request == workload.requests - 1
        for record in bundler.take(everything=last or request % bundle_requests == bundle_requests - 1):
            filler.send(record)
    filler.finish()
    return filler


def main(
    bootstrap: Annotated[str, typer.Option(help="Address of a broker.")] = "127.0.0.1:9092",
    namespace: Annotated[str, typer.Option(help="First part of the topics' names.")] = topics.NAMESPACE,
    partitions: Annotated[int, typer.Option(help="Partitions of otlp.")] = 8,
    spans: Annotated[int, typer.Option(help="How many spans, rounded up to whole traces.")] = 100_000,
    profile: Annotated[str, typer.Option(help="lean or fat.")] = "lean",
    seed: Annotated[int, typer.Option(help="Ids and content follow from it.")] = 7,
    rate: Annotated[float, typer.Option(help="Spans a second; 0: as fast as it goes.")] = 0.0,
    bundle_requests: Annotated[int, typer.Option(help="Requests of 400 spans that share bundles.")] = 4,
    spread: Annotated[int, typer.Option(help="Requests between the pieces of a trace.")] = 4,
    late_every: Annotated[int, typer.Option(help="One trace in so many has a late span; 0: none.")] = 0,
    late_after: Annotated[int, typer.Option(help="Requests between a late trace's root and its late span.")] = 100,
    rootless_every: Annotated[int, typer.Option(help="One trace in so many has no root; 0: none.")] = 0,
    tenant: Annotated[str, typer.Option(help="Whose spans they are.")] = "default",
    retained_gib: Annotated[float, typer.Option(help="Kept in all topics, if they are made now.")] = 8.0,
    ledger: Annotated[Path | None, typer.Option(help="Where to note what was acknowledged.")] = None,
) -> None:
    """Fill otlp.v1 with bundles of generated spans, as an ingester would write them."""
    kafka = Kafka(
        bootstrap=bootstrap, namespace=namespace, partitions=partitions, retained_bytes=int(retained_gib * 1024**3)
    )
    workload = Workload(
        seed,
        -(-spans // 8),
        profile_named(profile),
        spread=spread,
        late_every=late_every,
        late_after=late_after,
        rootless_every=rootless_every,
    )
    began, used = time.monotonic(), time.process_time()
    filler = fill(workload, kafka, rate, bundle_requests, tenant)
    took, used = time.monotonic() - began, time.process_time() - used
    if ledger:
        write_claims(ledger, [Claim(workload, tenant, acknowledged=((0, workload.requests),), uncertain=())])
    told = {
        "spans": workload.spans,
        "bytes": filler.bytes,
        "records": filler.records,
        "began_s": began,
        "seconds": round(took, 3),
        "cpu_us_per_span": round(used / workload.spans * 1e6, 2),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    run(main)
