"""What is wrong with this machine, Kafka, the topics or the store, and what is to be done about it?"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.options import ConfigOption, load
from cli.reaching import plainly, told
from tracemill.config import Config

if TYPE_CHECKING:
    from runtime.group_lag import Behind

MIN_MEMORY_BYTES: Final = 4 * 1024**3
MIN_DISK_BYTES: Final = 5 * 1024**3
TIMEOUT_S: Final = 3.0
BEHIND_S: Final = 60.0
"""Open traces hold a commit back for `assembly.carry_after_ms`; what is further behind isn't worked on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do, and is empty when all is well."""

    what: str
    found: str
    remedy: str = ""


def doctor(
    config: ConfigOption = None,
    port_offset: Annotated[int, typer.Option(help="As given to `tracemill up`.")] = 0,
) -> None:
    """Check machine, ports, Kafka, topics, store and parts, and say what to do about each failure."""
    from embedded.stack import effective

    wanted = load(config)
    wanted = effective(wanted, port_offset) if port_offset else wanted
    findings = list(examine(wanted))
    for finding in findings:
        mark = "FAIL" if finding.remedy else "ok  "
        typer.echo(
            f"{mark} {finding.what}: {finding.found}" + (f"\n     -> {finding.remedy}" if finding.remedy else "")
        )
    failed = sum(1 for finding in findings if finding.remedy)
    typer.echo(f"{len(findings) - failed} fine, {failed} to be mended")
    if failed:
        raise typer.Exit(1)


def examine(config: Config) -> Iterator[Finding]:
    """All findings, from the machine up; what can't be known because something below fails is left out."""
    yield from machine(config)
    kafka = [*broker(config)]
    yield from kafka
    if not any(finding.remedy for finding in kafka):
        known = [*topics(config)]
        yield from known
        if not any(finding.remedy for finding in known):
            yield from groups(config)
    yield from store(config)
    yield from parts(config)


def machine(config: Config) -> Iterator[Finding]:
    """Python, memory, disk, and what the embedded Kafka needs."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", version, "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Finding(
        "memory", _size(memory), "" if memory >= MIN_MEMORY_BYTES else "everything on one machine wants 4 GiB"
    )
    place = _existing(config.embedded.data_dir.absolute())
    free = shutil.disk_usage(place).free
    enough = free >= MIN_DISK_BYTES
    yield Finding(f"disk at {place}", f"{_size(free)} free", "" if enough else "free 5 GiB, or use another --data-dir")
    yield _java()


def broker(config: Config) -> Iterator[Finding]:
    """Whether Kafka answers."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    from runtime.kafka import QUIET, client_settings

    try:
        found = AdminClient(client_settings(config.kafka, log_level=QUIET)).list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        yield Finding("Kafka", told(error), f"is it running at {config.kafka.bootstrap}? See kafka.bootstrap")
    else:
        number = len(found.brokers)
        yield Finding("Kafka", f"{number} broker{'' if number == 1 else 's'} at {config.kafka.bootstrap}")


def topics(config: Config) -> Iterator[Finding]:
    """Whether the topics are as configured."""
    from runtime.kafka import topic_problems

    problems = topic_problems(config.kafka)
    if not problems:
        yield Finding("topics", f"all there, {config.kafka.partitions} partitions, otlp is LogAppendTime")
    for problem in problems:
        found, _, remedy = problem.partition(": ")
        yield Finding("topics", found, remedy or found)


def groups(config: Config) -> Iterator[Finding]:
    """How far each consumer group is behind."""
    from confluent_kafka import KafkaException

    from runtime import group_lag

    for group in group_lag.groups(config):
        lag = group_lag.GroupLag(group)
        try:
            yield _group(group.name, [each for each in lag.look().values() if each.records])
        except KafkaException as error:
            yield Finding(f"group {group.name}", told(error), "is its Kafka running, and may the group be asked for?")
        finally:
            lag.close()


def _group(name: str, behind: list[Behind]) -> Finding:
    now_ms = time.time() * 1000
    age_s = max((each.seconds(now_ms) or 0.0 for each in behind), default=0.0)
    found = f"{age_s:.0f} s behind in {len(behind)} of its partitions" if behind else "has nothing left to read"
    remedy = "are all of its processes up, and are they enough? See docs/metrics.md" if age_s > BEHIND_S else ""
    return Finding(f"group {name}", found, remedy)


def store(config: Config) -> Iterator[Finding]:
    """Whether the store answers and has its tables."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from sinks.clickhouse import Away, connect
    from sinks.migrations import layout_of, pending

    try:
        client = connect(config.store)
        left = pending(client, layout_of(config))
    except (Away, ClickHouseError) as error:
        yield Finding("store", plainly(error), f"is it running at {config.store.url}? See store.url")
    else:
        remedy = f"run `tracemill schema apply`: {', '.join(left)}" if left else ""
        yield Finding("store", f"ClickHouse {client.server_version} at {config.store.url}", remedy)


def parts(config: Config) -> Iterator[Finding]:
    """Whether each part says that it is ready."""
    addresses = {
        "ingest": (config.ingest.host, config.ingest.metrics_port),
        "streams": (config.streams.metrics_host, config.streams.metrics_port),
        "sinks": (config.sinks.metrics_host, config.sinks.metrics_port),
        "api": (config.api.host, config.api.port),
    }
    for name, (host, port) in addresses.items():
        yield _part(name, host, port)


def _part(name: str, host: str, port: int) -> Finding:
    from embedded.parts import http_ready
    from embedded.stack import reachable

    url = f"http://{reachable(host)}:{port}/readyz"
    if why := http_ready(url)():
        return Finding(name, why, f"see its log, or start it: `tracemill {name}`, or all with `tracemill up`")
    return Finding(name, f"ready at {url}")


def _java() -> Finding:
    from embedded.kafka.java import find
    from embedded.refusals import Missing

    try:
        return Finding("Java", str(find()))
    except Missing as error:
        return Finding("Java", "not found", f"{error} (only the embedded Kafka needs it)")


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _size(count: int) -> str:
    return f"{count / 1024**3:.1f} GiB"
