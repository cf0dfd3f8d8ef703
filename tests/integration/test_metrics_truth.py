"""After some traffic the metrics of a whole stack equal what was sent, and the page names all of them."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import clickhouse_connect
import pytest
from confluent_kafka import Producer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runtime.kafka import producer_settings
from tests.builders.otlp import in_json, request, span
from tests.fixtures.scraping import Scraped, scrape
from tests.fixtures.waiting import PATIENCE_S, eventually
from tests.fixtures.whole import Stack, stack
from tests.guide.metric_tables import EVERY_PART, PARTS, exported, on_the_page
from tracemill import topics
from tracemill.config import Config

pytestmark = pytest.mark.integration

RULES = "version: 1\nrules: [{name: errors, keep: error_count > 0}]\ndefault: {probability: 0}\n"
QUIET_MS = 400
TRACES, SPANS = 40, 4
FAILED = range(0, TRACES, 4)
"""Traces with an error, which a rule keeps; the others are dropped."""
LATE = range(1, 11, 2)
"""Traces of which a span comes late, an error among them: kept from then on."""
AGAIN = range(2, 12, 2)
"""Traces that are sent a second time."""
ERROR = {"status": {"code": 2}}
PROTOBUF, JSON = "application/x-protobuf", "application/json"


@dataclass
class Sent:
    """What was sent, over HTTP."""

    config: Config
    accepted: int = 0
    refused: int = 0
    requests: dict[str, int] = field(default_factory=lambda: {PROTOBUF: 0, JSON: 0})

    def post(self, body: ExportTraceServiceRequest, media: str = PROTOBUF, refused: int = 0) -> None:
        encoded = in_json(body) if media == JSON else body.SerializeToString()
        assert self.raw(encoded, media) == 200
        self.requests[media] += 1
        self.accepted += len(body.resource_spans[0].scope_spans[0].spans) - refused
        self.refused += refused

    def raw(self, body: bytes, media: str = PROTOBUF) -> int:
        """The status of the answer."""
        address = f"http://127.0.0.1:{self.config.ingest.http_port}/v1/traces"
        asked = urllib.request.Request(address, body, {"Content-Type": media})
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@dataclass
class Parts:
    """What the parts of a stack say."""

    config: Config

    def of(self, part: str) -> Scraped:
        ports = {
            "ingest": self.config.ingest.metrics_port,
            "streams": self.config.streams.metrics_port,
            "sinks": self.config.sinks.metrics_port,
            "api": self.config.api.port,
        }
        return scrape(f"http://127.0.0.1:{ports[part]}")

    def total(self, name: str, **labels: str) -> float:
        """Of a metric whose name says its part."""
        part = "api" if "kafka_group" in name else name.split("_")[1]
        return self.of(part).total(name, **labels)


def trace(number: int) -> list:
    first = span(trace=number, **(ERROR if number in FAILED else {}))
    return [first, *(span(trace=number, number=place, parent=0) for place in range(1, SPANS))]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Sent, Parts]]:
    """A stack through which everything went: traces, late and repeated spans, what is refused and what is damaged."""
    directory: Path = tmp_path_factory.mktemp("stack")
    (directory / "rules.yaml").write_text(RULES)
    settings = {
        "ingest": {"workers": 2},
        "sampling": {"rules": str(directory / "rules.yaml")},
        "assembly": {"quiet_period_ms": QUIET_MS, "max_idle_ms": 1_500},
        "embedded": {"kafka_heap_mb": 256, "store_memory_bytes": 512 * 1024**2},
    }
    with stack(directory, settings) as whole:
        sent, told = Sent(whole.config), Parts(whole.config)
        send(sent, told)
        damage(whole.config)
        ask(whole.config)
        eventually(lambda: settled(told))
        yield whole, sent, told


def send(sent: Sent, told: Parts) -> None:
    decided = partial(told.total, "tracemill_streams_decisions_total")
    for number in range(TRACES):
        sent.post(request(*trace(number)), JSON if number % 5 == 0 else PROTOBUF)
    eventually(decided, TRACES)
    for number in LATE:
        sent.post(request(span(trace=number, number=SPANS, parent=0, **ERROR)))
    for number in AGAIN:
        sent.post(request(*trace(number)))
    eventually(lambda: told.total("tracemill_streams_late_traces_total"), len(LATE) + len(AGAIN))
    sent.post(
        request(*trace(TRACES), span(trace=TRACES, span_id=b"short"), span(trace=TRACES, trace_id=b"")), refused=2
    )
    assert sent.raw(b"\xff") == 400
    assert sent.raw(b"", "text/plain") == 415
    eventually(decided, TRACES + 1)


def damage(config: Config) -> None:
    producer = Producer(producer_settings(config.kafka, int(PATIENCE_S * 1000)))
    for topic in (topics.OTLP, topics.TRACES, topics.SPANS):
        producer.produce(topic.name(config.kafka.namespace), b"nonsense", partition=3)
    assert producer.flush(PATIENCE_S) == 0


def ask(config: Config) -> None:
    for path in ("/api/v1/traces", "/api/v1/traces", f"/api/v1/traces/{'f' * 32}", "/nowhere"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{config.api.port}{path}", timeout=PATIENCE_S):
                pass
        except urllib.error.HTTPError as error:
            error.close()


def settled(told: Parts) -> bool:
    """Whether all groups are known to have committed all there is, and nothing is open."""
    groups = told.of("api")
    known = groups.each("tracemill_kafka_group_lag_records")
    dead = told.total("tracemill_sinks_dead_letters_total") + told.total("tracemill_streams_dead_letters_total")
    return len(known) == (1 + len(topics.STORED)) * told.config.kafka.partitions and not any(known) and dead == 3


def test_what_was_accepted_is_what_was_sent(running: tuple[Stack, Sent, Parts]) -> None:
    _, sent, told = running
    ingest = told.of("ingest")
    assert ingest.total("tracemill_ingest_accepted_spans_total") == sent.accepted
    for media, protocol in ((PROTOBUF, "http_protobuf"), (JSON, "http_json")):
        assert ingest.total("tracemill_ingest_accepted_requests_total", protocol=protocol) == sent.requests[media]
    assert ingest.total("tracemill_ingest_request_duration_seconds_count") == sum(sent.requests.values())
    assert ingest.total("tracemill_ingest_refused_spans_total", reason="bad_span_id") == 1
    assert ingest.total("tracemill_ingest_refused_spans_total") == sent.refused == 2
    assert ingest.total("tracemill_ingest_partial_requests_total") == 1
    assert ingest.total("tracemill_ingest_refused_requests_total", reason="malformed") == 1
    assert ingest.total("tracemill_ingest_refused_requests_total", reason="unsupported_media_type") == 1
    assert ingest.total("tracemill_ingest_refused_requests_total") == 2
    assert ingest.total("tracemill_ingest_in_flight_bytes") == 0
    assert ingest.total("tracemill_ingest_kafka_away") == 0


def test_what_was_decided_is_what_was_accepted(running: tuple[Stack, Sent, Parts]) -> None:
    _, sent, told = running
    streams = told.of("streams")
    first, late = TRACES + 1, len(LATE) + len(AGAIN)
    kept = len(FAILED) + (TRACES in FAILED)
    assert streams.total("tracemill_streams_spans_total") == sent.accepted
    assert streams.total("tracemill_streams_decisions_total") == first
    assert streams.total("tracemill_streams_decisions_total", decision="keep", policy="errors") == kept
    assert streams.total("tracemill_streams_decisions_total", decision="drop", policy="default") == first - kept
    assert streams.total("tracemill_streams_traces_closed_total") == first + late
    assert streams.total("tracemill_streams_traces_closed_total", closed_by="complete") == first + late
    assert streams.total("tracemill_streams_late_traces_total") == late
    assert streams.total("tracemill_streams_late_spans_total") == len(LATE) + len(AGAIN) * SPANS
    assert streams.total("tracemill_streams_repeated_spans_total") == len(AGAIN) * SPANS
    assert streams.total("tracemill_streams_revisions_total") == len(LATE)
    assert streams.total("tracemill_streams_promotions_total") == len(LATE)
    assert streams.total("tracemill_streams_decision_latency_seconds_count") == first + late
    assert streams.total("tracemill_streams_dead_letters_total", reason="not_a_bundle") == 1
    assert streams.total("tracemill_streams_takeover_duration_seconds_count") == told.config.kafka.partitions
    assert streams.total("tracemill_streams_partitions", state="working") == told.config.kafka.partitions
    for nothing in ("open_traces", "held_bytes", "backlog_bytes", "records_lost_total", "traces_lost_total"):
        assert streams.total(f"tracemill_streams_{nothing}") == 0, nothing


def test_what_was_stored_is_what_was_kept(running: tuple[Stack, Sent, Parts]) -> None:
    whole, _, told = running
    sinks, streams = told.of("sinks"), told.of("streams")
    kept = (len(FAILED) + (TRACES in FAILED)) * SPANS + len(LATE) * (SPANS + 1)
    assert streams.total("tracemill_streams_spans_written_total") == kept
    assert sinks.total("tracemill_sinks_rows_total", target="spans_in") == kept
    assert sinks.total("tracemill_sinks_rows_total", target="traces_in") == TRACES + 1 + len(LATE)
    store = clickhouse_connect.get_client(dsn=whole.config.store.url, autogenerate_session_id=False)
    assert store.query(f"SELECT count() FROM {whole.config.store.database}.spans").result_rows == [(kept,)]
    store.close()
    for target in ("spans_in", "traces_in"):
        assert sinks.total("tracemill_sinks_dead_letters_total", target=target, reason="undecodable") == 1
        assert sinks.total("tracemill_sinks_last_success_timestamp_seconds", target=target) > 0
    for nothing in ("buffered_bytes", "buffered_rows", "target_away", "reading_paused", "lag_seconds", "lag_records"):
        assert sinks.total(f"tracemill_sinks_{nothing}") == 0, nothing


def test_what_was_asked_is_counted_by_its_route(running: tuple[Stack, Sent, Parts]) -> None:
    *_, told = running
    api = told.of("api")
    assert api.total("tracemill_api_requests_total", route="/api/v1/traces", status="200") == 2
    assert api.total("tracemill_api_requests_total", route="/api/v1/traces/{trace_id}", status="404") == 1
    assert api.total("tracemill_api_requests_total", route="other", status="404") == 1
    assert api.total("tracemill_api_request_duration_seconds_count", route="/api/v1/traces") == 2
    assert api.total("tracemill_api_query_rows_total", query="list_traces") == 2 * (TRACES + 1)
    assert api.total("tracemill_api_requests_in_flight") == 0
    assert api.total("tracemill_api_query_failures_total") == 0


@pytest.mark.parametrize("part", PARTS)
def test_the_page_names_what_a_part_really_exports(running: tuple[Stack, Sent, Parts], part: str) -> None:
    *_, told = running
    page = on_the_page()
    families = told.of(part).families.values()
    assert exported(families) == page[part] | page[EVERY_PART]
