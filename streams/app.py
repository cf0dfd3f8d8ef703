"""How does a worker run? A Faust app with one agent over `otlp.v1`; everything else is `streams.worker`."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Mapping
from tempfile import TemporaryDirectory
from typing import Any, Final

import faust
import numpy as np
import pyarrow as pa
from faust.types import TP

from runtime.health import HealthServer
from runtime.kafka import ensure_topics
from runtime.logs import configure, pairs
from runtime.processes import carry_name
from streams.outputs import Outputs
from streams.transport import App
from streams.worker import Worker
from tracemill import topics
from tracemill.config import Config

log = logging.getLogger(__name__)

_A_YEAR_S: Final = 365 * 86_400.0
_BUFFERED_RECORDS: Final = 16


def build(config: Config, directory: str) -> tuple[faust.App, Worker]:
    """The Faust app of a worker, whose agent hands records to the `Worker`; Faust wants a directory of its own."""
    source = topics.OTLP.name(config.kafka.namespace)
    app = _faust_app(config, directory)
    topic = app.topic(source, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    outputs = Outputs(config.kafka, config.streams.output_namespace or config.kafka.namespace)

    async def commit(offsets: Mapping[int, int]) -> None:
        if offsets:
            await app.consumer._commit({TP(source, number): offset for number, offset in offsets.items()})

    async def seek(number: int, offset: int) -> None:
        await app.consumer.seek(TP(source, number), offset)

    worker = Worker(config, outputs, commit, seek)

    @app.on_partitions_assigned.connect
    async def assigned(_: faust.App, assigned: set[TP], **kwargs: Any) -> None:
        worker.assigned({place.partition for place in assigned if place.topic == source})

    @app.agent(topic)
    async def assemble(stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            await _or_die(
                worker.feed(
                    message.partition, message.offset, round(message.timestamp * 1000), message.headers, message.value
                )
            )

    @app.task
    async def flushes() -> None:
        await _or_die(worker.flush_forever())

    @app.task
    async def ticks() -> None:
        await _or_die(worker.tick_forever(lambda number, offset: _at_end(app, TP(source, number), offset)))

    return app, worker


class _Process(faust.Worker):
    """Faust's process; it keeps the command line that it was started with, by which an operator knows it."""

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        pass


def _faust_app(config: Config, directory: str) -> faust.App:
    timeout_s = config.streams.session_timeout_ms / 1000
    return App(
        config.streams.group,
        broker=[f"kafka://{address}" for address in config.kafka.bootstrap.split(",")],
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
        broker_session_timeout=timeout_s,
        broker_heartbeat_interval=timeout_s / 4,
        broker_request_timeout=max(3 * timeout_s, 30.0),
        # Offsets are committed by the worker itself: Faust waits in vain for acknowledgements, and would complain.
        broker_commit_livelock_soft_timeout=_A_YEAR_S,
        stream_processing_timeout=_A_YEAR_S,
    )


async def _or_die(work: Any) -> None:
    """Whatever the worker can't handle ends the process: started again, it goes on from the log."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        log.exception(pairs("the worker stops", why=repr(error)))
        logging.shutdown()
        os._exit(70)


def _at_end(app: faust.App, place: TP, offset: int) -> bool:
    highwater = app.consumer.highwater(place)
    return highwater is not None and offset >= highwater


def run(config: Config) -> None:
    """Work until SIGTERM."""
    carry_name("streams")
    configure("streams", config.log_level)
    ensure_topics(config.kafka)
    if config.streams.output_namespace:
        ensure_topics(config.kafka, namespace=config.streams.output_namespace)
    gc.set_threshold(100_000, 20, 1_000)
    np.asarray(pa.array([0]))  # the first time costs a second, which a worker that has joined its group hasn't got
    with TemporaryDirectory(prefix="tracemill-streams-") as directory:
        app, worker = build(config, directory)
        health = HealthServer(config.streams.metrics_host, config.streams.metrics_port, worker.why_not_ready)
        health.start()
        _Process(app, loglevel=config.log_level, override_logging=False, quiet=True).execute_from_commandline()
