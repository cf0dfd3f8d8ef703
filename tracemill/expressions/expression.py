"""What is an expression once it is read: what it means, which columns it needs, what it counts spans by?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tracemill.expressions.check import check
from tracemill.expressions.kinds import spoken
from tracemill.expressions.problems import ExpressionError
from tracemill.expressions.syntax import parse_syntax
from tracemill.expressions.tree import Attribute, Column, Node, walk
from tracemill.schema import Kind

Columns: TypeAlias = Mapping[str, Kind]
"""The columns that an expression may name, and what they hold."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a frame must have for an expression: columns, and (map column, key) pairs of attributes."""

    columns: frozenset[str]
    attributes: frozenset[tuple[str, str]]

    def __or__(self, other: Needs) -> Needs:
        return Needs(self.columns | other.columns, self.attributes | other.attributes)


NOTHING = Needs(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression.

    `quantifiers` are the conditions on spans inside `any_span`, `all_spans` and `count_spans`, each once; `root` refers
    to them by index (`SpanCount`). `canonical` is the same for texts that differ in spaces, comments or the case of
    keywords only.
    """

    text: str
    canonical: str
    root: Node
    quantifiers: tuple[Node, ...]

    @property
    def kind(self) -> Kind:
        """What the expression gives."""
        return self.root.kind

    @property
    def needs(self) -> Needs:
        """Of the frame that the expression is evaluated over."""
        return needs_of(self.root)

    @property
    def span_needs(self) -> Needs:
        """Of the span frame, for the quantifiers."""
        needs = NOTHING
        for quantifier in self.quantifiers:
            needs |= needs_of(quantifier)
        return needs


def parse(text: str, columns: Columns, span_columns: Columns | None = None) -> Expression:
    """Read and check an expression over `columns`; inside span quantifiers over `span_columns` (None: refused).

    Raises:
        ExpressionError: with the place in the text, and what can be written instead.
    """
    parsed = parse_syntax(text)
    root, quantifiers = check(parsed, columns, span_columns)
    return Expression(text, parsed.canonical, root, quantifiers)


def parse_condition(text: str, columns: Columns, span_columns: Columns | None = None) -> Expression:
    """`parse`, and the expression must be true or false, as a rule or a filter is.

    Raises:
        ExpressionError: with the place in the text, and what can be written instead.
    """
    expression = parse(text, columns, span_columns)
    if expression.kind is not Kind.BOOLEAN:
        message = f"a condition must be true or false, this is {spoken(expression.kind)}; compare it with something"
        raise ExpressionError(message, text, 0, len(text))
    return expression


def needs_of(node: Node) -> Needs:
    """The columns and attributes below a node."""
    nodes = tuple(walk(node))
    return Needs(
        frozenset(node.name for node in nodes if isinstance(node, Column)),
        frozenset((node.source, node.key) for node in nodes if isinstance(node, Attribute)),
    )
