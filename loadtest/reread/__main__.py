"""Do so many workers decide what one decides? Reads a log again with each number of workers, and compares the rows.

python -m loadtest.reread --workers 1 --workers 3 --config .tracemill/tracemill.yaml
python -m loadtest.reread --workers 1 --workers 4 --bootstrap 127.0.0.1:9092 --namespace tracemill

A running stack isn't disturbed: each run has its own consumer group and its own topics, which are removed at the end.
All that it leaves in the log are ticks, which say nothing but that time has passed.
"""

from __future__ import annotations

import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from confluent_kafka import KafkaException

from loadtest.commands import CommandFailed, run
from loadtest.reread.compare import compare
from loadtest.reread.log import SourceLog
from loadtest.reread.plan import Run, plan
from loadtest.reread.replay import Replay, own_topics
from loadtest.reread.report import Compared, table
from tracemill.config import Config, ConfigError, parse

DEFAULT_WORKERS: Final = (1, 3)


class NothingDecidedError(CommandFailed):
    """There are no rows to be compared."""


def main(
    workers: Annotated[
        list[int] | None, typer.Option(min=1, help="Of a run; given once for each run. 1 and 3 by default.")
    ] = None,
    config: Annotated[list[Path] | None, typer.Option(help="YAML file: one for all runs, or one for each.")] = None,
    bootstrap: Annotated[str, typer.Option(help="Address of a broker, whatever the configuration says.")] = "",
    namespace: Annotated[str, typer.Option(help="First part of the topics' names, likewise.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the topics of the runs.")] = False,
) -> None:
    """Read a log again with each number of workers; exits with 1 if rows differ, 2 if it could not be done."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    more = {"kafka": {name: value for name, value in (("bootstrap", bootstrap), ("namespace", namespace)) if value}}
    try:
        runs, compared = _read_and_compare(workers or list(DEFAULT_WORKERS), _configs(config or [], more), keep)
    except KafkaException as error:
        raise CommandFailed(f"Kafka: {error}") from error
    print(table([each.name for each in runs], compared))
    equal = all(each.equal for each in compared)
    print(f"\n{'all runs wrote the same rows' if equal else 'the runs DIFFER'}")
    raise SystemExit(0 if equal else 1)


def _configs(files: Sequence[Path], more: dict[str, Any]) -> list[tuple[str, Config]]:
    """Configurations with the names of their files; the defaults where there is no file."""
    try:
        texts = [(str(file), file.read_text()) for file in files] or [("defaults", "")]
    except OSError as error:
        raise ConfigError(f"--config {error.filename}: {error.strerror}") from error
    return [(source, parse(text, source, more)) for source, text in texts]


def _read_and_compare(
    counts: Sequence[int], configs: Sequence[tuple[str, Config]], keep: bool
) -> tuple[list[Run], list[Compared]]:
    log = SourceLog(configs[0][1].kafka)
    runs = plan(counts, configs, log.partitions, secrets.token_hex(3))
    _say(f"{log.topic}: {sum(log.end) - sum(log.first):,} records in {log.partitions} partitions")
    cut = None
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracemill-reread-")))
        for number, each in enumerate(runs):
            stack.enter_context(own_topics(each, keep, _say))
            cut = Replay(each, log, directory / str(number), _say).read(cut)
        compared = list(compare(runs, cut or log.end, _say))
    if not any(summary.rows for each in compared for summary in each.summaries):
        raise NothingDecidedError(f"no run decided anything about {log.topic}: are there traces in it?")
    return runs, compared


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
