"""Real exports of real SDKs mean what they should: from their bytes to the columns, as the pipeline reads them.

`otlp/expected/NAME.json` holds the key columns of each span of `otlp/NAME.binpb`; `python -m tests.golden.test_otlp`
writes them anew, for `git diff` to be read.
"""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracemill.config import Limits
from tracemill.decode.groups import Origins, Sender
from tracemill.decode.spans import decode
from tracemill.evaluation.rows import Traces
from tracemill.evaluation.rows import columns as trace_columns
from tracemill.evaluation.spans import any_column
from tracemill.frame import Frame, read
from tracemill.otlp.check import check
from tracemill.otlp.split import split

HERE = Path(__file__).parent / "otlp"
RECORDINGS = sorted(path.stem for path in HERE.glob("*.binpb"))
PARTITIONS = 8
SHOWN_LETTERS = 200
COLUMNS = (
    "name", "kind", "status_code", "status_message", "service_name", "environment", "scope_name", "scope_version",
    "trace_state", "span_type", "operation", "provider", "request_model", "response_model", "model_params",
    "finish_reason", "session_id", "user_id", "route", "agent_name", "tool_name", "tool_call_id", "prompt_id",
    "prompt_version", "retry_of", "error_type", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "reasoning_tokens", "audio_tokens", "cost_usd", "cost_source", "ttft_ms", "input_messages",
    "output_messages", "system_instructions", "tool_arguments", "tool_result", "retrieval_query", "documents",
)  # fmt: skip
TRACE_COLUMNS = (
    "root_name", "root_type", "service_name", "route", "environment", "session_id", "user_id", "duration_ms",
    "ttft_ms", "span_count", "depth", "hops", "llm_calls", "tool_calls", "retrievals", "error_count",
    "tool_error_count", "retry_count", "fallback_count", "orphans", "input_tokens", "output_tokens",
    "cache_read_tokens", "cost_usd", "models", "providers",
)  # fmt: skip


def frame(name: str) -> tuple[Frame, int]:
    """A recording, as a flush sees it, and how many traces it holds."""
    return frame_of((HERE / f"{name}.binpb").read_bytes())


def frame_of(body: bytes) -> tuple[Frame, int]:
    checked = check(body, Limits())
    assert checked.refusals.count == 0
    chunks: dict[bytes, list[tuple[bytes, Sender]]] = {}
    for piece in split(checked.batches, "default", PARTITIONS, 1 << 20, 1 << 26):
        data = b"".join(piece.parts)
        group = piece.group
        sender = Sender(*(data[slice(*part)] for part in (group.tenant, group.resource, group.scope)))
        for trace_id, start, end, _ in group.chunks:
            chunks.setdefault(trace_id, []).append((data[start:end], sender))
    owned = [(owner, *one) for owner, trace in enumerate(chunks.values()) for one in trace]
    counts = [decode(chunk).count for _, chunk, _ in owned]
    senders = list(dict.fromkeys(sender for *_, sender in owned))
    spans = decode(b"".join(chunk for _, chunk, _ in owned))
    assert spans.count == checked.accepted
    owner = np.repeat([owner for owner, *_ in owned], counts)
    origin = np.repeat([senders.index(sender) for *_, sender in owned], counts)
    return read(spans, owner, origin, Origins().read(senders)), len(chunks)


def facts(spans: Frame, count: int) -> dict[str, Any]:
    """What is expected: each span's key columns that aren't empty, and each trace's."""
    rows = np.arange(spans.count)
    columns = {column: any_column(spans, column, rows).to_pylist() for column in COLUMNS}
    summed = {column: _plain(values) for column, values in trace_columns(Traces(spans, count)).items()}
    return {
        "spans": [_shown({column: values[row] for column, values in columns.items()}) for row in rows],
        "traces": [{column: summed[column][place] for column in TRACE_COLUMNS} for place in range(count)],
    }


def _plain(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values.to_pylist()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        column: value[:SHOWN_LETTERS] if isinstance(value, str) else value
        for column, value in row.items()
        if value not in ("", None)
    }


def expectation(name: str) -> Path:
    return HERE / "expected" / f"{name}.json"


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_export_gives_the_expected_columns(name):
    assert facts(*frame(name)) == json.loads(expectation(name).read_text())


@pytest.mark.parametrize("name", RECORDINGS)
def test_messages_and_documents_have_one_shape_whatever_was_sent(name):
    spans, _ = frame(name)
    rows = np.arange(spans.count)
    for column in ("input_messages", "output_messages"):
        for text in filter(None, any_column(spans, column, rows).to_pylist()):
            for message in json.loads(text):
                assert message["role"] in {"system", "user", "assistant", "tool"}
                assert all(part["type"] for part in message["parts"])
    for text in filter(None, any_column(spans, "documents", rows).to_pylist()):
        assert all({"id", "content", "score"} <= document.keys() for document in json.loads(text))


