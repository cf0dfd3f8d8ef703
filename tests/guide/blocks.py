"""Which blocks of a chapter are run, written down, or only shown, and what should they print?

The info string of a fenced block says it: its language, then options.

    ```sh                            run by bash; `python` by Python
    ```sh exit=1                     … and ends with this code
    ```sh retry                      … again until it prints what is expected, as a reader does who is too early
    ```sh background                 … until the end of the chapter, beside what follows
    ```yaml title="rules.yaml"       written to this file
    ```sh not-run="needs a cluster"  neither, for a reason; its syntax is looked over
    ```text                          what the block right before it prints; … stands for anything
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

EXPECTED: Final = "text"
WILDCARD: Final = "…"
OPTIONS: Final = frozenset({"exit", "retry", "background", "title", "not-run"})


class Wrong(AssertionError):
    """A chapter doesn't hold; the text names its line."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block; `expected` is what it prints, None where any output is right. `line` is its first, counted from 1."""

    language: str
    options: Mapping[str, str]
    text: str
    line: int
    expected: str | None = None


def blocks(markdown: str) -> list[Block]:
    """The blocks of a chapter in order.

    Raises:
        Wrong: an info string isn't as above, or an expected output belongs to nothing or says nothing.
    """
    found: list[Block] = []
    for block in _fenced(markdown):
        if block.language != EXPECTED:
            found.append(block)
        elif not found or found[-1].expected is not None or found[-1].options.keys() & {"title", "background"}:
            raise Wrong(f"line {block.line}: nothing that prints stands before this output")
        elif not block.text.replace(WILDCARD, "").strip():
            raise Wrong(f"line {block.line}: any output is like this")
        else:
            found[-1] = replace(found[-1], expected=block.text)
    return found


def _fenced(markdown: str) -> Iterator[Block]:
    for token in MarkdownIt().parse(markdown):
        if token.type in ("fence", "code_block"):
            yield _block(token)


def _block(token: Token) -> Block:
    line = token.map[0] + 1 if token.map else 0
    language, *words = shlex.split(token.info) or [""]
    options = dict(word.partition("=")[::2] for word in words)
    if not language:
        raise Wrong(f"line {line}: the block doesn't say what it is: sh, python, yaml, sql, text")
    if unknown := options.keys() - OPTIONS:
        raise Wrong(
            f"line {line}: unknown option {', '.join(sorted(unknown))}; there are: {', '.join(sorted(OPTIONS))}"
        )
    if options.get("not-run") == "":
        raise Wrong(f'line {line}: not-run="…" needs a reason')
    return Block(language, options, token.content, line)
