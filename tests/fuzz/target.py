"""What is a target? Code that takes bytes from outside, and an oracle that knows what should come of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Final

NAMES: Final = ("otlp", "json", "index", "bundle", "decode", "flush", "blocks", "expressions", "rules")
"""Each is a module of `tests.fuzz.targets` with a `TARGET`."""

CORPUS: Final = Path(__file__).parent / "corpus"

Mutate = Callable[[bytes], bytes]
"""Bytes that are changed somewhere."""


@dataclass(frozen=True, slots=True)
class Target:
    """`check` raises where an input does what it mustn't.

    `seeds` are inputs to begin with, `words` what inputs of this kind are made of, and `change` mutates inputs that
    have a structure by their structure.
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[bytes, ...] = ()
    change: Callable[[bytes, Random, Mutate], bytes] | None = None
    largest_bytes: int = 4_096


def load(name: str) -> Target:
    """The target of this name."""
    module: Any = import_module(f"tests.fuzz.targets.{name}")
    target: Target = module.TARGET
    return target


def kept(name: str) -> list[Path]:
    """The inputs that once broke a target."""
    return sorted((CORPUS / name).glob("*"))
