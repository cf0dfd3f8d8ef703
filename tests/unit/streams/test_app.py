"""Who is a worker to its consumer group?"""

from __future__ import annotations

from streams.app import instance_of
from tracemill.config import Streams


def test_a_worker_on_the_same_port_is_the_same_one_again() -> None:
    assert instance_of(Streams(metrics_port=9001)) == instance_of(Streams(metrics_port=9001))
    assert instance_of(Streams(metrics_port=9001)) != instance_of(Streams(metrics_port=9002))


def test_a_name_of_its_own_is_its_name() -> None:
    assert instance_of(Streams(instance="streams-0")) == "streams-0"
