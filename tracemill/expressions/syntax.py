"""Is a text one SQL expression of a bearable size, and how does it read?

sqlglot tokenises and parses (dialect PostgreSQL, so that quotes and escapes are the standard's); what the tree may
hold is the business of `check`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from tracemill.expressions.problems import ExpressionError

MAX_BYTES: Final = 4_096
MAX_TOKENS: Final = 800
MAX_DEPTH: Final = 20

_DIALECT: Final = Dialect.get_or_raise("postgres")
_OPENING: Final = frozenset({TokenType.L_PAREN, TokenType.CASE})
_CLOSING: Final = frozenset({TokenType.R_PAREN, TokenType.END})
_KEYWORDS: Final = frozenset({
    "AND", "OR", "NOT", "IS", "NULL", "TRUE", "FALSE", "IN", "BETWEEN", "LIKE", "ILIKE", "ESCAPE",
    "CASE", "WHEN", "THEN", "ELSE", "END",
})  # fmt: skip
"""Words whose case says nothing. For others it does, also for those that are words of SQL: `name` is a column."""
_FOREIGN: Final = frozenset({TokenType.L_BRACE, TokenType.R_BRACE, TokenType.L_BRACKET, TokenType.R_BRACKET})
"""Signs that no expression has; sqlglot has its own ideas of them."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text that is one expression: sqlglot's tree, and the text with spaces, case of keywords and comments evened."""

    text: str
    canonical: str
    tree: exp.Expr


def parse_syntax(text: str) -> Parsed:
    """The one expression in a text.

    Raises:
        ExpressionError: it is empty, too large, nested too deeply, or no SQL expression.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise ExpressionError(f"the expression has {size} bytes; at most {MAX_BYTES} are taken", text, 0, len(text))
    if "\0" in text:
        spot = text.index("\0")
        raise ExpressionError("a NUL character can't be part of an expression", text, spot, spot + 1)
    tokens = _tokens(text)
    _check_size(tokens, text)
    _check_signs(tokens, text)
    return Parsed(text, " ".join(_canonical(token) for token in tokens), _tree(tokens, text))


def _tokens(text: str) -> list[Token]:
    try:
        tokens = _DIALECT.tokenize(text)
    except TokenError as error:
        start = _unclosed(text)
        raise ExpressionError("a quote or comment that begins here isn't closed", text, start, len(text)) from error
    if not tokens:
        raise ExpressionError("the expression is empty", text, 0, len(text))
    return tokens


def _unclosed(text: str) -> int:
    """Where the quote or comment begins that the tokeniser didn't find the end of."""
    position = 0
    while position < len(text):
        opening = next((mark for mark in ("--", "/*", "'", '"') if text.startswith(mark, position)), None)
        if opening is None:
            position += 1
            continue
        end = text.find({"--": "\n", "/*": "*/"}.get(opening, opening), position + len(opening))
        if end < 0:
            return position
        position = end + (2 if opening == "/*" else 1)
    return 0


def _check_size(tokens: list[Token], text: str) -> None:
    if len(tokens) > MAX_TOKENS:
        token = tokens[MAX_TOKENS]
        message = f"the expression has {len(tokens)} words and signs; at most {MAX_TOKENS} are taken"
        raise ExpressionError(message, text, token.start, token.end + 1)
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > MAX_DEPTH:
            message = f"parentheses and CASE are nested deeper than {MAX_DEPTH}"
            raise ExpressionError(message, text, token.start, token.end + 1)


def _check_signs(tokens: list[Token], text: str) -> None:
    for token in tokens:
        if token.token_type in _FOREIGN:
            raise ExpressionError(_unexpected(token, text), text, token.start, token.end + 1)


def _tree(tokens: list[Token], text: str) -> exp.Expr:
    parser = _DIALECT.parser(error_level=ErrorLevel.IMMEDIATE)
    try:
        trees = parser.parse_into(exp.Condition, tokens, text)
    except ParseError as error:
        raise _unreadable(error, tokens, text) from error
    except RecursionError as error:
        raise ExpressionError("the expression is nested too deeply", text, 0, len(text)) from error
    except Exception as error:
        # sqlglot stumbles over some texts that are no SQL: over `a{:0}`, with an AttributeError, if braces got through.
        raise ExpressionError("this can't be read as an SQL expression", text, 0, len(text)) from error
    if len(trees) != 1 or trees[0] is None:
        semicolon = next((token for token in tokens if token.token_type is TokenType.SEMICOLON), tokens[-1])
        raise ExpressionError("expected one expression, without `;`", text, semicolon.start, semicolon.end + 1)
    return trees[0]


def _unreadable(error: ParseError, tokens: list[Token], text: str) -> ExpressionError:
    """sqlglot's complaint in our words, at the token that it stopped at."""
    found = error.errors[0]
    place = (found.get("line"), found.get("col"))
    token = next((token for token in tokens if (token.line, token.col) == place), tokens[-1])
    shown = text[token.start : token.end + 1]
    description = str(found.get("description"))
    if "missing" in description:
        message = f"something is missing after `{shown}`"
    elif description.startswith("Expecting"):
        message = f"expected `{description.removeprefix('Expecting').strip()}` after `{shown}`"
    else:
        message = _unexpected(token, text)
    return ExpressionError(message, text, token.start, token.end + 1)


def _unexpected(token: Token, text: str) -> str:
    return f"`{text[token.start : token.end + 1]}` isn't expected here"


def _canonical(token: Token) -> str:
    match token.token_type:
        case TokenType.STRING:
            return "'" + token.text.replace("'", "''") + "'"
        case TokenType.IDENTIFIER:
            return '"' + token.text.replace('"', '""') + '"'
        case _:
            text = str(token.text)
            return text.upper() if text.upper() in _KEYWORDS else text
