"""Which processes make Tracemill on one machine, with which addresses, and how does one start them all?"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from embedded.kafka import jars, java, ready
from embedded.kafka.broker import Broker
from embedded.locks import Lock
from embedded.parts import Part, http_ready
from embedded.ports import settle
from embedded.supervisor import Supervisor
from tracemill.config import Config, ConfigError

Say = Callable[[str], None]

# Large blocks are otherwise given back to the system and faulted in again for each batch: 1.1 page faults a span.
_ALLOCATOR: Final = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "536870912",
    "MALLOC_TOP_PAD_": "16777216",
}
# A body is received, inserted and let go: 10 ms for 10 MB with the defaults, 6 with these.
_BODIES: Final = {**_ALLOCATOR, "MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "67108864"}
_FRAMES: Final = {**_ALLOCATOR, "ARROW_DEFAULT_MEMORY_POOL": "system", "POLARS_MAX_THREADS": "1"}
_ANY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - to recognise, not to listen on


@dataclass(frozen=True, slots=True)
class Served:
    """A part of ours: the arguments of the command line that run it, where it says that it is ready."""

    name: str
    arguments: tuple[str, ...]
    health: Callable[[Config], tuple[str, int]]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """Something to be done once at each start, after another part is ready; None when there is nothing to do."""

    name: str
    arguments: Callable[[Config], tuple[str, ...] | None]
    after: str


@dataclass(frozen=True, slots=True)
class Addition:
    """What runs beside the parts of ours, and what is said about it after the line that begins with READY."""

    parts: Sequence[Part] = ()
    announcement: Callable[[], str] | None = None


def nothing(config: Config) -> Addition:
    """No addition."""
    return Addition()


STEPS: Final = (
    Step("topics", lambda config: ("topics", "create"), after="kafka"),
    Step("schema", lambda config: ("schema", "apply"), after="store"),
    Step(
        "rules",
        lambda config: ("rules", "apply", str(config.sampling.rules)) if config.sampling.rules else None,
        "topics",
    ),
)
SERVED: Final = (
    Served("sinks", ("sinks",), lambda config: (config.sinks.metrics_host, config.sinks.metrics_port), _FRAMES),
    Served("streams", ("streams",), lambda config: (config.streams.metrics_host, config.streams.metrics_port), _FRAMES),
    Served("api", ("api",), lambda config: (config.api.host, config.api.port)),
    Served("ingest", ("ingest",), lambda config: (config.ingest.host, config.ingest.metrics_port), _ALLOCATOR),
)
"""In the order of starting; they are stopped the other way round, before the store and Kafka."""


def up(
    config: Config,
    say: Say,
    port_offset: int = 0,
    served: Sequence[Served] = SERVED,
    steps: Sequence[Step] = STEPS,
    more: Callable[[Config], Addition] = nothing,
) -> None:
    """Run everything until SIGINT or SIGTERM; `say` gets lines for the terminal, one of which begins with READY.

    `more` is asked what else is to run, with the configuration as it is in effect.

    Raises:
        CannotStart: something is in use, missing or refused; the text says what to do.
        ConfigError: the offset moves a port beyond the last one.
    """
    config = effective(config, port_offset)
    lock = Lock(config.embedded.data_dir, "`tracemill up`")
    try:
        settle(ports(config))
        broker = broker_of(config, say)
        broker.prepare()
        path = write(config)
        ours = [kafka_part(broker), store_part(config), *_steps(config, path, steps), *_served(config, path, served)]
        added = more(config)
        supervisor = Supervisor([*ours, *added.parts], config.embedded.data_dir / "logs", say)
        asyncio.run(supervisor.run(lambda: _announcement(config, added)))
    finally:
        lock.release()


def effective(config: Config, port_offset: int) -> Config:
    """The configuration with all ports moved, the addresses of Kafka and the store that follow, and absolute paths.

    Raises:
        ConfigError: a port would be beyond 65535; it is named.
    """
    raw: dict[str, Any] = config.model_dump(mode="json")
    for section, name in _PORTS:
        raw[section][name] += port_offset
        if not 0 < raw[section][name] < 65536:
            raise ConfigError(f"--port-offset {port_offset} makes {section}.{name} {raw[section][name]}: use another")
    raw["kafka"]["bootstrap"] = f"127.0.0.1:{raw['embedded']['kafka_port']}"
    raw["kafka"]["security"] = {}
    raw["store"]["url"] = f"http://127.0.0.1:{raw['embedded']['store_port']}"
    raw["embedded"]["data_dir"] = str(config.embedded.data_dir.absolute())
    if config.sampling.rules:
        raw["sampling"]["rules"] = str(config.sampling.rules.absolute())
    return Config.model_validate(raw)


_PORTS: Final = {
    ("ingest", "grpc_port"): "OTLP gRPC",
    ("ingest", "http_port"): "OTLP HTTP",
    ("ingest", "metrics_port"): "ingest metrics",
    ("streams", "metrics_port"): "streams metrics",
    ("sinks", "metrics_port"): "sinks metrics",
    ("api", "port"): "API",
    ("embedded", "store_port"): "store",
    ("embedded", "kafka_port"): "Kafka",
    ("embedded", "kafka_controller_port"): "Kafka controller",
}


def ports(config: Config) -> dict[str, int]:
    """All ports of the stack by what they are for."""
    return {purpose: getattr(getattr(config, section), name) for (section, name), purpose in _PORTS.items()}


def write(config: Config) -> Path:
    """The effective configuration as a file for the parts, readable by this user only: it may hold a password."""
    path = config.embedded.data_dir / "tracemill.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    return path


def ready_line(config: Config) -> str:
    """One line with all addresses."""
    host = reachable(config.ingest.host)
    return (
        f"READY otlp-grpc={host}:{config.ingest.grpc_port} otlp-http=http://{host}:{config.ingest.http_port} "
        f"api=http://{reachable(config.api.host)}:{config.api.port} store={config.store.url} "
        f"kafka={config.kafka.bootstrap} data={config.embedded.data_dir}"
    )


def _announcement(config: Config, added: Addition) -> str:
    return "\n".join([ready_line(config), *([added.announcement()] if added.announcement else [])])


def broker_of(config: Config, say: Say) -> Broker:
    """The embedded Kafka.

    Raises:
        Missing: Java, Maven or the jars.
    """
    return Broker(
        java=java.find(),
        jars=jars.resolve(say),
        directory=config.embedded.data_dir / "kafka",
        port=config.embedded.kafka_port,
        controller_port=config.embedded.kafka_controller_port,
        heap_mb=config.embedded.kafka_heap_mb,
    )


def kafka_part(broker: Broker) -> Part:
    """Kafka; its own warnings are for its log file."""
    return Part(
        name="kafka",
        program=str(broker.java),
        arguments=broker.argv(),
        env={"MALLOC_ARENA_MAX": "2"},
        ready=lambda: ready.why_not(broker.bootstrap),
        echo="ERROR",
    )


def store_part(config: Config) -> Part:
    """The ClickHouse engine behind HTTP."""
    embedded, store = config.embedded, config.store
    options = {
        "--path": embedded.data_dir / "store",
        "--port": embedded.store_port,
        "--memory-bytes": embedded.store_memory_bytes,
        "--log-level": config.log_level,
    }
    return Part(
        name="store",
        program=sys.executable,
        arguments=("-m", "embedded.store", *(str(text) for option in options.items() for text in option)),
        env={"TRACEMILL_STORE_USER": store.user, "TRACEMILL_STORE_PASSWORD": store.password, **_BODIES},
        ready=http_ready(f"{store.url}/readyz"),
    )


def _steps(config: Config, path: Path, steps: Sequence[Step]) -> list[Part]:
    asked = [(step, step.arguments(config)) for step in steps]
    return [
        Part(step.name, sys.executable, _command(arguments, path), frozenset({step.after}), _direct(), once=True)
        for step, arguments in asked
        if arguments
    ]


def _served(config: Config, path: Path, served: Sequence[Served]) -> list[Part]:
    return [
        Part(
            name=part.name,
            program=sys.executable,
            arguments=_command(part.arguments, path),
            after=frozenset({"topics", "schema"}),
            env=_direct() | dict(part.env),
            ready=http_ready(_readiness(*part.health(config))),
        )
        for part in served
    ]


def _direct() -> dict[str, str]:
    """No proxy stands between a machine and itself, whatever the environment says of proxies."""
    without = ",".join(filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "127.0.0.1,localhost")))
    return {"no_proxy": without, "NO_PROXY": without}


def _command(arguments: Sequence[str], path: Path) -> tuple[str, ...]:
    return ("-m", "cli.main", *arguments, "--config", str(path))


def _readiness(host: str, port: int) -> str:
    return f"http://{reachable(host)}:{port}/readyz"


def reachable(host: str) -> str:
    """The address that reaches what listens on `host` from this machine."""
    return "127.0.0.1" if host in _ANY_ADDRESS else host
