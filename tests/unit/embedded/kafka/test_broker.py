"""The broker's configuration holds what the rest relies on."""

from pathlib import Path

from embedded.kafka.broker import Broker
from tracemill.topics import ALL, RECORD_BYTES

BROKER = Broker(Path("/java"), Path("/jars"), Path("/data/kafka"), 1234, 1235, heap_mb=99)


def test_it_listens_on_loopback_only():
    properties = BROKER.properties()
    assert properties["listeners"] == "BROKER://127.0.0.1:1234,CONTROLLER://127.0.0.1:1235"
    assert BROKER.bootstrap == "127.0.0.1:1234"
    assert properties["log.dirs"] == "/data/kafka/log"


def test_it_takes_our_largest_records():
    most = max(int(topic.config(2**31, 8, 1)["max.message.bytes"]) for topic in ALL)
    assert int(BROKER.properties()["message.max.bytes"]) >= most > RECORD_BYTES
    assert int(BROKER.properties()["replica.fetch.max.bytes"]) >= most


def test_the_command_line_carries_heap_jars_and_configuration():
    arguments = BROKER.argv()
    assert "-Xmx99m" in arguments
    assert arguments[-4:] == ("-cp", "/jars/*", "kafka.Kafka", "/data/kafka/server.properties")
