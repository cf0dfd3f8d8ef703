"""Groups are refused wherever they are in a span; unknown fields aren't."""

from __future__ import annotations

import pytest

from tests.builders.otlp import span
from tracemill.errors import Malformed
from tracemill.otlp.validate import validate
from tracemill.otlp.wire import field

GROUPS = [b"\x0b\x0c", b"\xa3\x06\xa4\x06", b"\xa3\x06\x00\x05\xa4\x06", b"\xfb\xff\xff\xff\x0f\xfc\xff\xff\xff\x0f"]
UNKNOWN = [b"\xa0\x06\x01", b"\xa2\x06\x03abc", b"\xa1\x06" + bytes(8), b"\xa5\x06" + bytes(4), b"\x28\x07"]

PLACES = {
    "span": lambda odd: odd,
    "attribute": lambda odd: field(9, field(1, b"k") + odd),
    "value": lambda odd: field(9, field(2, odd)),
    "array": lambda odd: field(9, field(2, field(5, odd))),
    "value in an array": lambda odd: field(9, field(2, field(5, field(1, b"\x10\x01") + field(1, odd)))),
    "attribute in a list": lambda odd: field(9, field(2, field(6, field(1, odd)))),
    "event": lambda odd: field(11, odd),
    "attribute of an event": lambda odd: field(11, field(3, odd)),
    "value of a link's attribute": lambda odd: field(13, field(4, field(2, odd))),
    "link": lambda odd: field(13, odd),
    "status": lambda odd: field(15, odd),
}


def body(place: str, odd: bytes) -> bytes:
    """A request whose second span holds `odd`."""
    plain = span(number=1).SerializeToString()
    return field(1, field(2, field(2, plain) + field(2, plain + PLACES[place](odd)) + field(2, plain)))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_refused(place: str, group: bytes) -> None:
    with pytest.raises(Malformed, match="group"):
        validate(body(place, group))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("unknown", UNKNOWN)
def test_another_unknown_field_is_not(place: str, unknown: bytes) -> None:
    validate(body(place, unknown))
    with pytest.raises(Malformed, match="group"):
        validate(body(place, unknown + GROUPS[0]))


def test_groups_in_what_is_not_a_span_do_no_harm() -> None:
    validate(field(1, field(1, GROUPS[2]) + field(2, field(1, GROUPS[2]))))
