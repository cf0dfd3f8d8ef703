"""One expression language for rules, filters and derived values: read once, checked, rendered for each engine.

    expression = parse_condition("error_count > 0 AND any_span(tool_name = 'sql')", TRACE_KINDS, SPAN_KINDS)
    frame.filter(polars_condition(expression, counts=…))         # the stream
    clickhouse_condition(expression)                             # the API: SQL and parameters

Text is never null: '' is absent, and `IS NULL`. Numbers, booleans and times may be null; conditions follow SQL's
three-valued logic, and one that is null in the end doesn't hold. A number that isn't finite is null, wherever it comes
from, so `x / 0` is. Integers have 64 bits and wrap. `LOWER`, `UPPER` and `ILIKE` know ASCII letters only, `ROUND`
rounds halves away from zero, `LENGTH` counts code points, `%` is never negative.
"""

from tracemill.expressions.expression import Columns, Expression, Needs, parse, parse_condition
from tracemill.expressions.problems import ExpressionError

__all__ = ["Columns", "Expression", "ExpressionError", "Needs", "parse", "parse_condition"]
