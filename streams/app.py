"""How does a worker run? A Faust app with one agent over `otlp.v1`; everything else is `streams.worker`."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Mapping
from typing import Any, Final

import faust
import numpy as np
import pyarrow as pa
from faust.types import TP
from prometheus_client import REGISTRY

from runtime.health import HealthServer
from runtime.identity import introduce, member
from runtime.kafka import ensure_topics
from runtime.logs import configure
from runtime.processes import carry_name
from runtime.scratch import scratch
from streams import metrics
from streams.credentials import credentials
from streams.ending import end_within, or_end
from streams.lag import End
from streams.outputs import Outputs
from streams.transport import App
from streams.worker import Worker
from tracemill import topics
from tracemill.config import Config

_A_YEAR_S: Final = 365 * 86_400.0
_BUFFERED_RECORDS: Final = 16
_POLLED_RECORDS: Final = 32
"""Taken over from the client at once: what is small as it was fetched can be large once it is decompressed."""
_HEARTBEAT_S: Final = 1.0
"""A member hears with its next heartbeat that others join or leave, and until then all of them wait for it."""
_COMMIT_AGAIN_S: Final = 0.2
"""While the group shares its partitions out, it takes no commits."""
_STOP_S: Final = 6.0
"""Who hasn't left its group by then is ended: a thread may wait for Kafka's answer for two minutes."""


def build(config: Config, directory: str) -> tuple[faust.App, Worker]:
    """The Faust app of a worker, whose agent hands records to the `Worker`; Faust wants a directory of its own."""
    source = topics.OTLP.name(config.kafka.namespace)
    app = _faust_app(config, directory)
    topic = app.topic(source, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    outputs = Outputs(config.kafka, config.streams.output_namespace or config.kafka.namespace)

    async def commit(offsets: Mapping[int, int]) -> None:
        places = {TP(source, number): offset for number, offset in offsets.items()}
        while True:
            if await app.consumer._commit(places):
                return
            metrics.COMMIT_RETRIES.inc()
            await asyncio.sleep(_COMMIT_AGAIN_S)

    async def seek(number: int, offset: int) -> None:
        await app.consumer.seek(TP(source, number), offset)

    def end_of(number: int) -> End | None:
        return app.consumer.end_of(TP(source, number))

    worker = Worker(config, outputs, commit, seek, end_of)

    @app.on_partitions_assigned.connect
    async def assigned(_: faust.App, assigned: set[TP], **kwargs: Any) -> None:
        worker.assigned({place.partition for place in assigned if place.topic == source})

    @app.agent(topic)
    async def assemble(stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            await or_end(
                worker.feed(
                    message.partition, message.offset, round(message.timestamp * 1000), message.headers, message.value
                )
            )

    @app.task
    async def flushes() -> None:
        await or_end(worker.flush_forever())

    @app.task
    async def ticks() -> None:
        await or_end(worker.tick_forever())

    @app.task
    async def looks() -> None:
        await or_end(worker.look_forever())

    return app, worker


class _Process(faust.Worker):
    """Faust's process; it keeps the command line that it was started with, and doesn't take too long to stop."""

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        pass

    def _schedule_shutdown(self, number: signal.Signals) -> None:
        end_within(_STOP_S)
        super()._schedule_shutdown(number)


def _faust_app(config: Config, directory: str) -> faust.App:
    timeout_s = config.streams.session_timeout_ms / 1000
    return App(
        config.streams.group,
        broker=[f"kafka://{address}" for address in config.kafka.bootstrap.split(",")],
        broker_credentials=credentials(config.kafka.security),
        autodiscover=False,
        web_enabled=False,
        store="memory://",
        datadir=directory,
        topic_disable_leader=True,
        topic_partitions=config.kafka.partitions,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=2 * topics.RECORD_BYTES,
        producer_max_request_size=2 * topics.RECORD_BYTES,
        stream_wait_empty=False,
        stream_buffer_maxsize=_BUFFERED_RECORDS,
        broker_max_poll_records=_POLLED_RECORDS,
        broker_session_timeout=timeout_s,
        broker_heartbeat_interval=min(timeout_s / 4, _HEARTBEAT_S),
        consumer_group_instance_id=member(config.streams.instance, config.streams.metrics_port),
        broker_request_timeout=max(3 * timeout_s, 30.0),
        # Offsets are committed by the worker itself: Faust waits in vain for acknowledgements, and would complain.
        broker_commit_livelock_soft_timeout=_A_YEAR_S,
        stream_processing_timeout=_A_YEAR_S,
    )


def run(config: Config) -> None:
    """Work until SIGTERM."""
    carry_name("streams")
    configure("streams", config.log_level)
    ensure_topics(config.kafka)
    if config.streams.output_namespace:
        ensure_topics(config.kafka, namespace=config.streams.output_namespace)
    gc.set_threshold(100_000, 20, 1_000)
    np.asarray(pa.array([0]))  # the first time costs a second, which a worker that has joined its group hasn't got
    with scratch("streams") as directory:
        app, worker = build(config, str(directory))
        introduce("streams")
        REGISTRY.register(worker.gauges)
        health = HealthServer(config.streams.metrics_host, config.streams.metrics_port, worker.why_not_ready)
        health.start()
        _Process(app, loglevel=config.log_level, override_logging=False, quiet=True).execute_from_commandline()
