"""What Kafka's and the store's clients raise becomes one sentence."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from cli.reaching import plainly, reaching
from runtime.control import ControlError
from tracemill.config import ConfigError, Kafka


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KafkaException(KafkaError(KafkaError._TRANSPORT, "nobody there")), "nobody there"),
        (KafkaException("topic x could not be made: no"), "topic x could not be made: no"),
        (ControlError("3 of 8 partitions didn't take the rules"), "3 of 8 partitions didn't take the rules"),
        (TimeoutError("tracemill.control.v1: not read to its end"), "tracemill.control.v1: not read to its end"),
    ],
)
def test_an_error_names_the_broker_and_what_it_said(error: Exception, said: str) -> None:
    with pytest.raises(ConfigError) as raised, reaching(Kafka(bootstrap="broker:9092"), ControlError):
        raise error
    assert str(raised.value) == f"broker:9092: {said}; `tracemill doctor` says more"


def test_a_defect_stays_one() -> None:
    with pytest.raises(ZeroDivisionError), reaching(Kafka()):
        raise ZeroDivisionError


def test_of_the_network_s_errors_the_first_is_told() -> None:
    outer = RuntimeError("Error HTTPConnectionPool(…): Max retries exceeded")
    outer.__cause__ = ValueError("between")
    outer.__cause__.__context__ = ConnectionRefusedError(111, "Connection refused")
    assert plainly(outer) == "[Errno 111] Connection refused"


def test_of_others_the_last_is_told_in_one_line() -> None:
    outer = RuntimeError("Code: 516. Authentication failed\nStack trace: …")
    outer.__cause__ = ValueError("between")
    assert plainly(outer) == "Code: 516. Authentication failed"
