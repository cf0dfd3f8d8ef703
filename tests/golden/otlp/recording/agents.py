"""Records the demo's agents: `python agents.py openinference|openllmetry grpc|http ENDPOINT PROVIDER`."""

import contextlib
import sys
import threading
from random import Random

import openai

from embedded.demo import agent, scenarios
from embedded.demo.conversation import World
from embedded.demo.shop import Shop
from embedded.demo.tracing import Carry

CHOSEN = (
    scenarios.session,
    scenarios.retrieval,
    scenarios.rate_limited,
    scenarios.tool_failure,
    scenarios.provider_failure,
    scenarios.broken_stream,
)


def main() -> None:
    library, protocol, endpoint, stand_in = sys.argv[1:]
    agent.isolate()
    service = agent.Service(f"golden-{library}", library, protocol, endpoint, stand_in, 1.0, 1, None)
    carry = Carry()
    provider = agent._tracer_provider(service, carry)
    tracing = agent._tracing(service, provider)
    client = openai.OpenAI(base_url=f"{stand_in}/v1", api_key="stand-in", max_retries=0)
    for number, scenario in enumerate(CHOSEN):
        dice = Random(number)
        world = World(client, tracing, carry, Shop(), dice, threading.Event().wait, f"session-{number:012x}")
        with contextlib.suppress(openai.OpenAIError):
            scenario(world)
    provider.force_flush()
    provider.shutdown()


if __name__ == "__main__":
    main()
