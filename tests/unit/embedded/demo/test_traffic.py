"""The demo's processes follow from the configuration, and what is suggested can be pasted."""

from __future__ import annotations

import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from embedded import parts
from embedded.demo.traffic import suggestions, traffic
from embedded.demo.visible import FirstTraces
from embedded.stack import effective
from tests.builders.receivers import HttpReceiver
from tests.fixtures.waiting import PATIENCE_S
from tracemill.config import ConfigError, Limits, parse, token_hash
from tracemill.otlp.check import check
from tracemill.otlp.from_json import to_protobuf


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


@pytest.fixture
def api(tmp_path):
    """An API that answers at the addresses for which there is a file."""
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_it_is_ready_when_one_of_its_traces_answers_and_earlier_starts_do_not_count(tmp_path, api, monkeypatch):
    monkeypatch.setattr(parts, "PROBE_TIMEOUT_S", PATIENCE_S)
    file, served = tmp_path / "demo" / "first-traces", tmp_path / "served" / "api" / "v1" / "traces"
    served.mkdir(parents=True)
    file.parent.mkdir()
    file.write_text("old\n")
    (served / "old").touch()
    first = FirstTraces(file, api)
    first.forget()
    assert "no trace" in first.why_not()
    file.write_text("aa\nbb\n")
    assert "404" in first.why_not()
    (served / "bb").touch()
    assert first.why_not() is None
    assert first.visible == "bb"


def test_the_span_that_is_suggested_is_sent_as_it_is_written(config):
    with HttpReceiver() as receiver:
        text = suggestions(config, FirstTraces(config.embedded.data_dir / "x", "http://127.0.0.1:1"))
        (line,) = (line for line in text.splitlines() if "a span of yours" in line)
        command = line.split("a span of yours", 1)[1].replace(
            "http://127.0.0.1:4321", f"http://127.0.0.1:{receiver.port}"
        )
        subprocess.run(["bash", "-c", f"{command} --noproxy '*' --silent"], check=True)
        body = to_protobuf(receiver.bodies[0])
    assert check(body, Limits()).accepted == 1
