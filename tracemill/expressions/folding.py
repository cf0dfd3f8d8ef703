"""Which parts of an expression don't depend on any row? They become literals before Polars sees them.

Polars gives one row instead of all, or refuses the frame, for some mixtures of constants and columns (coalesce, CASE
with a constant condition, IN of a constant), and which ones may depend on the data. After folding, a literal stands
only where it is safe: no condition of CASE is one, and of COALESCE only the last argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from tracemill.expressions import tree
from tracemill.expressions.tree import Function, Literal, Node, Null
from tracemill.schema import Kind

Value: TypeAlias = str | int | float | bool | None

_NOTHING: Final = Literal("", Kind.TEXT)


def fold(node: Node, evaluate: Callable[[Node], Value]) -> Node:
    """The same expression with its constant parts evaluated."""
    node = _with_parts(node, lambda part: fold(part, evaluate))
    if isinstance(node, tree.Call) and node.function is Function.COALESCE:
        return _coalesce(node)
    if isinstance(node, tree.Case):
        return _case(node)
    parts = tree.parts(node)
    if parts and all(isinstance(part, Literal | Null) for part in parts):
        value = evaluate(node)
        return Null(node.kind) if value is None else Literal(value, node.kind)
    return node


def _with_parts(node: Node, change: Callable[[Node], Node]) -> Node:
    match node:
        case tree.Arithmetic() | tree.Compare():
            return replace(node, left=change(node.left), right=change(node.right))
        case tree.Between():
            return replace(node, operand=change(node.operand), low=change(node.low), high=change(node.high))
        case tree.Logic():
            return replace(node, operands=tuple(map(change, node.operands)))
        case tree.Call():
            return replace(node, arguments=tuple(map(change, node.arguments)))
        case tree.Case():
            branches = tuple((change(condition), change(value)) for condition, value in node.branches)
            return replace(node, branches=branches, otherwise=node.otherwise and change(node.otherwise))
        case tree.Widen() | tree.Negate() | tree.Not() | tree.IsNull() | tree.In() | tree.Like() | tree.Matches():
            return replace(node, operand=change(node.operand))
        case _:
            return node


def _coalesce(node: tree.Call) -> Node:
    """Without what is always absent, and without what stands after a constant."""
    kept: list[Node] = []
    for argument in node.arguments:
        if isinstance(argument, Null) or argument == _NOTHING:
            continue
        kept.append(argument)
        if isinstance(argument, Literal):
            break
    if not kept:
        return _absent(node)
    return kept[0] if isinstance(kept[0], Literal) else replace(node, arguments=tuple(kept))


def _case(node: tree.Case) -> Node:
    """Without branches whose condition is always true or never."""
    branches: list[tuple[Node, Node]] = []
    otherwise = node.otherwise
    for condition, value in node.branches:
        if not isinstance(condition, Literal | Null):
            branches.append((condition, value))
        elif condition == tree.TRUE:
            otherwise = value
            break
    if branches:
        return replace(node, branches=tuple(branches), otherwise=otherwise)
    return _absent(node) if otherwise is None else otherwise


def _absent(node: Node) -> Node:
    return _NOTHING if node.kind is Kind.TEXT else Null(node.kind)
