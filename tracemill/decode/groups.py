"""Who sent the spans of a chunk? Resource, scope and tenant: the same for many spans, read once.

The edge has checked resources and scopes with the same parser. One that can't be read was written by someone else, or
the index of its bundle points elsewhere: then its spans aren't read without it, as if nobody had sent them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from tracemill.decode.spans import UndecodableError
from tracemill.decode.values import read_text
from tracemill.dialects import tables


class Sender(NamedTuple):
    """The bytes of a chunk's resource and scope, and its tenant's name; what `Origin` is read from."""

    tenant: bytes
    resource: bytes
    scope: bytes

    @property
    def size(self) -> int:
        """Bytes of the resource and the scope."""
        return len(self.resource) + len(self.scope)


@dataclass(frozen=True, slots=True)
class Origin:
    """A sender, read: its tenant, the columns that come from its resource, its attributes and its scope."""

    tenant: str
    columns: Mapping[str, str]
    attributes: tuple[tuple[str, str], ...]
    scope_name: str
    scope_version: str


_CACHED_BYTES: Final = 32 * 1024 * 1024
_READ_BYTES: Final = 2_000
"""Memory that a sender takes once it is read, beside its bytes."""


class Origins:
    """Senders and what was read of them; forgets all when they take too much (the next use reads again)."""

    def __init__(self) -> None:
        self._read: dict[Sender, Origin] = {}
        self._bytes = 0

    def read(self, senders: Sequence[Sender]) -> list[Origin]:
        """The origin of each sender, in order.

        Raises:
            UndecodableError: the resource or scope of one of them can't be read.
        """
        if self._bytes > _CACHED_BYTES:
            self._read.clear()
            self._bytes = 0
        return [self._read.get(sender) or self._add(sender) for sender in senders]

    def _add(self, sender: Sender) -> Origin:
        origin = self._read[sender] = _read(sender)
        self._bytes += _READ_BYTES + sender.size
        return origin


def _read(sender: Sender) -> Origin:
    resource, scope = _parsed(Resource, sender.resource), _parsed(InstrumentationScope, sender.scope)
    pairs = {pair.key: read_text(pair.value.SerializeToString()) for pair in resource.attributes}
    columns = {
        column: next((pairs[key] for key in keys if pairs.get(key)), "") for column, keys in tables.RESOURCE.items()
    }
    return Origin(sender.tenant.decode(), columns, tuple(pairs.items()), scope.name, scope.version)


def _parsed(message: Any, value: bytes) -> Any:
    try:
        return message.FromString(value)
    except DecodeError as error:
        raise UndecodableError(f"the {message.DESCRIPTOR.name} of its spans: {error}") from error


def text_column(texts: Sequence[str], codes: Any) -> Any:
    """A text an origin, spread over rows by their origin's number."""
    return pa.array(texts, pa.string()).take(pa.array(codes))


def attribute_maps(origins: Sequence[Origin], codes: Any) -> Any:
    """The resource attributes of each row as an Arrow map of text to text."""
    kind = pa.map_(pa.string(), pa.string())
    return pa.array([list(origin.attributes) for origin in origins], kind).take(pa.array(codes))


def service_codes(origins: Sequence[Origin]) -> Any:
    """A number an origin, the same for the same service."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(origin.columns["service_name"], len(known)) for origin in origins], np.int64)
