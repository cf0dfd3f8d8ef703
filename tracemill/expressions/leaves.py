"""What do the smallest parts mean: constants and columns?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from tracemill.expressions.kinds import INTEGER_RANGE, VALUES
from tracemill.expressions.problems import did_you_mean, listing
from tracemill.expressions.tree import Column, Literal, Node
from tracemill.schema import Kind

if TYPE_CHECKING:
    from tracemill.expressions.check import Checker, Scope

_USABLE: Final = frozenset({Kind.IDENTIFIER, Kind.TIME, Kind.TEXT_LIST, *VALUES})


def paren(checker: Checker, tree: exp.Paren, scope: Scope) -> Node:
    return checker.node(tree.this, scope)


def literal(checker: Checker, tree: exp.Literal, scope: Scope) -> Node:
    return Literal(tree.this, Kind.TEXT) if tree.is_string else number(checker, tree, tree.this)


def number(checker: Checker, tree: exp.Expr, digits: str) -> Literal:
    if digits.lstrip("-").isdigit():
        if int(digits) not in INTEGER_RANGE:
            raise checker.problem("an integer beyond 64 bits", tree)
        return Literal(int(digits), Kind.INTEGER)
    try:
        value = float(digits)
    except ValueError as error:
        raise checker.problem(f"`{digits}` isn't a number", tree) from error
    if value in (float("inf"), float("-inf")):
        raise checker.problem("a number beyond 1.8e308", tree)
    return Literal(value, Kind.NUMBER)


def boolean(checker: Checker, tree: exp.Boolean, scope: Scope) -> Node:
    return Literal(bool(tree.this), Kind.BOOLEAN)


def null(checker: Checker, tree: exp.Null, scope: Scope) -> Node:
    raise checker.problem("NULL can't be compared or computed with; use IS NULL or IS NOT NULL", tree.parent or tree)


def column(checker: Checker, tree: exp.Column, scope: Scope) -> Node:
    name = tree.name
    stored = scope.columns.get(name)
    if stored in _USABLE:
        return Column(name, stored)
    if stored is Kind.ATTRIBUTES:
        function = "resource_attribute" if name == "resource_attributes" else "attribute"
        raise checker.problem(f"`{name}` is a map; look a key up with {function}('key')", tree)
    if stored is not None:
        raise checker.problem(f"`{name}` can't be used in an expression", tree)
    raise checker.problem(_unknown_column(tree, name, scope), tree)


def _unknown_column(tree: exp.Column, name: str, scope: Scope) -> str:
    if name in scope.beyond:
        if scope.inside:
            return f"`{name}` is a column of the trace; inside {scope.inside}(…) the columns are a span's"
        return f"`{name}` is a column of spans; ask for it with any_span(…), all_spans(…) or count_spans(…)"
    quoted = isinstance(tree.this, exp.Identifier) and tree.this.quoted
    suggestion = f"; text is written in single quotes: '{name}'" if quoted else did_you_mean(name, scope.columns)
    usable = listing(column for column, kind in scope.columns.items() if kind in _USABLE)
    return f"unknown column `{name}`{suggestion}\nColumns: {usable}"
