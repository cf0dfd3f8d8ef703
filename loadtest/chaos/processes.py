"""Which processes does a target have, and is its part ready?"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from loadtest.accounting import Process, read_process, read_tree
from loadtest.stack import part_of
from runtime.kafka import QUIET, client_settings
from tracemill.config import Config

LOOK_S: Final = 0.2
ANSWER_S: Final = 2.0
WORKER_OF: Final = " worker"


def find(target: str) -> list[Process]:
    """The processes of a target among those that descend from this one, the oldest first.

    A part is the process that began it: `ingest worker` are the children of the part `ingest`.
    """
    tree = read_tree(os.getpid())
    parts = {process.pid: part_of(process) for process in tree}
    wanted = target.removesuffix(WORKER_OF)
    if target.endswith(WORKER_OF):
        found = [process for process in tree if parts.get(process.parent) == wanted]
    else:
        found = [process for process in tree if parts[process.pid] == wanted and parts.get(process.parent) != wanted]
    return sorted(found, key=lambda process: process.started)


def chosen(target: str, pick: float, patience_s: float) -> Process | None:
    """One of a target's processes, by `pick` (0 to 1); None if there is none for so long."""
    deadline_s = time.monotonic() + patience_s
    while not (found := find(target)):
        if time.monotonic() > deadline_s:
            return None
        time.sleep(LOOK_S)
    return found[min(int(pick * len(found)), len(found) - 1)]


def send(process: Process, number: signal.Signals) -> bool:
    """Send a signal; False if the process is gone."""
    now = read_process(process.pid)
    if now is None or now.started != process.started:
        return False
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)
        return True
    return False


class Readiness:
    """Asks the parts of a stack whether they are ready."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._opener = build_opener(ProxyHandler({}))
        self._urls: Mapping[str, str] = {
            "ingest": f"http://{config.ingest.host}:{config.ingest.metrics_port}",
            "streams": f"http://{config.streams.metrics_host}:{config.streams.metrics_port}",
            "sinks": f"http://{config.sinks.metrics_host}:{config.sinks.metrics_port}",
            "api": f"http://{config.api.host}:{config.api.port}",
            "store": config.store.url,
        }

    @property
    def parts(self) -> list[str]:
        """All that can be asked."""
        return [*self._urls, "kafka"]

    def why_not(self, target: str) -> str | None:
        """Why a target's part isn't ready (a sentence), or None."""
        part = target.removesuffix(WORKER_OF)
        return self._broker() if part == "kafka" else self._served(f"{self._urls[part]}/readyz")

    def wait(self, target: str, patience_s: float, gone: Callable[[], bool] = lambda: False) -> float | None:
        """Seconds until a target's part is ready; None if that takes too long, or `gone` says that nobody waits."""
        began_s = time.monotonic()
        while self.why_not(target) is not None:
            if gone() or time.monotonic() - began_s > patience_s:
                return None
            time.sleep(LOOK_S)
        return time.monotonic() - began_s

    def _served(self, url: str) -> str | None:
        try:
            with self._opener.open(url, timeout=ANSWER_S):
                return None
        except HTTPError as error:
            return error.read(500).decode(errors="replace").strip() or str(error)
        except OSError as error:
            return f"{url} doesn't answer: {getattr(error, 'reason', error)}"

    def _broker(self) -> str | None:
        try:
            AdminClient(client_settings(self._config.kafka, log_level=QUIET)).list_topics(timeout=ANSWER_S)
        except KafkaException as error:
            return str(error.args[0].str())
        return None
