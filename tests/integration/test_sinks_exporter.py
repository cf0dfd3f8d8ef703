"""Do kept spans reach an OTLP endpoint, whatever it answers?"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.builders.frames import batch, lean_rows, span_record
from tests.builders.receivers import HttpReceiver, Reply
from tests.builders.sinking import Log, Sink, dead_letters, sink_config
from tests.fixtures.waiting import eventually
from tracemill.config import Config

pytestmark = pytest.mark.integration


@pytest.fixture
def endpoint() -> Iterator[HttpReceiver]:
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def config(kafka: str, store: str, namespace: str, endpoint: HttpReceiver) -> Config:
    exporter = {
        "url": f"http://127.0.0.1:{endpoint.port}/v1/traces",
        "headers": {"authorization": "Bearer key"},
        "group": f"{namespace}-exporter",
    }
    return sink_config(kafka, store, namespace, otlp_exporter=exporter)


@pytest.fixture
def sink(config: Config, tmp_path: Path) -> Iterator[Sink]:
    made = Sink(config, tmp_path)
    yield made
    made.kill()


def span_ids(body: bytes) -> list[str]:
    request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
    return [
        span.span_id.hex()
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def received(endpoint: HttpReceiver) -> set[str]:
    return {each for body in endpoint.bodies for each in span_ids(body)}


def ids_of(rows: list[dict[str, Any]]) -> set[str]:
    return {row["span_id"].hex() for row in rows}


def test_every_kept_span_is_sent_with_the_headers_that_were_configured(
    config: Config, sink: Sink, endpoint: HttpReceiver
) -> None:
    log, rows = Log(config), lean_rows(20)
    for number in range(20):
        log.spans(span_record(batch(rows[number * 8 : number * 8 + 8])), number % 4)
    log.flush()
    sink.start()
    eventually(lambda: received(endpoint), ids_of(rows))
    assert endpoint.headers[0]["authorization"] == "Bearer key"
    assert endpoint.headers[0]["Content-Type"] == "application/x-protobuf"
    eventually(lambda: sink.get("/readyz")[0], 200)
    assert sink.stop() == 0


def test_an_endpoint_that_is_busy_or_misconfigured_is_tried_again(
    config: Config, sink: Sink, endpoint: HttpReceiver
) -> None:
    endpoint.replies += [Reply(503, {"Retry-After": "1"}), Reply(429), Reply(0), Reply(401), Reply(500)]
    log, rows = Log(config), lean_rows(2)
    log.spans(span_record(batch(rows)))
    log.flush()
    sink.start()
    eventually(lambda: len(endpoint.bodies) >= 6, True)
    eventually(lambda: received(endpoint), ids_of(rows))
    assert len({bytes(gzip.decompress(body)) for body in endpoint.bodies}) == 1
    eventually(lambda: sink.get("/readyz")[0], 200)


def test_an_endpoint_that_is_away_is_a_metric_and_a_line_in_the_log_and_the_store_goes_on(
    config: Config, sink: Sink, endpoint: HttpReceiver
) -> None:
    endpoint.replies += [Reply(503)] * 1_000
    log, rows = Log(config), lean_rows(2)
    log.spans(span_record(batch(rows)))
    log.flush()
    sink.start()
    eventually(lambda: away(sink, "otlp"), 1.0)
    eventually(lambda: taken(sink, "spans_in"), float(len(rows)))
    eventually(lambda: sink.get("/readyz")[0], 200)
    assert len(endpoint.replies) > 0
    assert "target took nothing and is tried again target=otlp" in sink.log.read_text()
    endpoint.replies.clear()
    eventually(lambda: away(sink, "otlp"), 0.0)
    assert received(endpoint) == ids_of(rows)


def away(sink: Sink, target: str) -> float | None:
    """Whether a target takes nothing, as the metrics say."""
    return metric(sink, f'tracemill_sinks_target_away{{target="{target}"}}')


def taken(sink: Sink, target: str) -> float | None:
    """Rows that a target has taken, as the metrics say."""
    return metric(sink, f'tracemill_sinks_rows_total{{target="{target}"}}')


def metric(sink: Sink, name: str) -> float | None:
    found = [line for line in sink.get("/metrics")[1].splitlines() if line.startswith(f"{name} ")]
    return float(found[0].removeprefix(name)) if found else None


def test_a_record_that_the_endpoint_refuses_is_dead_lettered_and_its_neighbours_arrive(
    config: Config, sink: Sink, endpoint: HttpReceiver
) -> None:
    log, good, bad = Log(config), lean_rows(2, seed=1), lean_rows(1, seed=2)
    for rows in (good[:8], bad, good[8:]):
        log.spans(span_record(batch(rows)))
    log.flush()
    poison = bad[0]["span_id"].hex()
    _refuse(endpoint, poison)
    sink.start()
    eventually(lambda: accepted(endpoint, poison), ids_of(good))
    eventually(lambda: len(dead_letters(config)), 1)
    (letter,) = dead_letters(config)
    assert (letter["offset"], letter["reason"]) == (1, "refused_by_target")


def _refuse(endpoint: HttpReceiver, poison: str) -> None:
    """Answer 400 to every request with a certain span."""
    usual = endpoint._take

    def take(body: bytes, headers: dict[str, Any]) -> Reply:
        reply = usual(body, headers)
        return Reply(400, body=b"bad span") if poison in span_ids(body) else reply

    endpoint._take = take  # type: ignore[method-assign]


def accepted(endpoint: HttpReceiver, poison: str) -> set[str]:
    return {each for body in endpoint.bodies if poison not in span_ids(body) for each in span_ids(body)}


def test_spans_that_the_endpoint_took_and_threw_away_are_counted_and_not_sent_again(
    config: Config, sink: Sink, endpoint: HttpReceiver
) -> None:
    partial = ExportTraceServiceResponse()
    partial.partial_success.rejected_spans = 3
    endpoint.replies.append(Reply(200, body=partial.SerializeToString()))
    log = Log(config)
    log.spans(span_record(batch(lean_rows(1))))
    log.flush()
    sink.start()
    eventually(lambda: "tracemill_sinks_otlp_rejected_spans_total 3.0" in sink.get("/metrics")[1], True)
    assert sink.stop() == 0
    assert len(endpoint.bodies) == 1
