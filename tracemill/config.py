"""What can be configured, with which defaults, and which values are refused? One model a part.

One YAML file configures every part; unknown keys are refused and named. `tracemill.yaml` is rendered from these
models. Durations are whole milliseconds, because log time is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tracemill.topics import NAMESPACE, RECORD_BYTES

Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(gt=0)]


def _without_credentials(url: str) -> str:
    host, _, _ = url.partition("://")[2].partition("/")
    if "@" in host:
        raise ValueError("an address isn't kept secret: take name and password out of it, there are keys for them")
    return url


Url = Annotated[str, AfterValidator(_without_credentials)]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class ConfigError(ValueError):
    """The configuration can't be used; the text names the file, the key and what to do."""


class Section(BaseModel):
    """A part's section: unknown keys are refused, nothing changes after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSecurity(Section):
    """How a client and Kafka know each other. By default they don't: plain text, on a network that is trusted."""

    tls: bool = Field(False, description="Talk TLS.")
    ca_file: Path | None = Field(None, description="Certificates to trust, PEM; null: those of the system.")
    cert_file: Path | None = Field(None, description="The client's own certificate, PEM, where Kafka asks for one.")
    key_file: Path | None = Field(None, description="And its key, PEM without a password.")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(None, description="Of SASL, if any.")
    username: str = ""
    password: str = Field("", repr=False)
    password_file: Path | None = Field(None, description="Read instead of `password`, e.g. a mounted secret.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.mechanism and not (self.username and (self.password or self.password_file)):
            raise ValueError("mechanism needs username, and password or password_file")
        if not self.mechanism and (self.username or self.password or self.password_file):
            raise ValueError("username and password need a mechanism, e.g. SCRAM-SHA-512")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file belong together")
        if not self.tls and (self.ca_file or self.cert_file):
            raise ValueError("ca_file and cert_file are of use with tls: true only")
        return self


class Kafka(Section):
    """Where the log is, and how its topics are made."""

    bootstrap: str = Field("127.0.0.1:9092", description="Addresses of brokers, comma-separated.")
    namespace: str = Field(NAMESPACE, pattern=r"^[a-z][a-z0-9-]*$", description="First part of every topic's name.")
    partitions: Positive = Field(8, description="Of otlp, decisions, spans, traces and signals. Fixed once made.")
    replication_factor: Positive = Field(1, description="3 on a cluster.")
    min_insync_replicas: Positive = Field(1, description="2 on a cluster.")
    retained_bytes: Positive = Field(2 * 1024**3, description="Kept in all topics together, at most.")
    compression: Literal["none", "lz4", "zstd"] = Field(
        "lz4",
        description="Of all that we write. zstd takes a third less disk and network, and more CPU.",
    )
    security: KafkaSecurity = KafkaSecurity()

    @model_validator(mode="after")
    def _replicas(self) -> Self:
        if self.min_insync_replicas > self.replication_factor:
            raise ValueError("kafka.min_insync_replicas is above kafka.replication_factor: nothing could be written")
        return self


class Limits(Section):
    """What is refused at the edge, before it shares a record with others."""

    request_bytes: Positive = Field(16 * 1024**2, description="Of a request as it arrives.")
    inflated_bytes: Positive = Field(64 * 1024**2, description="Of a request once decompressed.")
    request_spans: Positive = Field(50_000, description="In one request.")
    span_bytes: Positive = Field(2 * 1024**2, le=RECORD_BYTES // 2, description="Of a single span.")


class Token(Section):
    """A key that a client shows, stored as its hash, and the tenant that it stands for."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the token, in hex.")
    tenant: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$")
    name: str = Field("", max_length=200, description="Whose token it is: named beside what was ordered with it.")


class KafkaReceiver(Section):
    """A topic that a Collector's kafkaexporter writes (encoding otlp_proto)."""

    bootstrap: str
    topic: str = "otlp_spans"
    group: str = "tracemill-receiver"
    tenant: str = "default"
    security: KafkaSecurity = KafkaSecurity()


class Ingest(Section):
    """The OTLP receivers."""

    host: str = "127.0.0.1"
    grpc_port: Port = 4317
    http_port: Port = 4318
    metrics_port: Port = 9464
    workers: Positive = Field(1, description="Processes that share the ports by SO_REUSEPORT.")
    linger_ms: int = Field(20, ge=0, le=20, description="How long a bundle waits for more.")
    bundle_bytes: Positive = Field(1024**2, le=RECORD_BYTES, description="A bundle is sent when it is this large.")
    in_flight_bytes: Positive = Field(128 * 1024**2, description="Of requests not yet answered; above it: 503.")
    delivery_timeout_ms: Positive = Field(10_000, description="A broker that takes longer is away: 503.")
    tokens: tuple[Token, ...] = Field((), description="Without any: tenant `default`, on loopback only.")
    insecure: bool = Field(False, description="Serve without tokens on an address that isn't loopback.")
    kafka_receiver: KafkaReceiver | None = Field(None, description="Read what a Collector wrote to Kafka.")

    @model_validator(mode="after")
    def _open_door(self) -> Self:
        if not self.tokens and not self.insecure and self.host not in LOOPBACK:
            raise ValueError(
                f"ingest.host {self.host} isn't loopback and ingest.tokens is empty: anyone could write. "
                "Configure tokens, or say so with --insecure"
            )
        return self


class Assembly(Section):
    """When a trace is complete, closed, late, forgotten. All in log time."""

    quiet_period_ms: Positive = Field(2_000, description="A trace with its root is complete after so long of nothing.")
    max_idle_ms: Positive = Field(30_000, description="A trace without its root is closed after so long of nothing.")
    max_age_ms: Positive = Field(300_000, description="A trace is closed this long after its first record.")
    max_spans: Positive = Field(100_000, le=100_000, description="A trace is closed when it holds so many.")
    max_trace_bytes: Positive = Field(64 * 1024**2, description="A trace is closed when its spans have so many.")
    partition_bytes: Positive = Field(128 * 1024**2, description="Memory of a partition's open traces; the oldest go.")
    carry_after_ms: Positive = Field(30_000, description="An older open trace no longer holds the commit back.")
    late_grace_ms: Positive = Field(30_000, description="Spans of a decided trace stay in memory so long.")
    late_grace_bytes: Positive = Field(32 * 1024**2, description="But not more of them a partition.")
    memory_horizon_ms: Positive = Field(900_000, description="What was decided is remembered so long.")

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.memory_horizon_ms <= self.max_age_ms:
            raise ValueError("assembly.memory_horizon_ms must be above assembly.max_age_ms")
        return self


class Streams(Section):
    """The workers that assemble and decide."""

    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 9465
    group: str = Field("tracemill-streams", description="The consumer group.")
    instance: str | None = Field(
        None,
        pattern=r"^[a-zA-Z0-9._-]{1,200}$",
        description="Who this worker is, also when it is started again; null: its host's name and metrics_port.",
    )
    output_namespace: str | None = Field(
        None, description="Write to these topics instead; for replays into fresh ones."
    )
    flush_idle_ms: Positive = 250
    flush_load_ms: Positive = 1_000
    session_timeout_ms: Positive = Field(8_000, description="A worker silent for so long loses its partitions.")


class OtlpExporter(Section):
    """An OTLP endpoint that gets every kept span, over HTTP as protobuf."""

    url: Url = Field(pattern=r"^https?://", description="With the path, e.g. http://collector:4318/v1/traces.")
    headers: dict[str, str] = Field({}, repr=False, description="Sent with every request, e.g. an authorization.")
    group: str = Field("tracemill-otlp-exporter", description="The consumer group.")
    request_spans: Positive = Field(2_000, description="A request at most, as far as records can be divided.")
    timeout_ms: Positive = 10_000


class Sinks(Section):
    """The writers to the store and to other OTLP endpoints."""

    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 9466
    group: str = "tracemill-sinks"
    instance: str | None = Field(
        None,
        pattern=r"^[a-zA-Z0-9._-]{1,200}$",
        description="Who this sink is, also when it is started again; null: its host's name and metrics_port.",
    )
    session_timeout_ms: Positive = Field(10_000, description="A sink silent for so long loses its partitions.")
    insert_rows: Positive = Field(20_000, description="Rows an insert under load.")
    insert_bytes: Positive = Field(32 * 1024**2, description="Or so many bytes of the log.")
    linger_ms: Positive = Field(250, description="At most one insert a table in so long when it is quiet.")
    load_linger_ms: Positive = Field(1_000, description="How long rows wait for more under load.")
    buffer_bytes: Positive = Field(64 * 1024**2, description="Held in memory a table; above it reading pauses.")
    retention_days: Positive = Field(30, description="What is stored is removed so many days after it happened.")
    otlp_exporter: OtlpExporter | None = Field(None, description="Send kept traces to an OTLP endpoint as well.")


class Store(Section):
    """The ClickHouse that holds spans and traces."""

    url: Url = "http://127.0.0.1:8123"
    database: str = Field("tracemill", pattern=r"^[a-z_][a-z0-9_]*$")
    cluster: str = Field("", pattern=r"^[a-zA-Z0-9_-]*$", description="Make replicated tables on this cluster.")
    user: str = "default"
    password: str = Field("", repr=False)


class Api(Section):
    """The query API and the page. Its tokens are those of `ingest.tokens`."""

    host: str = "127.0.0.1"
    port: Port = 8080
    insecure: bool = Field(False, description="Serve without tokens on an address that isn't loopback.")


class Embedded(Section):
    """What `tracemill up` starts on one machine."""

    data_dir: Path = Path(".tracemill")
    kafka_port: Port = 9092
    kafka_controller_port: Port = 9093
    kafka_heap_mb: Positive = 512
    store_port: Port = 8123
    store_memory_bytes: Positive = 1536 * 1024**2


class DeadLetters(Section):
    """What is kept of records that can't be read."""

    content: bool = Field(False, description="Keep the bytes themselves, not just their length, hash and position.")


class Sampling(Section):
    """Which traces are kept. Without rules every trace is."""

    rules: Path | None = Field(None, description="A YAML file of rules, applied at the start of an embedded stack.")


class Config(Section):
    """Everything."""

    kafka: Kafka = Kafka()
    limits: Limits = Limits()
    ingest: Ingest = Ingest()
    assembly: Assembly = Assembly()
    sampling: Sampling = Sampling()
    streams: Streams = Streams()
    sinks: Sinks = Sinks()
    store: Store = Store()
    api: Api = Api()
    embedded: Embedded = Embedded()
    dead_letters: DeadLetters = DeadLetters()
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def parse(text: str, source: str = "configuration", more: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """The configuration in a YAML text, with the sections in `more` laid over it.

    Raises:
        ConfigError: it is no YAML, or a key is unknown or has a value that is refused; every such key is named.
    """
    try:
        raw: Any = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not YAML: {_where(error)}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{source}: expected sections such as `kafka:`, found {type(raw).__name__}")
    for section, values in (more or {}).items():
        given = raw.get(section) or {}
        raw[section] = given | dict(values) if isinstance(given, dict) else given
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{source}: " + "; ".join(_explain(problem) for problem in error.errors())) from error


def _where(error: yaml.YAMLError) -> str:
    """The line and what is wrong with it; not what stands there, which may be a password."""
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {getattr(error, 'problem', None)}" if mark else "a character that YAML doesn't have"


def _explain(problem: Any) -> str:
    where = ".".join(str(step) for step in problem["loc"]) or "configuration"
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"


def token_hash(token: str) -> str:
    """How a token is stored: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
