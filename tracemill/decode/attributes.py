"""Where in a batch of spans is the value of an attribute? Found for all spans at once, never one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tracemill.decode.values import Values

ABSENT = -1

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of `count` owners (spans, or events), one after the other.

    `owner` is the owner's row of each attribute, ascending; `code` its key as an index into `keys`.
    """

    count: int
    owner: Rows
    code: npt.NDArray[np.int32]
    keys: Any
    values: Values
    _codes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, lists: Any) -> Attributes:
        """From an Arrow `list<struct<key: string, value: binary>>` with one entry an owner, without nulls."""
        offsets = np.asarray(lists.offsets)
        pairs = lists.flatten()
        encoded = pairs.field(0).dictionary_encode()
        owner = np.repeat(np.arange(len(lists)), np.diff(offsets))
        codes = {key: code for code, key in enumerate(encoded.dictionary.to_pylist())}
        return cls(len(lists), owner, np.asarray(encoded.indices), encoded.dictionary, Values.of(pairs.field(1)), codes)

    def known(self, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that occur at all."""
        return [key for key in keys if key in self._codes]

    def matching(self, keys: Iterable[str]) -> npt.NDArray[np.bool_]:
        """For each attribute, whether its key is one of `keys`."""
        wanted = np.zeros(len(self._codes) + 1, np.bool_)
        wanted[[self._codes[key] for key in self.known(keys)]] = True
        return wanted[self.code]

    def index(self, keys: Iterable[str]) -> Index:
        """Where the values of `keys` are, for every owner. Of a key sent twice the last one counts."""
        known = self.known(keys)
        slot_of_code = np.full(len(self._codes) + 1, ABSENT, np.int16)
        for slot, key in enumerate(known):
            slot_of_code[self._codes[key]] = slot
        slots = slot_of_code[self.code]
        wanted = np.nonzero(slots >= 0)[0]
        table = np.full((len(known), self.count), ABSENT, np.int64)
        table[slots[wanted], self.owner[wanted]] = wanted
        return Index({key: table[slot] for slot, key in enumerate(known)}, self.count)


@dataclass(frozen=True, slots=True)
class Index:
    """Positions of values by key, one an owner, `ABSENT` where the owner lacks it."""

    positions: dict[str, Rows]
    count: int

    def first(self, keys: Sequence[str]) -> Rows | None:
        """Positions of the first of `keys` that each owner has; None when no owner has any."""
        found: Rows | None = None
        for key in keys:
            more = self.positions.get(key)
            if more is not None:
                found = more if found is None else np.where(found >= 0, found, more)
        return found


def texts(values: Values, columns: dict[str, Rows | None], count: int) -> dict[str, Any]:
    """Text columns of `count` rows from positions, `''` where absent."""
    absent = np.full(count, ABSENT, np.int64)
    return {name: values.column(absent if rows is None else rows) for name, rows in columns.items()}
