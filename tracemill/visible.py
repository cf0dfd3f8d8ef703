"""How is a stranger's text shown, so that it can't pretend to be something else on a terminal or a page?

Letters that are seen only by what they do, such as those that steer a terminal or turn the direction of writing, are
shown as their number: ⟨U+202E⟩. What joins letters or emoji stays.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str, keep: str = "") -> str:
    """`text` with every hidden letter shown; those in `keep` stay as they are."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in keep else _shown(letter) for letter in text)


def one_line(text: str, most: int) -> str:
    """`text` made visible, on one line, cut to `most` characters of its own."""
    return visible(text if len(text) <= most else text[: most - 1] + "…")


def _shown(letter: str) -> str:
    hidden = unicodedata.category(letter) in _HIDDEN and letter not in _JOINERS
    return f"⟨U+{ord(letter):04X}⟩" if hidden else letter
