"""Which processes make the demo's traffic, and what may a newcomer try with it?"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from embedded.demo.visible import FirstTraces
from embedded.parts import Part, http_ready
from embedded.stack import Addition, reachable
from runtime.ports import free_port
from tracemill.config import Config, ConfigError

_PROVIDER: Final = "demo-provider"
_PIPELINE: Final = frozenset({"ingest", "streams", "sinks", "api"})


def traffic(rate: float) -> Callable[[Config], Addition]:
    """What `embedded.stack.up` runs in addition: a stand-in for the provider, and two services that talk to it.

    `rate` is in scenarios a second, of both together.

    Raises:
        ConfigError: (when called with the configuration) the receivers want a token, of which only the hash is known.
    """
    return lambda config: _addition(config, rate)


def _addition(config: Config, rate: float) -> Addition:
    if config.ingest.tokens:
        raise ConfigError("ingest.tokens: demo traffic has no token to show; leave them out, or use `tracemill up`")
    api = f"http://{reachable(config.api.host)}:{config.api.port}"
    first = FirstTraces(config.embedded.data_dir / "demo" / "first-traces", api)
    first.forget()
    port = free_port()
    provider = f"http://127.0.0.1:{port}"
    host = reachable(config.ingest.host)
    grpc, http = f"{host}:{config.ingest.grpc_port}", f"http://{host}:{config.ingest.http_port}"
    told = ("--roots", str(first.file))
    parts = (
        _python(_PROVIDER, "embedded.demo.provider", ("--port", str(port)), ready=http_ready(f"{provider}/readyz")),
        _agent("demo-support", ("openinference", "grpc", grpc), provider, rate / 2, 1, told, first.why_not),
        _agent("demo-shop", ("openllmetry", "http", http), provider, rate / 2, 2),
    )
    return Addition(parts, lambda: suggestions(config, first))


def _agent(
    name: str,
    sends: tuple[str, str, str],
    provider: str,
    rate: float,
    seed: int,
    more: tuple[str, ...] = (),
    ready: Callable[[], str | None] = lambda: None,
) -> Part:
    """A service; `sends` is the library that instruments it, the protocol and the endpoint."""
    options = ("--library", "--protocol", "--endpoint")
    arguments = (
        *("--name", name, "--provider", provider, "--rate", str(rate), "--seed", str(seed)),
        *(text for option in zip(options, sends, strict=True) for text in option),
        *more,
    )
    return _python(name, "embedded.demo.agent", arguments, _PIPELINE | {_PROVIDER}, ready)


def _python(
    name: str,
    module: str,
    arguments: tuple[str, ...],
    after: frozenset[str] = frozenset(),
    ready: Callable[[], str | None] = lambda: None,
) -> Part:
    return Part(name, sys.executable, ("-m", module, *arguments), after, ready=ready)


def suggestions(config: Config, first: FirstTraces) -> str:
    """What to try, each line as it can be pasted into a shell."""
    api, command = first.address("").partition("/api/")[0], _command()
    http = f"http://{reachable(config.ingest.host)}:{config.ingest.http_port}"
    lines = {
        "the page": f"{api}/",
        "one trace": f"curl {first.address(first.visible or '')}",
        "where this is": f"export TRACEMILL_CONFIG={_short(config.embedded.data_dir / 'tracemill.yaml')}",
        "the same, drawn": f"{command} trace {first.visible}",
        "failures": f"{command} traces --since 10m --filter 'error_count > 0'",
        "a span of yours": f"curl -H 'Content-Type: application/json' {http}/v1/traces --data \"{_own_span()}\"",
        "keep what matters": f"{command} rules apply rules.example.yaml",
    }
    return "\n".join(["Try this:", *(f"  {name:<18}{line}" for name, line in lines.items())])


def _own_span() -> str:
    """A span that takes its time, and half of its trace id, from the shell that sends it."""
    span = (
        '{"traceId":"5b8efff798038103$(printf %016x $(date +%s))","spanId":"eee19b7ec3c1b174","name":"hello",'
        '"startTimeUnixNano":"$(date +%s)000000000","endTimeUnixNano":"$(date +%s)500000000",'
        '"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}]}'
    )
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}'.replace('"', '\\"')


def _command() -> str:
    """How `tracemill` is called in this environment."""
    installed = Path(sys.executable).with_name("tracemill")
    if shutil.which("tracemill"):
        return "tracemill"
    return _short(installed) if installed.exists() else f"{_short(Path(sys.executable))} -m cli.main"


def _short(path: Path) -> str:
    """A path as it is written from here, if that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