CONTENT_KEYS = (
    "llm.input_messages.",
    "gen_ai.input.messages",
    "gen_ai.prompt.0.",
    "gen_ai.completion.0.",
    "pydantic_ai.all_messages",
    "traceloop.entity.output",
)


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_became_a_content_column_is_no_attribute_any_more(name):
    spans, _ = frame(name)
    rows = np.arange(spans.count)
    types = any_column(spans, "span_type", rows).to_pylist()
    for span_type, attributes in zip(types, any_column(spans, "attributes", rows).to_pylist(), strict=True):
        if span_type != "other":
            assert not [key for key, _ in attributes if key.startswith(CONTENT_KEYS)]


def kafka(name: str) -> list[dict[str, Any]]:
    return json.loads((HERE / "kafka" / f"collector-{name}.json").read_text())


def test_both_libraries_count_the_same_work_alike():
    """The same agents, instrumented twice. OpenLLMetry knows no retrieval and doesn't mind a stream that breaks."""
    alike = (
        "span_count", "depth", "llm_calls", "tool_calls", "retry_count", "input_tokens", "output_tokens",
        "cache_read_tokens", "models", "providers", "user_id", "environment",
    )  # fmt: skip
    one, other = (facts(*frame(f"python-{library}"))["traces"] for library in ("openinference", "openllmetry"))
    assert [[trace[name] for name in alike] for trace in one] == [[trace[name] for name in alike] for trace in other]
    assert [trace["ttft_ms"] is None for trace in one] == [trace["ttft_ms"] is None for trace in other]


SAID = ("input_messages", "output_messages", "model_params")


def calls(name: str) -> list[dict[str, Any]]:
    """What a recording says of each call of a model or tool that succeeded, but for what only one library knows."""
    spans, _ = frame(name)
    alike = (
        "span_type", "operation", "provider", "request_model", "response_model", "finish_reason", "session_id",
        "user_id", "agent_name", "tool_name", "input_tokens", "output_tokens", "cache_read_tokens", "model_params",
        "tool_arguments", "tool_result", "input_messages", "output_messages",
    )  # fmt: skip
    columns = {column: any_column(spans, column, np.arange(spans.count)).to_pylist() for column in alike}
    rows = [{column: columns[column][row] for column in alike} for row in np.nonzero(~spans.error)[0]]
    rows = [row for row in rows if row["span_type"] == "tool" or row["finish_reason"]]
    for row in rows:
        row |= {column: json.loads(row[column] or "[]") for column in SAID}
        for message in row["output_messages"]:
            message.pop("finish_reason", None)
    return sorted(rows, key=str)


def test_both_libraries_say_the_same_of_each_call():
    one, other = (calls(f"python-{library}") for library in ("openinference", "openllmetry"))
    assert len(one) == 12
    assert one == other


def test_two_conventions_of_one_framework_say_the_same_of_each_call():
    """Strands tells of messages in events of the former conventions, or of those of today."""
    former, current = (calls(name) for name in ("python-strands", "python-strands-latest"))
    assert [row["tool_arguments"] for row in former] == [row["tool_arguments"] for row in current]
    for one, other in zip(former, current, strict=True):
        instructions = [message for message in one["input_messages"] if message["role"] == "system"]
        one["input_messages"] = [message for message in one["input_messages"] if message not in instructions]
        assert [message["parts"] for message in one.pop("input_messages")] == [
            message["parts"] for message in other.pop("input_messages")
        ]
        assert one == other


def test_a_collectors_kafka_records_mean_the_same_in_both_modes():
    """It writes a message from its last field to its first: spans before their resource, a value before its key."""
    (whole,), by_trace = kafka("whole"), kafka("by-trace")
    assert whole["key"] is None
    body = b64decode(whole["value"])
    assert facts(*frame_of(body)) == facts(*frame_of(b"".join(b64decode(one["value"]) for one in by_trace)))
    spans, count = frame_of(body)
    assert count == 2
    assert [row.get("request_model") for row in facts(spans, count)["spans"]] == [None, "gpt-4.1"] * 2
    assert spans.of_resource("service_name").to_pylist() == ["golden-collector"] * 4


def test_a_collector_that_partitions_by_trace_writes_the_trace_id_in_hex_as_the_key():
    for record in kafka("by-trace"):
        batches = check(b64decode(record["value"]), Limits()).batches
        assert {trace_id for batch in batches for trace_id in batch.ids.traces} == {
            bytes.fromhex(b64decode(record["key"]).decode())
        }


def test_there_are_recordings_of_several_sdks():
    languages = {name.partition("-")[0] for name in RECORDINGS}
    assert languages >= {"python", "node", "go"}


if __name__ == "__main__":
    for recording in RECORDINGS:
        text = json.dumps(facts(*frame(recording)), indent=1, ensure_ascii=False)
        expectation(recording).write_text(f"{text}\n")
