"""Which regular expressions mean the same on every engine? A subset, read here and written in one plain form.

RE2 (ClickHouse) and Rust's regex (Polars) both take linear time, and agree on: literals, `.`, classes of characters and
ranges, `\\d \\w \\s` (ASCII), `^` and `$` (of the whole text), `\\b` (ASCII), groups, alternation, `* + ? {n,m}`, and a
leading `(?i)` (ASCII letters) or `(?s)`. They differ on, or lack, look-around, back-references, Unicode classes and the
multi-line flag: those are refused. What is written has no group numbers, no flags and no lazy marks: only whether
something is found counts.
"""

from __future__ import annotations

from typing import Final

from tracemill.expressions.patterns import either_case, quoted

MAX_SIZE: Final = 1_000
"""Characters and classes once repetitions are unrolled; RE2 refuses more than this many repetitions."""

_MAX_DEPTH: Final = 20
_SPECIAL: Final = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_CONTROL: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_IN_CLASS: Final = frozenset("\\]^[-&~")


class RegexError(ValueError):
    """A pattern outside the subset; the text says what, at which character (from 1), and what to write instead."""


def read_regex(pattern: str) -> str:
    """The pattern in the plain form.

    Raises:
        RegexError: it is malformed, too large, or uses what engines read differently.
    """
    reader = _Reader(pattern)
    reader.flags()
    text, size = reader.alternation(0)
    if reader.position < len(pattern):
        reader.refuse("this `)` closes nothing; write `\\)`")
    if size > MAX_SIZE:
        reader.refuse(f"the pattern is too large: {size} characters once repetitions are unrolled, {MAX_SIZE} allowed")
    return text


