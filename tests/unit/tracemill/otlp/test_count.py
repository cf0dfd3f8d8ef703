"""Parts of a request are counted before it is parsed."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.otlp import mutated, requests
from tracemill.errors import Malformed, TooLarge
from tracemill.otlp.count import refuse_too_many, refuse_too_many_objects
from tracemill.otlp.wire import field


@given(requests())
def test_what_protobuf_writes_is_counted(any_request: object) -> None:
    refuse_too_many(any_request.SerializeToString(), 50_000)  # type: ignore[attr-defined]


@given(mutated() | st.binary(max_size=40))
def test_anything_else_is_refused_or_counted(body: bytes) -> None:
    with suppress(Malformed):
        refuse_too_many(body, 50_000)


@pytest.mark.parametrize(
    "body",
    [
        b"\x08\x01" * 500,
        field(1, b"") * 500,
        field(1, field(1, b"") * 500),
        field(1, field(2, b"") * 500),
        field(1, field(2, field(1, b"") * 500)),
        field(1, field(2, field(2, b"") * 500)),
    ],
)
def test_too_many_parts_of_any_kind_are_refused(body: bytes) -> None:
    refuse_too_many(body, 126)
    with pytest.raises(TooLarge, match="a request may hold 100 spans"):
        refuse_too_many(body, 100)


@pytest.mark.parametrize("one", ["{}", '{"a":1}', "{ }", "{\n}", '{\t"a":1}', "{\r}"])
def test_objects_of_json_are_counted_however_they_are_written(one: str) -> None:
    body = f"[{','.join([one] * 201)}]".encode()
    assert len(json.loads(body)) == 201
    refuse_too_many_objects(body, 11)
    with pytest.raises(TooLarge, match="resourceSpans: 201 objects, a request may hold 200"):
        refuse_too_many_objects(body, 10)


@given(st.recursive(st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=4)))
def test_no_object_of_any_json_is_missed(value: object) -> None:
    def objects(it: object) -> int:
        return 1 + sum(map(objects, it.values())) if isinstance(it, dict) else 0

    spans = max(objects(value) - 1, 0) // 20
    for indent in (None, 1):
        if objects(value) > spans * 20:
            with pytest.raises(TooLarge):
                refuse_too_many_objects(json.dumps(value, indent=indent).encode(), spans)


def test_braces_in_strings_are_no_objects() -> None:
    said = json.dumps(["{" * 500, json.dumps([{"a": "b"}] * 500), "if (x) {\n  y()\n}" * 500])
    refuse_too_many_objects(said.encode(), 1)
