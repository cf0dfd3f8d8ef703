"""The queries of docs/true-numbers.md, for any database and with any first part."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from tests.builders.stored import rows
from tests.guide.blocks import blocks

PAGE: Final = (Path(__file__).parents[2] / "docs" / "true-numbers.md").read_text()
QUERIES: Final = {block.options["title"]: block.text for block in blocks(PAGE) if block.language == "sql"}
"""By title. `a.sql: another question` is what stands in the brackets of `per_trace AS` or `per_row AS` in `a.sql`."""


def ask(client: Client, database: str, title: str, **replaced: str) -> list[tuple[Any, ...]]:
    """What a query of the page answers; `replaced` are words of it that are others in this test."""
    name, _, question = title.partition(": ")
    sql = _with_first_part(QUERIES[name], QUERIES[title]) if question else QUERIES[name]
    for word, other in replaced.items():
        assert word in sql
        sql = sql.replace(word, other)
    return rows(client, sql.replace("tracemill.", f"{database}."))


def _with_first_part(whole: str, part: str) -> str:
    first = "per_row AS\n    (\n" if "per_row AS" in whole else "per_trace AS\n    (\n"
    before, found, rest = whole.partition(first)
    assert found
    return before + found + part + rest[rest.index("    ),\n") :]