class _Reader:
    """A recursive descent over the pattern; each method returns the plain form and its unrolled size."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.ignore_case = False
        self.dot_all = False

    def refuse(self, why: str) -> None:
        raise RegexError(f"character {self.position + 1}: {why}")

    def peek(self, ahead: int = 1) -> str:
        return self.pattern[self.position : self.position + ahead]

    def take(self) -> str:
        letter = self.peek()
        if not letter:
            self.refuse("the pattern ends too early")
        self.position += 1
        return letter

    def flags(self) -> None:
        end = self.pattern.find(")")
        if self.peek(2) == "(?" and end > 2 and set(self.pattern[2:end]) <= set("is"):
            self.ignore_case, self.dot_all = "i" in self.pattern[2:end], "s" in self.pattern[2:end]
            self.position = end + 1

    def alternation(self, depth: int) -> tuple[str, int]:
        if depth > _MAX_DEPTH:
            self.refuse(f"groups are nested deeper than {_MAX_DEPTH}")
        branches = [self.sequence(depth)]
        while self.peek() == "|":
            self.position += 1
            branches.append(self.sequence(depth))
        return "|".join(text for text, _ in branches), sum(size for _, size in branches)

    def sequence(self, depth: int) -> tuple[str, int]:
        parts: list[str] = []
        total = 0
        while self.peek() and self.peek() not in "|)":
            text, size = self.repeated(depth)
            parts.append(text)
            total += size
        return "".join(parts), total

    def repeated(self, depth: int) -> tuple[str, int]:
        anchor = self.peek() in ("^", "$") or self.peek(2) == r"\b"
        text, size = self.atom(depth)
        mark, times = self.repetition()
        if mark and anchor:
            self.refuse("an anchor can't be repeated")
        if mark and self.peek() in ("*", "+", "?", "{"):
            self.refuse("a repetition can't be repeated; put the inner one into a group")
        return text + mark, max(size, 1) * times

    def repetition(self) -> tuple[str, int]:
        mark, times = self.peek(), 1
        if mark not in ("*", "+", "?", "{"):
            return "", 1
        if mark == "{":
            mark, times = self.counts()
        else:
            self.position += 1
        if self.peek() == "?":
            self.position += 1
        return mark, times

    def counts(self) -> tuple[str, int]:
        end = self.pattern.find("}", self.position)
        low, comma, high = self.pattern[self.position + 1 : max(end, 0)].partition(",")
        if not _count(low) or (high and not _count(high)):
            self.refuse("expected a count such as `{2}` or `{2,5}`; write `\\{` for a brace")
        if high and int(high) < int(low):
            self.refuse("the counts are the wrong way round")
        self.position = end + 1
        times = max(int(low), int(high or "0"), 1)
        return f"{{{int(low)}{comma}{int(high) if high else ''}}}", times

    def atom(self, depth: int) -> tuple[str, int]:
        letter = self.take()
        match letter:
            case "(":
                return self.group(depth)
            case "[":
                return self.letters(), 1
            case ".":
                return "(?s:.)" if self.dot_all else r"[^\n]", 1
            case "^":
                return r"\A", 0
            case "$":
                return r"\z", 0
            case "\\":
                return self.escape()
            case "*" | "+" | "?" | "{":
                self.position -= 1
                self.refuse(f"there is nothing for `{letter}` to repeat; write `\\{letter}` for the character")
        return self.literal(letter), 1

    def group(self, depth: int) -> tuple[str, int]:
        if self.peek() == "?":
            self.group_kind()
        text, size = self.alternation(depth + 1)
        if self.peek() != ")":
            self.refuse("a group isn't closed: expected `)`")
        self.position += 1
        return f"(?:{text})", size

    def group_kind(self) -> None:
        if self.peek(2) == "?:":
            self.position += 2
            return
        opening = 3 if self.peek(3) == "?P<" else 2
        end = self.pattern.find(">", self.position)
        if self.peek(2) in ("?P", "?<") and self.pattern[self.position + opening : max(end, 0)].isidentifier():
            self.position = end + 1
            return
        self.refuse(
            "look-around and flags inside a pattern differ between engines; only a leading (?i) or (?s) is taken"
        )

    def escape(self) -> tuple[str, int]:
        letter = self.take()
        if letter == "b":
            return r"\b", 0
        if letter.lower() in _SPECIAL:
            return f"[{'^' if letter.isupper() else ''}{_SPECIAL[letter.lower()]}]", 1
        return self.literal(self.escaped(letter)), 1

    def escaped(self, letter: str) -> str:
        if letter in _CONTROL:
            return _CONTROL[letter]
        if letter.isalnum() or not letter.isascii():
            self.position -= 1
            self.refuse(f"`\\{letter}` differs between engines or is unknown")
        return letter

    def literal(self, letter: str) -> str:
        return either_case(letter) if self.ignore_case else quoted(letter)

    def letters(self) -> str:
        negated = self.peek() == "^"
        self.position += negated
        parts: list[str] = []
        while self.peek() != "]":
            parts.append(self.class_item())
        self.position += 1
        if not parts:
            self.refuse("an empty class; write `\\]` for a bracket")
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def class_item(self) -> str:
        if self.peek() == "\\" and self.peek(2)[1:] in _SPECIAL:
            self.position += 2
            return _SPECIAL[self.pattern[self.position - 1]]
        low = high = self.class_letter()
        if self.peek() == "-" and self.peek(2) != "-]":
            self.position += 1
            high = self.class_letter()
        if high < low:
            self.refuse(f"the range `{low}-{high}` is the wrong way round")
        return self.folded(low, high)

    def class_letter(self) -> str:
        letter = self.take()
        if letter == "[":
            self.refuse("a class inside a class differs between engines; write `\\[` for a bracket")
        return self.escaped(self.take()) if letter == "\\" else letter

    def folded(self, low: str, high: str) -> str:
        ranges = [(low, high)]
        if self.ignore_case:
            for first, last, shift in (("A", "Z", 32), ("a", "z", -32)):
                start, end = max(low, first), min(high, last)
                if start <= end:
                    ranges.append((chr(ord(start) + shift), chr(ord(end) + shift)))
        return "".join(_range(start, end) for start, end in ranges)


def _count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:6]) <= MAX_SIZE and len(text) <= 4


def _range(low: str, high: str) -> str:
    return _class_letter(low) if low == high else f"{_class_letter(low)}-{_class_letter(high)}"


def _class_letter(letter: str) -> str:
    return "\\" + letter if letter in _IN_CLASS else letter
