"""The demo's processes follow from the configuration, and what is suggested can be pasted."""

from __future__ import annotations

import subprocess

import pytest

from embedded.demo.traffic import suggestions, traffic
from embedded.demo.visible import FirstTraces
from embedded.stack import effective
from tests.builders.receivers import HttpReceiver
from tracemill.config import ConfigError, parse, token_hash
from tracemill.config import Limits
from tracemill.otlp.check import check
from tracemill.otlp.from_json import from_json


@pytest.fixture
def config(tmp_path):
    return effective(parse(f"embedded: {{data_dir: {tmp_path}}}"), 3)


def test_two_services_by_two_libraries_over_two_protocols_share_the_rate(config):
    provider, *agents = traffic(5.0)(config).parts
    said = [dict(zip(part.arguments[2::2], part.arguments[3::2], strict=True)) for part in agents]
    assert {(one["--library"], one["--protocol"], one["--endpoint"]) for one in said} == {
        ("openinference", "grpc", "127.0.0.1:4320"),
        ("openllmetry", "http", "http://127.0.0.1:4321"),
    }
    assert sum(float(one["--rate"]) for one in said) == 5.0
    assert {one["--provider"] for one in said} == {f"http://127.0.0.1:{provider.arguments[-1]}"}
    assert all("ingest" in part.after and provider.name in part.after for part in agents)


def test_receivers_that_want_a_token_are_refused(config):
    wants = parse(f"ingest: {{tokens: [{{sha256: {token_hash('x')}, tenant: a}}]}}")
    with pytest.raises(ConfigError, match=r"ingest\.tokens: demo traffic has no token"):
        traffic(1.0)(wants)


def test_it_is_ready_when_one_of_its_traces_answers_and_earlier_starts_do_not_count(tmp_path):
    with HttpReceiver() as api:
        file = tmp_path / "demo" / "first-traces"
        first = FirstTraces(file, api.endpoint)
        first.forget()
        assert "no trace" in (first.why_not() or "")
        file.write_text("aa\nbb\n")
        assert first.why_not() is not None
        assert first.visible is None


def test_the_span_that_is_suggested_is_sent_as_it_is_written(config):
    with HttpReceiver() as receiver:
        text = suggestions(config, FirstTraces(config.embedded.data_dir / "x", "http://127.0.0.1:1"))
        (line,) = (line for line in text.splitlines() if "a span of yours" in line)
        command = line.split("a span of yours", 1)[1].replace("http://127.0.0.1:4321", receiver.endpoint)
        subprocess.run(["bash", "-c", f"{command} --noproxy '*' --silent"], check=True)
        body = from_json(receiver.bodies[0])
    assert check(body, Limits()).accepted == 1
