"""What do operators mean: comparisons, logic, arithmetic, IN, BETWEEN, IS, LIKE and CASE?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from tracemill.expressions import calls
from tracemill.expressions.kinds import NUMERIC, VALUES, spoken, widen
from tracemill.expressions.leaves import number
from tracemill.expressions.patterns import read_like
from tracemill.expressions.tree import (
    FALSE,
    Arithmetic,
    Between,
    Call,
    Case,
    Compare,
    Function,
    In,
    IsNull,
    Like,
    Literal,
    Logic,
    Negate,
    Node,
    Not,
)
from tracemill.schema import Kind

if TYPE_CHECKING:
    from tracemill.expressions.check import Checker, Scope

MAX_LIST: Final = 256

COMPARISONS: Final = {exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
ARITHMETIC: Final = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
LOGIC: Final = {exp.And: "AND", exp.Or: "OR"}


def logic(checker: Checker, tree: exp.Connector, scope: Scope) -> Node:
    """A chain such as a AND b AND c, which sqlglot nests to the left."""
    operator, parts, rest = LOGIC[type(tree)], [], tree
    while type(rest) is type(tree):
        checker.expect_arguments(rest)
        parts.append(rest.expression)
        rest = rest.this
    trees = [rest, *reversed(parts)]
    nodes = [checker.of_kind(part, scope, (Kind.BOOLEAN,), f"a side of {operator}") for part in trees]
    return Logic(operator, tuple(nodes))


def negation(checker: Checker, tree: exp.Not, scope: Scope) -> Node:
    return Not(checker.of_kind(tree.this, scope, (Kind.BOOLEAN,), "what NOT turns around"))


def comparison(checker: Checker, tree: exp.Binary, scope: Scope) -> Node:
    operator = COMPARISONS[type(tree)]
    left, right = checker.same_kind((tree.this, tree.expression), scope, compared=True, doing="compared")
    if left.kind is Kind.TEXT_LIST:
        raise checker.problem("lists can't be compared; use has(list, 'value') or len(list)", tree)
    if left.kind is Kind.BOOLEAN and operator not in ("=", "!="):
        raise checker.problem(f"conditions have no order: `{operator}` needs numbers, texts or times", tree)
    return Compare(operator, left, right)


def between(checker: Checker, tree: exp.Between, scope: Scope) -> Node:
    trees = (tree.this, tree.args["low"], tree.args["high"])
    operand, low, high = checker.same_kind(trees, scope, compared=True, doing="compared")
    if operand.kind in (Kind.BOOLEAN, Kind.TEXT_LIST):
        raise checker.problem("BETWEEN needs numbers, texts or times", tree)
    return Between(operand, low, high)


def membership(checker: Checker, tree: exp.In, scope: Scope) -> Node:
    trees = tree.expressions
    if not trees or len(trees) > MAX_LIST:
        raise checker.problem(f"IN needs a list of 1 to {MAX_LIST} constants in parentheses", tree)
    operand, *values = checker.same_kind((tree.this, *trees), scope, compared=True, doing="compared")
    constants = [value for value in values if isinstance(value, Literal)]
    if len(constants) < len(values):
        raise checker.problem("a list after IN holds constants only; for a list column use has(list, 'value')", *trees)
    return In(operand, tuple(dict.fromkeys(constants)))


def is_test(checker: Checker, tree: exp.Is, scope: Scope) -> Node:
    test = tree.expression
    if isinstance(test, exp.Boolean):
        condition = checker.of_kind(tree.this, scope, (Kind.BOOLEAN,), "what IS TRUE or IS FALSE asks about")
        meaning: Node = Call(Function.COALESCE, (condition if test.this else Not(condition), FALSE), Kind.BOOLEAN)
    elif isinstance(test, exp.Null):
        meaning = IsNull(checker.of_kind(tree.this, scope, (*VALUES, Kind.TIME), "what IS NULL asks about"))
    else:
        raise checker.problem("after IS only NULL, NOT NULL, TRUE and FALSE can stand", tree)
    return Not(meaning) if tree.args.get("negate") else meaning


def like(checker: Checker, tree: exp.Like | exp.ILike, scope: Scope) -> Node:
    operand = checker.of_kind(tree.this, scope, (Kind.TEXT,), "the left side of LIKE")
    pattern = calls.constant_text(checker, tree.expression, scope, "the pattern of LIKE")
    try:
        meaning = Like(operand, read_like(pattern, isinstance(tree, exp.ILike)))
    except ValueError as error:
        raise checker.problem(str(error), tree.expression) from error
    return Not(meaning) if tree.args.get("negate") else meaning


def arithmetic(checker: Checker, tree: exp.Binary, scope: Scope) -> Node:
    operator = ARITHMETIC[type(tree)]
    sides = [checker.of_kind(side, scope, NUMERIC, f"a side of `{operator}`") for side in (tree.this, tree.expression)]
    if operator == "%":
        return _remainder(checker, tree, sides[0], sides[1])
    if operator == "/" or {side.kind for side in sides} == NUMERIC:
        sides = [widen(side) for side in sides]
    return Arithmetic(operator, sides[0], sides[1], sides[0].kind)


def _remainder(checker: Checker, tree: exp.Binary, left: Node, right: Node) -> Node:
    positive = isinstance(right, Literal) and isinstance(right.value, int) and right.value > 0
    if left.kind is not Kind.INTEGER or not positive:
        raise checker.problem("`%` takes an integer and a positive integer constant, such as `span_count % 10`", tree)
    return Arithmetic("%", left, right, Kind.INTEGER)


def minus(checker: Checker, tree: exp.Neg, scope: Scope) -> Node:
    operand = tree.this
    if isinstance(operand, exp.Literal) and not operand.is_string:
        return number(checker, operand, f"-{operand.this}")
    meaning = checker.of_kind(operand, scope, NUMERIC, "what a minus stands before")
    return Negate(meaning, meaning.kind)


def case_when(checker: Checker, tree: exp.Case, scope: Scope) -> Node:
    branches, default = tree.args["ifs"], tree.args.get("default")
    for branch in branches:
        checker.expect_arguments(branch)
    conditions = [checker.of_kind(branch.this, scope, (Kind.BOOLEAN,), "a condition after WHEN") for branch in branches]
    otherwise = None if isinstance(default, exp.Null) else default
    trees = [branch.args["true"] for branch in branches] + ([otherwise] if otherwise is not None else [])
    values = checker.same_kind(trees, scope, compared=False, doing="results of one CASE")
    kind = values[0].kind
    if kind not in VALUES:
        raise checker.problem(f"CASE can't give {spoken(kind)}", tree)
    last = values[-1] if otherwise is not None else Literal("", kind) if kind is Kind.TEXT else None
    return Case(tuple(zip(conditions, values, strict=False)), last, kind)
