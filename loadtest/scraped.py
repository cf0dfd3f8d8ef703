"""What does a part's /metrics say? Read with Prometheus's own parser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final
from urllib.request import ProxyHandler, build_opener

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

ANSWER_S: Final = 5.0


@dataclass(frozen=True)
class Scraped:
    """One answer, by the names of its families."""

    families: dict[str, Metric]

    def each(self, name: str, **labels: str) -> list[float]:
        """The values of all samples of that name that have these labels."""
        return [sample.value for sample in self._samples(name) if labels.items() <= sample.labels.items()]

    def total(self, name: str, **labels: str) -> float:
        """Their sum; 0 where there are none."""
        return sum(self.each(name, **labels))

    def by(self, name: str, label: str) -> Counter[str]:
        """Of a count, how many by the values of one of its labels."""
        counts = Counter[str]()
        for sample in self._samples(name):
            counts[sample.labels[label]] += int(sample.value)
        return counts

    def _samples(self, name: str) -> Iterator[Sample]:
        return (sample for family in self.families.values() for sample in family.samples if sample.name == name)


def scrape(address: str, answer_s: float = ANSWER_S) -> Scraped:
    """Ask a part, e.g. at `http://127.0.0.1:9465`.

    Raises:
        OSError: it doesn't answer.
    """
    try:
        with build_opener(ProxyHandler({})).open(f"{address}/metrics", timeout=answer_s) as answer:
            return read(answer.read().decode())
    except HTTPException as error:
        raise ConnectionError(f"{address} broke off: {error!r}") from error


def read(text: str) -> Scraped:
    """An answer's text."""
    return Scraped({family.name: family for family in text_string_to_metric_families(text)})
