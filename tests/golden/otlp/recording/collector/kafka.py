"""Records what a Collector's kafkaexporter writes: `python kafka.py HTTP_ENDPOINT BOOTSTRAP OUT_DIRECTORY`.

Sends one request of two traces to the Collector, and keeps the records of both topics that its configuration names.
"""

import base64
import json
import sys
import urllib.request
from pathlib import Path

from confluent_kafka import Consumer

from tests.builders.otlp import request, span, text

TOPICS = {"otlp_spans": "whole", "otlp_spans_by_trace": "by-trace"}
QUIET_S = 8.0


def body() -> bytes:
    chat = [text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", "gpt-4.1")]
    spans = [span(0, 0), span(0, 1, parent=0, attributes=chat), span(1, 2), span(1, 3, parent=2, attributes=chat)]
    return request(*spans, service="golden-collector").SerializeToString()


def main() -> None:
    endpoint, bootstrap, out = sys.argv[1:]
    headers = {"content-type": "application/x-protobuf"}
    sent = urllib.request.Request(f"{endpoint}/v1/traces", body(), headers)
    urllib.request.urlopen(sent).read()
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "golden", "auto.offset.reset": "earliest"})
    consumer.subscribe(list(TOPICS))
    found: dict[str, list[dict[str, object]]] = {name: [] for name in TOPICS.values()}
    while record := consumer.poll(QUIET_S):
        if record.error():
            continue
        found[TOPICS[record.topic()]].append(
            {
                "key": base64.b64encode(record.key()).decode() if record.key() is not None else None,
                "headers": [[name, base64.b64encode(value).decode()] for name, value in record.headers() or ()],
                "value": base64.b64encode(record.value()).decode(),
            }
        )
    consumer.close()
    for name, records in found.items():
        (Path(out) / f"collector-{name}.json").write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
