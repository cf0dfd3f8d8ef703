"""What the broker and the store acknowledged is there after kill -9, and nothing else of an insert."""

import signal
import subprocess
import threading

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import Error
from confluent_kafka import Producer

from runtime.kafka import producer_settings
from tests.fixtures.records import make, read
from tests.fixtures.waiting import eventually
from tracemill.config import Kafka

pytestmark = pytest.mark.crash

BLOCK = 500


def test_the_broker_keeps_every_acknowledged_record(broker, namespace):
    make(broker.address, namespace)
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        producer = Producer(producer_settings(Kafka(bootstrap=broker.address), 2_000, log_level=0))
        number = 0
        while not stop.is_set():
            value = str(number).encode()
            producer.produce(
                namespace,
                value,
                partition=0,
                on_delivery=lambda error, message: None if error else acknowledged.append(int(message.value())),
            )
            number += 1
            producer.poll(0.001)
        producer.purge()

    writer = threading.Thread(target=write)
    writer.start()
    eventually(lambda: len(acknowledged) > 500)
    broker.kill()
    stop.set()
    writer.join()
    broker.start()
    found = [int(value) for value in read(broker.address, namespace, len(acknowledged))]
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))


def test_the_store_keeps_every_acknowledged_insert_whole(own_store):
    with _connect(own_store.address) as client:
        client.command("CREATE TABLE t (insert UInt64, row UInt64) ENGINE = MergeTree ORDER BY insert")
    acknowledged: list[int] = []
    failed = threading.Event()

    def write(worker: int) -> None:
        number = worker
        with _connect(own_store.address) as client:
            while not failed.is_set():
                try:
                    client.insert("t", [[number, row] for row in range(BLOCK)], column_names=["insert", "row"])
                except (Error, OSError):
                    failed.set()
                    return
                acknowledged.append(number)
                number += 2

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(2)]
    for writer in writers:
        writer.start()
    eventually(lambda: len(acknowledged) > 20)
    own_store.kill()
    for writer in writers:
        writer.join()
    own_store.start()
    with _connect(own_store.address) as client:
        rows = client.query("SELECT insert, count(), uniqExact(row) FROM t GROUP BY insert").result_rows
    assert {insert for insert, _, _ in rows} >= set(acknowledged)
    assert {(count, distinct) for _, count, distinct in rows} == {(BLOCK, BLOCK)}


def test_a_store_that_stands_still_answers_when_it_goes_on(own_store):
    with _connect(own_store.address) as client:
        own_store.signal(signal.SIGSTOP)
        resume = threading.Timer(0.5, own_store.signal, (signal.SIGCONT,))
        resume.start()
        assert client.command("SELECT 1") == 1
        resume.join()


def test_a_second_store_on_the_same_path_is_refused(own_store):
    assert own_store.process
    path = own_store.arguments[own_store.arguments.index("--path") + 1]
    second = subprocess.run(
        [own_store.program, "-m", "embedded.store", "--path", path, "--port", "1"], capture_output=True, text=True
    )
    assert second.returncode == 1
    assert f"{path} is in use by a store with pid {own_store.process.pid}" in second.stderr


def _connect(url: str):
    return clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False)
