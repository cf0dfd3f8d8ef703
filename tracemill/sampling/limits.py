"""How much may a rule keep a minute, and with which probability does it then keep? A limit never counts what is kept.

Counting would make the last trace of a minute weigh more than nothing and less than anyone knows. A limit lowers the
rule's probability instead, by what the rule decided shortly before, so that every kept trace has a weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

import yaml

from tracemill.sampling.rules_file import Reader

BYTES_PER_MEGABYTE: Final = 1_000_000


class Rate(NamedTuple):
    """What a rule decides a minute, kept or not."""

    traces: float = 0.0
    spans: float = 0.0
    bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Limit:
    """What a rule keeps a minute at most, on average; None where there is no such limit."""

    traces_per_minute: float | None = None
    spans_per_minute: float | None = None
    megabytes_per_minute: float | None = None

    def probability(self, written: float, rate: Rate) -> float:
        """The rule's probability: `written`, or less where so much comes that it would keep more than the limit."""
        megabytes = rate.bytes / BYTES_PER_MEGABYTE
        pairs = (
            (self.traces_per_minute, rate.traces),
            (self.spans_per_minute, rate.spans),
            (self.megabytes_per_minute, megabytes),
        )
        return min([written, *(allowed / comes for allowed, comes in pairs if allowed is not None and comes > 0)])

    @property
    def document(self) -> dict[str, float]:
        """The limit as a rules file says it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


_KEYS: Final = tuple(Limit.__dataclass_fields__)


def read_limit(reader: Reader, node: yaml.Node, where: str) -> Limit:
    """The limit in a rules file, under the key `limit`."""
    keys = reader.mapping(node, where, _KEYS)
    if isinstance(node, yaml.MappingNode) and not node.value:
        reader.add(node, where, f"needs at least one of {', '.join(_KEYS)}")
    return Limit(**{name: reader.amount(value, f"{where}: {name}") for name, value in keys.items()})


def lowered(
    written: Sequence[tuple[str, float, Limit | None]], rates: Iterable[Mapping[str, Rate]]
) -> list[list[float]]:
    """The probabilities of rules under what was decided before: a list for each entry of `rates`.

    Args:
        written: each rule's name, its probability as it is written, and its limit, if any.
        rates: what each rule decides a minute, by name; one without an entry decided nothing.
    """
    nothing = Rate()
    return [
        [limit.probability(share, rate.get(name, nothing)) if limit else share for name, share, limit in written]
        for rate in rates
    ]
