"""A dead letter in a line: when, why, where, and nothing that acts on a terminal."""

from __future__ import annotations

import json

from cli.dead_letters import line
from runtime.dead_letters import Record, dead_letter
from tracemill.errors import Malformed, Reason


def test_a_letter_has_its_reason_and_its_place() -> None:
    record = Record("tracemill.otlp.v1", 3, 17, -1, [("index", b"\xff")], b"no bundle")
    letter = json.loads(dead_letter(record, Malformed(Reason.NOT_A_BUNDLE, "no index\x1b[31m\nat all"), content=False))
    assert line(1769860800000, letter) == (
        "01-31 12:00:00  not_a_bundle  tracemill.otlp.v1/3@17  9 bytes  no index⟨U+001B⟩[31m⟨U+000A⟩at all"
    )
