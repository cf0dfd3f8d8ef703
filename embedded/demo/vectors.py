"""What is the embedding of a text, without a model? Hashed words: texts that share words lie close together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

SIZE: Final = 96

Vector = npt.NDArray[np.float32]

_WORD: Final = re.compile(r"\w{5,}")


def embed(text: str) -> Vector:
    """A vector of length 1 with `SIZE` numbers, the same for the same text."""
    vector = np.zeros(SIZE, np.float32)
    for word in _WORD.findall(text.lower()):
        vector[crc32(word[:6].encode()) % SIZE] += 1
    return vector / max(float(np.linalg.norm(vector)), 1.0)


def nearest(query: Sequence[float], documents: Sequence[Sequence[float]], count: int) -> list[tuple[int, float]]:
    """The `count` documents nearest to the query, nearest first: their places and similarities."""
    similar = np.asarray(documents, np.float32) @ np.asarray(query, np.float32)
    return [(int(place), round(float(similar[place]), 4)) for place in np.argsort(-similar, kind="stable")[:count]]
