"""Which requests of which load were acknowledged? What a generator leaves behind for the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtest.workload import Workload

Ranges = tuple[tuple[int, int], ...]
"""Request numbers as half-open ranges, ascending."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A load's requests: `acknowledged` must be there, `uncertain` (sent, never answered) may be."""

    workload: Workload
    tenant: str
    acknowledged: Ranges
    uncertain: Ranges


def ranges(numbers: Iterable[int]) -> Ranges:
    """Ascending, disjoint, half-open ranges that hold exactly `numbers`."""
    made: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if made and made[-1][1] == number:
            made[-1] = (made[-1][0], number + 1)
        else:
            made.append((number, number + 1))
    return tuple(made)


def members(spans: Ranges) -> Iterator[int]:
    """The numbers in ranges."""
    for first, end in spans:
        yield from range(first, end)


def write_claims(path: Path, claims: Iterable[Claim]) -> None:
    """One JSON object a line, replacing the file at once."""
    lines = [
        json.dumps(
            {
                "workload": claim.workload.as_json(),
                "tenant": claim.tenant,
                "acknowledged": claim.acknowledged,
                "uncertain": claim.uncertain,
            }
        )
        for claim in claims
    ]
    fresh = path.with_name(path.name + ".new")
    fresh.write_text("\n".join(lines) + "\n")
    fresh.replace(path)


def read_claims(path: Path) -> list[Claim]:
    """What `write_claims` wrote."""
    return [_claim(line) for line in path.read_text().splitlines()]


def _claim(line: str) -> Claim:
    raw = json.loads(line)
    return Claim(
        workload=Workload(**raw["workload"]),
        tenant=raw["tenant"],
        acknowledged=tuple((first, end) for first, end in raw["acknowledged"]),
        uncertain=tuple((first, end) for first, end in raw["uncertain"]),
    )
