"""The configuration: every key documented, unknown ones refused by name, values that can't work explained."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
import yaml

from tracemill.config import Config, ConfigError, parse
from tracemill.config_text import default_text

SHIPPED = Path(__file__).parents[3] / "tracemill.yaml"


def test_the_shipped_file_is_what_the_models_say() -> None:
    assert SHIPPED.read_text() == default_text(), "run `tracemill config show > tracemill.yaml`"


def test_the_defaults_read_back_as_the_defaults() -> None:
    assert parse(default_text()) == Config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kafka: {bootstrp: x}", "kafka.bootstrp: unknown key"),
        ("kafka: {partitions: 0}", "kafka.partitions: Input should be greater than 0"),
        ("kafka: {min_insync_replicas: 2}", "kafka.min_insync_replicas is above kafka.replication_factor"),
        ("ingest: {host: 0.0.0.0}", "anyone could write"),
        ("assembly: {max_age_ms: 1000000}", "assembly.memory_horizon_ms must be above assembly.max_age_ms"),
        ("- kafka", "expected sections such as `kafka:`, found list"),
        ("kafka: [", "not YAML"),
    ],
)
def test_what_cannot_work_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"^mine\.yaml: ") as refused:
        parse(text, "mine.yaml")
    assert said in str(refused.value)


def test_several_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(yaml.safe_dump({"kafka": {"a": 1}, "store": {"b": 2}}))
    assert "kafka.a" in str(refused.value)
    assert "store.b" in str(refused.value)


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f'store:\n  password: "{SECRET}\n',
        f"store: {{password: {SECRET}",
        f"store: {{password: [{SECRET}]}}",
        f"store: {{pasword: {SECRET}}}",
        f"store: {{password: {SECRET}, url: [{SECRET}]}}",
        f"store: {{url: 'http://default:{SECRET}@localhost:8123'}}",
        f"kafka: {{security: {{password: {SECRET}}}}}",
        f"kafka: {{security: {{mechanism: {SECRET}}}}}",
        f"ingest: {{tokens: [{{sha256: {SECRET}, tenant: x}}]}}",
        f"ingest: {{tokens: [{{token: {SECRET}, tenant: x}}]}}",
        f"ingest: {{tokens: {SECRET}}}",
        f"sinks: {{otlp_exporter: {{url: 'https://u:{SECRET}@x/v1/traces'}}}}",
        f"sinks: {{otlp_exporter: {{url: 'x', headers: {{authorization: Bearer {SECRET}}}}}}}",
        f"sinks: {{otlp_exporter: {{url: 'https://x', headers: [{SECRET}]}}}}",
        f"store: {{password: *{SECRET}}}",
        f"store: {{password: '\x00{SECRET}'}}",
    ],
)
def test_what_is_refused_is_named_and_its_value_is_not(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text, "mine.yaml")
    told = "".join(traceback.format_exception(refused.value, chain=False)) + str(refused.value)
    assert SECRET not in told.replace(f"*{SECRET}", "").replace(f"alias '{SECRET}'", "")


def test_a_configuration_that_is_printed_shows_no_secret() -> None:
    security = {"mechanism": "PLAIN", "username": "me", "password": SECRET}
    exporter = {"url": "https://x/v1/traces", "headers": {"authorization": SECRET}}
    sections = {"kafka": {"security": security}, "store": {"password": SECRET}, "sinks": {"otlp_exporter": exporter}}
    config = parse(yaml.safe_dump(sections))
    assert config.store.password == SECRET
    assert SECRET not in f"{config!r} {config}"
    assert SECRET not in default_text()
