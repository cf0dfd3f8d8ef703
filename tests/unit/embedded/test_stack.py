"""The stack follows from the configuration: ports, addresses, files, order."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded import stack
from tracemill.config import Config, ConfigError, parse


@given(st.integers(1, 50_000))
def test_an_offset_moves_all_ports_and_the_addresses_follow(offset):
    before, after = stack.ports(Config()), stack.effective(Config(), offset)
    assert stack.ports(after) == {purpose: port + offset for purpose, port in before.items()}
    assert after.kafka.bootstrap == f"127.0.0.1:{after.embedded.kafka_port}"
    assert after.store.url == f"http://127.0.0.1:{after.embedded.store_port}"


def test_every_port_of_the_configuration_is_moved():
    """A section may get a port that the stack forgets."""
    raw = Config().model_dump()
    names = {(part, name) for part, section in raw.items() if isinstance(section, dict) for name in section}
    assert set(stack._PORTS) == {(part, name) for part, name in names if name == "port" or name.endswith("_port")}


@pytest.mark.parametrize("offset", [60_000, -5_000])
def test_an_offset_out_of_bounds_names_the_port(offset):
    with pytest.raises(ConfigError, match=rf"--port-offset {offset} makes \w+\.\w+ "):
        stack.effective(Config(), offset)


def test_the_parts_get_the_configuration_as_it_is_in_effect(tmp_path):
    config = stack.effective(parse(f"embedded: {{data_dir: {tmp_path}}}\nsampling: {{rules: rules.yaml}}"), 7)
    path = stack.write(config)
    assert parse(path.read_text()) == config
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert config.sampling.rules == Path("rules.yaml").absolute()


def test_one_line_holds_all_addresses():
    config = stack.effective(parse("embedded: {data_dir: /d}\ningest: {host: 0.0.0.0, insecure: true}"), 1)
    assert stack.ready_line(config) == (
        "READY otlp-grpc=127.0.0.1:4318 otlp-http=http://127.0.0.1:4319 api=http://127.0.0.1:8081 "
        "store=http://127.0.0.1:8124 kafka=127.0.0.1:9093 data=/d"
    )


def test_parts_wait_for_topics_and_tables_and_rules_are_only_applied_if_there_are_any():
    config = Config()
    steps = stack._steps(config, Path("c.yaml"), stack.STEPS)
    assert [(step.name, step.after, step.once) for step in steps] == [
        ("topics", {"kafka"}, True),
        ("schema", {"store"}, True),
    ]
    served = stack._served(config, Path("c.yaml"), stack.SERVED)
    assert [part.name for part in served][-1] == "ingest"
    assert all(part.after == {"topics", "schema"} for part in served)
    assert served[-1].arguments == ("-m", "cli.main", "ingest", "--config", "c.yaml")
    rules = stack._steps(parse("sampling: {rules: r.yaml}"), Path("c.yaml"), stack.STEPS)[-1]
    assert rules.arguments == ("-m", "cli.main", "rules", "apply", "r.yaml", "--config", "c.yaml")


def test_the_store_gets_its_password_where_nobody_reads_it():
    part = stack.store_part(parse("store: {password: secret}"))
    assert part.env["TRACEMILL_STORE_PASSWORD"] == "secret"
    assert not any("secret" in argument for argument in part.arguments)


def test_what_is_added_is_announced_after_the_line_that_says_ready():
    config = Config()
    assert stack._announcement(config, stack.nothing(config)) == stack.ready_line(config)
    added = stack.Addition((), lambda: "Try this:\n  that")
    assert stack._announcement(config, added) == f"{stack.ready_line(config)}\nTry this:\n  that"


@pytest.mark.parametrize(("before", "after"), [(None, ""), ("example.com", "example.com,")])
def test_no_proxy_stands_between_the_parts(monkeypatch, before, after):
    monkeypatch.delenv("no_proxy", raising=False)
    if before:
        monkeypatch.setenv("NO_PROXY", before)
    else:
        monkeypatch.delenv("NO_PROXY", raising=False)
    config = Config()
    for part in (*stack._steps(config, Path("c"), stack.STEPS), *stack._served(config, Path("c"), stack.SERVED)):
        assert part.env["no_proxy"] == part.env["NO_PROXY"] == f"{after}127.0.0.1,localhost"
