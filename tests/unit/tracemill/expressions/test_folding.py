"""Constants are evaluated, and what is left keeps literals out of the places where Polars stumbles over them."""

import pytest

from tracemill.expressions import parse
from tracemill.expressions.folding import Value, fold
from tracemill.expressions.tree import Column, Literal, Node, Null
from tracemill.schema import TRACE_KINDS, Kind

DEPTH = Column("depth", Kind.INTEGER)


def seven(node: Node) -> Value:
    return 7 if node.kind is Kind.INTEGER else None if node.kind is Kind.NUMBER else True


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("1 + 2", Literal(7, Kind.INTEGER)),
        ("1 / 0", Null(Kind.NUMBER)),
        ("1 IN (1, 2)", Literal(True, Kind.BOOLEAN)),
        ("COALESCE(1 + 1, depth)", Literal(7, Kind.INTEGER)),
        ("COALESCE('', '')", Literal("", Kind.TEXT)),
        ("COALESCE(1 / 0, 2 / 0)", Null(Kind.NUMBER)),
        ("CASE WHEN 1 = 1 THEN depth ELSE 2 END", DEPTH),
        ("CASE WHEN FALSE THEN 1 ELSE depth END", DEPTH),
        ("CASE WHEN FALSE THEN depth END", Null(Kind.INTEGER)),
        ("CASE WHEN FALSE THEN root_name END", Literal("", Kind.TEXT)),
        ("CASE WHEN COALESCE(TRUE, complete) THEN depth END", DEPTH),
        ("depth", DEPTH),
    ],
)
def test_folded(text: str, folded: Node) -> None:
    assert fold(parse(text, TRACE_KINDS).root, seven) == folded


@pytest.mark.parametrize(
    ("text", "as_if"),
    [
        ("COALESCE(root_name, '', route, 'x', tenant)", "COALESCE(root_name, route, 'x')"),
        (
            "CASE WHEN complete THEN 1 WHEN TRUE THEN 2 ELSE 3 END",
            "CASE WHEN complete THEN 1 ELSE 2 END",
        ),
        ("CASE WHEN FALSE THEN 1 WHEN complete THEN 2 END", "CASE WHEN complete THEN 2 END"),
        ("depth + (3 + 4) > 1 AND NOT complete", "depth + 7 > 1 AND NOT complete"),
        ("depth BETWEEN 3 + 4 AND 9", "depth BETWEEN 7 AND 9"),
    ],
)
def test_partly_folded(text: str, as_if: str) -> None:
    assert fold(parse(text, TRACE_KINDS).root, seven) == parse(as_if, TRACE_KINDS).root
