"""How are attribute values read in bulk, each still the bytes of an OTLP `AnyValue`?

The usual encodings (a string, a bool, an int, a double, in their shortest form) are read by numpy and Arrow for all
values at once. What is left (arrays, key-value lists, bytes, odd encodings) is read one by one by protobuf, each
distinct value once.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

Positions = npt.NDArray[np.int64]

_STRING, _BOOL, _INT, _DOUBLE = 0x0A, 0x10, 0x18, 0x21


@dataclass(frozen=True, slots=True)
class Values:
    """A run of `AnyValue` messages: where each begins in `data`, its size, its first byte (0 for an empty one), and
    whether it is a plain string: one whose length is written in its shortest form, and nothing else.

    `bodies` has what precedes the text of value `i`, then the text, at 2 `i` and 2 `i` + 1, and `''` at its end: taking
    from it is the one copy that a text costs.
    """

    data: npt.NDArray[np.uint8]
    starts: Positions
    sizes: Positions
    tags: npt.NDArray[np.uint8]
    plain: npt.NDArray[np.bool_]
    array: Any
    bodies: Any

    @classmethod
    def of(cls, array: Any) -> Values:
        """Wrap an Arrow `binary` array without nulls, whose texts were checked to be UTF-8 before."""
        offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
        body = array.buffers()[2] or pa.py_buffer(b"")
        data = np.frombuffer(body, np.uint8) if body.size else np.zeros(1, np.uint8)
        starts = offsets[:-1].astype(np.int64)
        sizes = offsets[1:] - starts
        tags = np.where(sizes > 0, _at(data, starts, 0), 0).astype(np.uint8)
        header, length = _strings(data, starts, sizes)
        cuts = np.empty(2 * len(array) + 2, np.int32)
        cuts[:-2:2], cuts[1:-2:2] = offsets[:-1], starts + np.minimum(header, sizes)
        cuts[-2:] = offsets[-1]
        bodies = pa.Array.from_buffers(pa.string(), len(cuts) - 1, [None, pa.py_buffer(cuts), body])
        return cls(data, starts, sizes, tags, (tags == _STRING) & (length == sizes - header), array, bodies)

    def text(self, positions: Positions) -> Any:
        """The values at `positions` as a `string` array; whatever isn't a string is written out.

        Booleans are `true` and `false`, numbers as short as they read back the same, lists and key-value lists JSON,
        bytes base64, an empty value `''`.
        """
        plain = self.plain[positions]
        if plain.all():
            return self.bodies.take(pa.array(2 * positions + 1))
        odd = np.nonzero(~plain)[0]
        pieces = [self.bodies.take(pa.array(2 * positions[plain] + 1))]
        order = np.empty(len(positions), np.int64)
        order[plain] = np.arange(len(pieces[0]))
        filled = len(pieces[0])
        for where, texts in self._others(positions[odd]):
            order[odd[where]] = filled + np.arange(len(where))
            pieces.append(texts)
            filled += len(where)
        return pa.concat_arrays(pieces).take(pa.array(order))

    def column(self, positions: Positions) -> Any:
        """The same, with `''` where a position is negative."""
        there = positions >= 0
        if self.plain[positions[there]].all():
            return self.bodies.take(pa.array(np.where(there, 2 * positions + 1, 2 * len(self.starts))))
        pool = pa.concat_arrays([self.text(positions[there]), pa.array([""], pa.string())])
        where = np.full(len(positions), len(pool) - 1)
        where[there] = np.arange(len(pool) - 1)
        return pool.take(pa.array(where))

    def _others(self, positions: Positions) -> Iterator[tuple[Positions, Any]]:
        """Pairs of where in `positions` and the text there, for values that aren't plain strings."""
        starts, sizes, tags = self.starts[positions], self.sizes[positions], self.tags[positions]
        integers, whole = self._varints(starts, sizes)
        is_int = (tags == _INT) & whole
        is_bool = (tags == _BOOL) & (sizes == 2)
        is_double = (tags == _DOUBLE) & (sizes == 9)
        if is_int.any():
            yield np.nonzero(is_int)[0], pa.array(integers[is_int]).cast(pa.string())
        if is_bool.any():
            yield np.nonzero(is_bool)[0], pa.array(self.data[starts[is_bool] + 1] != 0).cast(pa.string())
        if is_double.any():
            yield np.nonzero(is_double)[0], _double_text(self._doubles(starts[is_double]))
        rest = np.nonzero(~is_int & ~is_bool & ~is_double)[0]
        if len(rest):
            yield rest, self._slow_texts(positions[rest])

    def _slow_texts(self, positions: Positions) -> Any:
        """Whatever no loop over columns can read, each distinct value once."""
        encoded = self.array.take(pa.array(positions)).dictionary_encode()
        return pa.array(map(read_text, encoded.dictionary.to_pylist()), pa.string()).take(encoded.indices)

    def _varints(self, starts: Positions, sizes: Positions) -> tuple[npt.NDArray[np.int64], Any]:
        """The varint after the first byte of each value, and whether it fills the value exactly."""
        result = np.zeros(len(starts), np.uint64)
        length = np.clip(sizes - 1, 0, 10)
        ends = (sizes > 1) & (sizes <= 11)
        for step in range(int(length.max(initial=0))):
            byte = _at(self.data, starts, 1 + step)
            bits = (byte & np.uint8(127)).astype(np.uint64) << np.uint64(7 * step)
            result |= np.where(length > step, bits, np.uint64(0))
            ends &= (length <= step) | ((byte >= 128) == (length > step + 1))
        return result.view(np.int64), ends

    def _doubles(self, starts: Positions) -> npt.NDArray[np.float64]:
        spread = self.data[starts[:, None] + np.arange(1, 9)]
        return np.ascontiguousarray(spread).view(np.float64).ravel()

    def integers(self, positions: Positions) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """The values as integers, and where they are ones: ints, whole doubles, and text that reads as an int."""
        numbers, known = self.numbers(positions)
        exact, whole = self._varints(self.starts[positions], self.sizes[positions])
        is_int = (self.tags[positions] == _INT) & whole
        usable = known & (np.abs(numbers) < 2.0**63) & (numbers == np.floor(numbers))
        rounded = np.where(usable & ~is_int, numbers, 0).astype(np.int64)
        return np.where(is_int, exact, rounded), is_int | usable

    def numbers(self, positions: Positions) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """The values as finite numbers, and where they are ones: ints, doubles, and text that reads as a number."""
        starts, sizes, tags = self.starts[positions], self.sizes[positions], self.tags[positions]
        integers, whole = self._varints(starts, sizes)
        is_int = (tags == _INT) & whole
        is_double = (tags == _DOUBLE) & (sizes == 9)
        result = np.where(is_int, integers.astype(np.float64), 0.0)
        if is_double.any():
            result[is_double] = self._doubles(starts[is_double])
        known = is_int | is_double
        text = np.nonzero(tags == _STRING)[0]
        if len(text):
            read = [_number(value) for value in self.text(positions[text]).to_pylist()]
            result[text] = [0.0 if value is None else value for value in read]
            known[text] = [value is not None for value in read]
        known &= np.isfinite(result)
        return np.where(known, result, 0.0), known

    def booleans(self, positions: Positions) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """The values as booleans, and where they are ones."""
        known = (self.sizes[positions] == 2) & (self.tags[positions] == _BOOL)
        return known & (_at(self.data, self.starts[positions], 1) != 0), known


