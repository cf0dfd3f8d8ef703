"""Is everything in a request as OTLP's protobuf has it: structure, depth, UTF-8, no groups?

upb is the validator, but it skips unknown groups without looking inside. ptars, which decodes bundles, looks and
refuses field number 0 in them, so one such span would spoil everything that is decoded together with it. upb keeps
what it skipped with each message, but to ask them all costs several times a parse. So a request is parsed into a
message where nothing is repeated: protobuf merges what comes again, and the unknown fields of all spans are found in
one span, those of all attributes in one attribute. It takes less time and memory than a parse into objects, too.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.unknown_fields import UnknownFieldSet

from tracemill.errors import Malformed, Reason
from tracemill.otlp.messages import Merged

_START_GROUP: Final = 3
_NOT_OF_SPANS: Final = frozenset({"resource", "scope"})


def validate(body: bytes) -> None:
    """Check a serialized request.

    Raises:
        DecodeError: upb can't read it.
        Malformed: a span, or anything in it, holds a group.
    """
    if _holds_group(Merged.FromString(body)):
        raise Malformed(
            Reason.MALFORMED, "resource_spans: a protobuf group (wire type 3), which OTLP doesn't have: send messages"
        )


def _holds_group(message: Any) -> bool:
    unknown: Any = UnknownFieldSet(message)
    if len(unknown) and any(field.wire_type == _START_GROUP for field in unknown):
        return True
    inner = [getattr(message, name) for name in _inner(message.DESCRIPTOR) if message.HasField(name)]
    return any(map(_holds_group, inner))


@cache
def _inner(descriptor: Descriptor) -> tuple[str, ...]:
    """Fields that are messages; a resource and a scope aren't part of a span."""
    return tuple(
        field.name for field in descriptor.fields if field.message_type is not None and field.name not in _NOT_OF_SPANS
    )
