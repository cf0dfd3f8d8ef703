"""What does one of the demo's services do all day? It goes through scenarios at a steady rate, after a first burst.

A process of its own: an OpenAI client is instrumented by the process, and by one library only. Libraries that read the
environment are imported after it was cleaned.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

_FOREIGN: Final = ("OTEL_", "TRACELOOP_", "OPENINFERENCE_", "OPENAI_")
WORKERS: Final = 8
EXPORT_EVERY_MS: Final = 500
FLUSH_MS: Final = 3_000

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its name, which library instruments it, and how it exports. All of it comes from the command line."""

    name: str
    library: str
    protocol: str
    endpoint: str
    provider: str
    rate: float
    seed: int
    roots: Path | None


def isolate() -> None:
    """Take nothing from the user's environment: neither where their own traces go, nor a proxy; and report nothing."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[name]
    os.environ |= {"TRACELOOP_TELEMETRY": "false", "TRACELOOP_METRICS_ENABLED": "false"}
    os.environ |= {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}


def run(service: Service, stop: threading.Event) -> None:
    """Go through scenarios until `stop` is set, then export what is left."""
    import openai

    from embedded.demo.tracing import Carry

    carry = Carry()
    provider = _tracer_provider(service, carry)
    tracing = _tracing(service, provider)
    client = openai.OpenAI(base_url=f"{service.provider}/v1", api_key="stand-in", max_retries=0)
    waiting: queue.Queue[tuple[Any, Random]] = queue.Queue(maxsize=WORKERS)
    arguments = (waiting, client, tracing, carry, stop)
    # Daemons: a scenario that waits for a slow answer doesn't hold up the end of the process.
    for number in range(WORKERS):
        threading.Thread(target=_work, args=arguments, name=f"agent-{number}", daemon=True).start()
    for task in _tasks(service, stop):
        waiting.put(task)
    provider.force_flush(FLUSH_MS)


def _tasks(service: Service, stop: threading.Event) -> Iterator[tuple[Any, Random]]:
    """Scenarios and their dice: one of each at once, then `rate` a second."""
    from embedded.demo.scenarios import SCENARIOS

    dice = Random(service.seed)
    for scenario in SCENARIOS:
        yield scenario, Random(dice.random())
    names, weights = list(SCENARIOS), list(SCENARIOS.values())
    while not stop.wait(dice.expovariate(service.rate)):
        yield dice.choices(names, weights)[0], Random(dice.random())


def _work(
    waiting: queue.Queue[tuple[Any, Random]], client: Any, tracing: Any, carry: Any, stop: threading.Event
) -> None:
    """What one thread does: a scenario after the other, each in a world of its own."""
    import openai

    from embedded.demo.conversation import World
    from embedded.demo.shop import Shop

    shop = Shop()
    while True:
        scenario, dice = waiting.get()
        session = f"session-{dice.getrandbits(48):012x}"
        try:
            scenario(World(client, tracing, carry, shop, dice, stop.wait, session))
        except openai.OpenAIError:
            _LOG.debug("a scenario ended with an error of the provider, as some are meant to")
        except Exception:
            _LOG.exception("a scenario failed")


def _tracer_provider(service: Service, carry: Any) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from embedded.demo.tracing import Roots

    resource = Resource.create({"service.name": service.name, "deployment.environment.name": "demo"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(carry)
    provider.add_span_processor(BatchSpanProcessor(_exporter(service), schedule_delay_millis=EXPORT_EVERY_MS))
    if service.roots:
        provider.add_span_processor(Roots(service.roots))
    return provider


def _exporter(service: Service) -> Any:
    if service.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        return GrpcExporter(endpoint=service.endpoint, insecure=True)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

    return HttpExporter(endpoint=f"{service.endpoint}/v1/traces")


def _tracing(service: Service, provider: Any) -> Any:
    if service.library == "openinference":
        from embedded.demo.openinference import OpenInference

        return OpenInference(provider)
    from embedded.demo.openllmetry import OpenLLMetry

    return OpenLLMetry(provider)


def _service() -> Service:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--library", choices=("openinference", "openllmetry"), required=True)
    parser.add_argument("--protocol", choices=("grpc", "http"), required=True)
    parser.add_argument("--endpoint", required=True, help="host:port for grpc, a URL for http")
    parser.add_argument("--provider", required=True, help="URL of the stand-in")
    parser.add_argument("--rate", type=float, default=1.0, help="scenarios a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--roots", type=Path, default=None, help="where the ids of the first traces are written")
    return Service(**vars(parser.parse_args()))


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    service, stop = _service(), threading.Event()
    isolate()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(service, stop)


if __name__ == "__main__":
    main()
