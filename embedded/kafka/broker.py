"""How is Kafka configured, formatted and started on one machine?"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from embedded.refusals import NotFormatted
from tracemill.topics import RECORD_BYTES

_LOGGING: Final = Path(__file__).with_name("log4j2.properties")
_META: Final = "meta.properties"


@dataclass(frozen=True, slots=True)
class Broker:
    """A node: its ports on loopback, its data under `directory`, the Java and the jars that run it."""

    java: Path
    jars: Path
    directory: Path
    port: int
    controller_port: int
    heap_mb: int = 512

    @property
    def bootstrap(self) -> str:
        """Its address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def log_directory(self) -> Path:
        """Where the records are."""
        return self.directory / "log"

    def prepare(self) -> None:
        """Write the configuration, and format the storage if this is the first start on this directory.

        Raises:
            NotFormatted: Kafka refused to.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{name}={value}\n" for name, value in self.properties().items())
        self._properties_file.write_text(text)
        if not (self.log_directory / _META).exists():
            self._format()

    def properties(self) -> Mapping[str, str]:
        """`server.properties`."""
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": f"BROKER://{self.bootstrap},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"BROKER://{self.bootstrap}",
            "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "BROKER",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.log_directory),
            **_ONE_MACHINE,
        }

    def argv(self) -> tuple[str, ...]:
        """The command line, without the program."""
        return (
            "-Xms64m",
            f"-Xmx{self.heap_mb}m",
            *_JVM,
            f"-XX:ErrorFile={self.directory}/java-error.log",
            f"-Dlog4j2.configurationFile={_LOGGING}",
            "-cp",
            f"{self.jars}/*",
            "kafka.Kafka",
            str(self._properties_file),
        )

    @property
    def _properties_file(self) -> Path:
        return self.directory / "server.properties"

    def _format(self) -> None:
        """Give the storage a cluster id, which stays in it."""
        cluster_id = _cluster_id()
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id]
        classpath = ["-cp", f"{self.jars}/*"]
        done = subprocess.run(
            [str(self.java), "-Xmx128m", *_JVM, *classpath, *tool, "-c", str(self._properties_file)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise NotFormatted(f"Kafka could not format {self.log_directory}: {(done.stdout + done.stderr).strip()}")


# Measured with 1 GB of 0.5 MB records on two cores, idle RSS and CPU: G1 and both compilers 232 MB and 6.2 s; serial
# and the first compiler only 171 MB and 3.1 s, because a broker of large records moves bytes and runs little code.
_JVM: Final = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xss256k",
    "-XX:MaxMetaspaceSize=128m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)

_ONE_MACHINE: Final = {
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024**2),
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(RECORD_BYTES + 256 * 1024),
    "socket.request.max.bytes": str(64 * 1024**2),
    "replica.fetch.max.bytes": str(RECORD_BYTES + 256 * 1024),
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    # After kill -9 the node is let in again when the session of its former life is over: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "100",
    "group.min.session.timeout.ms": "1000",
    "log.retention.check.interval.ms": "30000",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    # A transactional producer is refused when it introduces itself: none can ask for less than this.
    "transaction.max.timeout.ms": "1",
}


def _cluster_id() -> str:
    """A random id that Kafka's tool doesn't take for an option, as it would one that begins with a dash."""
    while (found := base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return found
