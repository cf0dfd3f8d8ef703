"""Which runs are asked for, each with how many workers, which configuration, and where does it write?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracemill.config import Config, ConfigError


@dataclass(frozen=True, slots=True)
class Run:
    """One reading: what it is called, by how many workers, and their configuration with its `output_namespace`."""

    name: str
    workers: int
    config: Config

    @property
    def output(self) -> str:
        """The first part of the names of its topics."""
        return self.config.streams.output_namespace or self.config.kafka.namespace


def plan(counts: Sequence[int], configs: Sequence[tuple[str, Config]], partitions: int, mark: str) -> list[Run]:
    """The runs, each with topics and a group whose names hold `mark`.

    Raises:
        ConfigError: there are less than two runs, or configurations for some of them only, or not for one log.
    """
    if len(counts) < 2:
        raise ConfigError("--workers: give it at least twice, e.g. --workers 1 --workers 3")
    if len(configs) not in (1, len(counts)):
        raise ConfigError(f"--config: {len(configs)} of them for {len(counts)} runs; give one, or one for each run")
    if len({(config.kafka.bootstrap, config.kafka.namespace) for _, config in configs}) > 1:
        raise ConfigError("--config: they name different logs; kafka.bootstrap and kafka.namespace must be the same")
    wanted = configs if len(configs) > 1 else [*configs] * len(counts)
    runs = []
    for number, (count, (source, config)) in enumerate(zip(counts, wanted, strict=True), 1):
        name = f"{count} worker{'s' if count > 1 else ''}" + (f", {Path(source).name}" if len(configs) > 1 else "")
        output = f"{config.kafka.namespace}-reread-{mark}-{number}"
        streams = config.streams.model_copy(update={"output_namespace": output, "group": output})
        kafka = config.kafka.model_copy(update={"partitions": partitions})
        runs.append(Run(name, count, config.model_copy(update={"streams": streams, "kafka": kafka})))
    return runs
