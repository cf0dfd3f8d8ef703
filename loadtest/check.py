"""Was anything lost or counted twice? The ledger's command, against topics and store.

python -m loadtest.check --claims load.jsonl --bootstrap 127.0.0.1:9092 --store http://127.0.0.1:8123
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from loadtest.claims import Claim, read_claims
from loadtest.commands import run
from loadtest.expected import expect
from loadtest.ledger import Decided, Verdict, judge
from loadtest.observed import decided_in_log, decided_in_store, decided_on_topic, spans_in_store, spans_on_topic
from tracemill.config import Kafka, Store

SOURCES: Final = ("traces", "decisions", "store")


def check(claims: list[Claim], kafka: Kafka, store: Store | None, against: str = "traces") -> dict[str, Verdict]:
    """A verdict by tenant. `against` says where decisions are read; without a store, spans are read from `spans.v1`."""
    decided = _source(against, kafka, store)
    verdicts = {}
    for tenant in sorted({claim.tenant for claim in claims}):
        spans = spans_in_store(store, tenant) if store else spans_on_topic(kafka, tenant)
        verdicts[tenant] = judge(expect(claim for claim in claims if claim.tenant == tenant), decided(tenant), spans)
    return verdicts


def _source(against: str, kafka: Kafka, store: Store | None) -> Callable[[str], Decided]:
    match against:
        case "traces":
            return lambda tenant: decided_on_topic(kafka, tenant)
        case "decisions":
            return lambda tenant: decided_in_log(kafka, tenant)
        case "store" if store:
            return lambda tenant: decided_in_store(store, tenant)
        case _:
            raise ValueError(f"against {against!r}: expected one of {', '.join(SOURCES)}; `store` needs --store")


def main(
    claims: Annotated[list[Path], typer.Option(help="Ledger files of generators.")],
    bootstrap: Annotated[str, typer.Option(help="Address of a broker.")] = "127.0.0.1:9092",
    namespace: Annotated[str, typer.Option(help="First part of the topics' names.")] = "tracemill",
    partitions: Annotated[int, typer.Option(help="Partitions of otlp.")] = 8,
    store: Annotated[str, typer.Option(help="URL of the store; without it spans.v1 is read.")] = "",
    database: Annotated[str, typer.Option(help="Of the store.")] = "tracemill",
    against: Annotated[str, typer.Option(help="Where decisions are read: traces, decisions or store.")] = "traces",
) -> None:
    """Compare what was acknowledged with what is there; prints one JSON object, exits with 1 if something is wrong."""
    kafka = Kafka(bootstrap=bootstrap, namespace=namespace, partitions=partitions)
    told = [claim for path in claims for claim in read_claims(path)]
    verdicts = check(told, kafka, Store(url=store, database=database) if store else None, against)
    print(json.dumps({tenant: verdict.as_json() for tenant, verdict in verdicts.items()}, indent=2))
    raise SystemExit(0 if all(verdict.clean for verdict in verdicts.values()) else 1)


if __name__ == "__main__":
    run(main)
