"""A control record comes back as it was written; anything else is refused before it steers anything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streams.records import handlers
from tests.builders.assigned import partition, record
from tests.builders.bundles import trace_id
from tracemill import topics
from tracemill.assembly.trace import Decided, Verdict
from tracemill.control.overrides import MAX_VALUE, Order, override_record, read_override
from tracemill.control.promotions import Promotion, promotion_record, read_promotion
from tracemill.control.rules import read_rules
from tracemill.errors import Malformed
from tracemill.evaluation.judge import RuleBook
from tracemill.sampling.steering import MAX_OVERRIDES, Of, Override, Steering

OVERRIDE = Override("o1", "acme", Of.USER, "ada", 2_000)
ORDER = Order(OVERRIDE, "ops", 1_000, "ticket 7")
KEY = trace_id(1) + b"acme"
KNOWN = Decided(KEY, 10, 20, [3, 5], 5, True, None, 7, 900, 2, Verdict(False, "default", 0.1, 0.0, "abc"))
PROMOTION = Promotion(KEY, "feedback", "ops", KNOWN)


def test_an_order_comes_back_as_it_was_written() -> None:
    assert read_override(override_record(ORDER)) == ORDER
    assert read_override(override_record(ORDER.revoke("boss", 1_500))).revoked_by == "boss"


def test_an_order_holds_from_when_it_was_made_until_it_is_over() -> None:
    assert [ORDER.holds_at(at) for at in (999, 1_000, 1_999, 2_000)] == [False, True, True, False]
    revoked = ORDER.revoke("boss", 1_500)
    assert [revoked.holds_at(at) for at in (1_499, 1_500)] == [True, False]


def test_a_promotion_comes_back_as_it_was_written() -> None:
    found = read_promotion(promotion_record(PROMOTION))
    assert (found.key, found.why, found.by) == (KEY, "feedback", "ops")
    assert found.known
    names = ("key", "opened_at", "closed_at", "records", "first_through", "rooted", "spans", "span_bytes", "revision")
    assert found.known.verdict == KNOWN.verdict
    assert [getattr(found.known, name) for name in names] == [getattr(KNOWN, name) for name in names]
    assert read_promotion(promotion_record(PROMOTION._replace(known=None))).known is None


WRONG_OVERRIDES: tuple[dict[str, Any], ...] = (
    {"value": ["a"]}, {"value": 5}, {"value": None}, {"value": "x" * (MAX_VALUE + 1)}, {"tenant": 5}, {"tenant": ""},
    {"tenant": None}, {"id": ["x"]}, {"id": 7}, {"id": "a b"}, {"of": "colour"}, {"until_ms": "later"},
    {"until_ms": -1}, {"until_ms": 1e300}, {"at_ms": "now"}, {"by": 5}, {"why": None}, {"forever": True},
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_OVERRIDES, ids=str)
def test_an_override_of_other_types_is_refused(wrong: dict[str, Any]) -> None:
    value = json.dumps(json.loads(override_record(ORDER)) | wrong).encode()
    with pytest.raises(Malformed, match="not a record of an override"):
        read_override(value)


WRONG_KNOWN: tuple[dict[str, Any], ...] = (
    {"revision": 2**40}, {"revision": -1}, {"opened_at": 1e300}, {"records": []}, {"records": ["x"]}, {"rooted": 1},
    {"verdict": None}, {"verdict": {"keep": True}},
    {"verdict": {"keep": False, "policy": "x", "probability": "x", "adjusted_count": 0.0, "rules": ""}},
    {"verdict": {"keep": False, "policy": "x", "probability": 0.5, "adjusted_count": 0.0, "rules": 5}},
)  # fmt: skip
WRONG_PROMOTIONS: tuple[dict[str, Any], ...] = (
    {"trace_id": "ab"}, {"trace_id": 5}, {"tenant": 5}, {"tenant": None}, {"why": ""}, {"why": "a b"}, {"by": None},
    {"known": []}, {"known": {}},
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_PROMOTIONS, ids=str)
def test_a_promotion_of_other_types_is_refused(wrong: dict[str, Any]) -> None:
    value = json.dumps(json.loads(promotion_record(PROMOTION)) | wrong).encode()
    with pytest.raises(Malformed, match="not a record of a promotion"):
        read_promotion(value)


@pytest.mark.parametrize("wrong", WRONG_KNOWN, ids=str)
def test_what_a_promotion_knows_is_refused_in_other_types(wrong: dict[str, Any]) -> None:
    body = json.loads(promotion_record(PROMOTION))
    with pytest.raises(Malformed, match="not a record of a promotion"):
        read_promotion(json.dumps(body | {"known": body["known"] | wrong}).encode())


@pytest.mark.parametrize("value", [b"", b"[]", b"5", b"null", b"{", b'{"rules": 5}', b'{"rules": [], "digest": ""}'])
def test_what_is_no_record_at_all_is_refused(value: bytes) -> None:
    for read in (read_override, read_promotion, read_rules):
        with pytest.raises(Malformed):
            read(value)


@pytest.mark.parametrize("kind", [topics.TYPE_OVERRIDE, topics.TYPE_PROMOTION, topics.TYPE_RULES])
def test_a_wrong_one_changes_nothing(kind: str) -> None:
    ours = partition()
    with pytest.raises(Malformed):
        handlers(RuleBook())[kind](ours.assembler, record(0, b'{"tenant": 5}', type=kind.encode()))
    assert ours.assembler.next_offset == 0


def test_there_is_room_for_so_many_overrides_and_no_more() -> None:
    steering = Steering()
    for number in range(MAX_OVERRIDES + 5):
        steering = steering.with_override(OVERRIDE._replace(id=f"o{number:03}"))
    assert len(steering.overrides) == MAX_OVERRIDES
    again = steering.with_override(OVERRIDE._replace(id="o007", value="bob"))
    assert [one.value for one in again.overrides if one.id == "o007"] == ["bob"]