def _at(data: npt.NDArray[np.uint8], starts: Positions, step: int) -> npt.NDArray[np.uint8]:
    """The byte `step` behind each start; something else where the data ends before."""
    return data[np.minimum(starts + step, len(data) - 1)]


def _strings(data: npt.NDArray[np.uint8], starts: Positions, sizes: Positions) -> tuple[Positions, Positions]:
    """Were each value a string: the size of what precedes its text, and the length that is written there."""
    header = 2 + (sizes > 129).astype(np.int64) + (sizes > 16_386) + (sizes > 2_097_155)
    length = _at(data, starts, 1).astype(np.int64)
    long = np.nonzero(header > 2)[0]
    if len(long):
        second, third, fourth = (_at(data, starts[long], step).astype(np.int64) for step in (2, 3, 4))
        more = (second & 127) << 7
        more |= np.where(header[long] > 3, (third & 127) << 14, 0)
        more |= np.where(header[long] > 4, (fourth & 127) << 21, 0)
        length[long] = (length[long] & 127) | more
    return header, length


def _double_text(values: npt.NDArray[np.float64]) -> Any:
    """Doubles as Python writes them: the shortest text that reads back the same, `nan`, `inf`.

    Equal ones are those of equal bits: 0.0 and -0.0 aren't, whichever of them comes first.
    """
    unique, inverse = np.unique(values.view(np.uint64), return_inverse=True)
    return pa.array([repr(value) for value in unique.view(np.float64).tolist()], pa.string()).take(pa.array(inverse))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def read_text(value: bytes) -> str:
    """One `AnyValue` message as text, the way `Values.text` writes it."""
    plain = read_plain(value)
    match plain:
        case str():
            return plain
        case bool():
            return "true" if plain else "false"
        case None:
            return ""
        case float():
            return repr(plain)
        case int():
            return str(plain)
    return orjson.dumps(plain).decode()


def read_plain(value: bytes) -> Any:
    """One `AnyValue` message as JSON-ready Python, None for an empty one or what is none."""
    try:
        return to_plain(AnyValue.FromString(value))
    except DecodeError:
        return None


def to_plain(value: Any) -> Any:
    """An `AnyValue` as JSON-ready Python: bytes base64, a key-value list a dictionary."""
    match value.WhichOneof("value"):
        case "array_value":
            return [to_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: to_plain(item.value) for item in value.kvlist_value.values}
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
        case None:
            return None
        case name:
            return getattr(value, name)
