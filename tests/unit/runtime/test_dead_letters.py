"""What is kept of a record that nobody can read?"""

from __future__ import annotations

import base64
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from runtime.dead_letters import Record, dead_letter
from tracemill.errors import Malformed, Reason

WHY = Malformed(Reason.UNDECODABLE, "no Arrow stream")


@given(st.binary(), st.dictionaries(st.text(), st.none() | st.binary()))
def test_a_letter_is_json_that_names_the_record_and_holds_its_bytes_only_on_demand(
    value: bytes, headers: dict[str, bytes | None]
) -> None:
    record = Record("tracemill.spans.v1", 3, 42, 1_700_000_000_000, tuple(headers.items()), value)
    letter = json.loads(dead_letter(record, WHY, content=False))
    assert (letter["topic"], letter["partition"], letter["offset"]) == ("tracemill.spans.v1", 3, 42)
    assert (letter["reason"], letter["text"]) == ("undecodable", "no Arrow stream")
    assert (letter["length"], letter["sha256"]) == (len(value), hashlib.sha256(value).hexdigest())
    assert set(letter["headers"]) == set(headers)
    assert "content" not in letter
    assert base64.b64decode(json.loads(dead_letter(record, WHY, content=True))["content"]) == value
