"""What does a person see in a browser? The latest traces, one trace as a waterfall, one span with all its text.

Plain HTML from templates: no script, no form of state. Whatever is put into a template is made visible and escaped by
the environment itself, so that no template can forget it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api import messages, queries, questions, reading, times, waterfall, words
from api.asked import Asked
from api.listings import SPANS, SPANS_WITH_CONTENT, TRACES
from api.problems import Problem, Trouble
from api.questions import LISTED, Parameter
from api.store import Store
from api.times import SECOND_NS, Window
from tracemill.dialects.classify import SPAN_TYPES
from tracemill.visible import visible

TEMPLATES: Final = Path(__file__).parent / "templates"
ROWS: Final = 50
SPANS_SHOWN: Final = 1_000
SPANS_WITH_TEXT: Final = 200
TEXT_BYTES: Final = 8 * 1024**2
"""Of spans that are shown with their messages at once; of a larger trace they are on pages of their own."""
LOOK_BACK_NS: Final = 30 * 86_400 * SECOND_NS
RANGES: Final = ("15m", "1h", "6h", "24h", "7d", "30d")
COLUMNS: Final = (
    ("opened_at", "Received (UTC)"),
    ("root_name", "Trace"),
    ("service_name", "Service"),
    ("duration_ms", "Duration"),
    ("span_count", "Spans"),
    ("input_tokens", "Tokens in"),
    ("output_tokens", "out"),
    ("cost_usd", "Cost"),
    ("error_count", "Errors"),
    ("decision", "Decision"),
)
_TEXT_FIRST: Final = frozenset({"root_name", "service_name", "decision"})


@dataclass(frozen=True, slots=True)
class Html:
    """A page, ready to be sent."""

    text: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """What is shown on a path."""

    path: str
    name: str
    parameters: tuple[Parameter, ...]
    handle: Callable[[Pages, Asked], Coroutine[Any, Any, Html]]


class Pages:
    """The pages over one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._environment = _environment()
        style = (TEMPLATES / "page.css").read_bytes()
        self._style = f"/assets/{sha256(style).hexdigest()[:12]}.css"
        self.assets: Mapping[str, tuple[bytes, str]] = {
            self._style: (style, "text/css"),
            "/assets/icon.svg": ((TEMPLATES / "icon.svg").read_bytes(), "image/svg+xml"),
        }

    async def traces(self, asked: Asked) -> Html:
        """The newest traces, or those that are asked for; a question that can't be read is shown with its error."""
        shown: dict[str, Any] = {"asked": asked.given, "now_ns": asked.now_ns, "problem": None, "page": None}
        try:
            question = questions.read(asked.given, TRACES, asked.now_ns, ROWS)
            shown["page"] = page = await reading.page(self._store, asked.tenant, question, TRACES.columns)
            shown["window"] = question.window
            if not page.rows:
                shown["latest"] = await self._latest(asked)
        except Problem as problem:
            return self._html("traces.html", problem.trouble.status, **{**shown, "problem": problem})
        return self._html("traces.html", **shown)

    async def trace(self, asked: Asked) -> Html:
        """One trace."""
        trace_id = questions.read_id("trace_id", asked.path["trace_id"], 32)
        found, with_text = await self._trace_with_text(asked.tenant, trace_id)
        drawn = waterfall.draw(found.spans)
        return self._html(
            "trace.html", trace_id=trace_id, found=found, drawn=drawn, with_text=with_text, now_ns=asked.now_ns
        )

    async def span(self, asked: Asked) -> Html:
        """One span with all its text."""
        trace_id = questions.read_id("trace_id", asked.path["trace_id"], 32)
        span_id = questions.read_id("span_id", asked.path["span_id"], 16)
        found = await reading.span(self._store, asked.tenant, trace_id, span_id, SPANS_WITH_CONTENT)
        (bar,) = waterfall.draw([found]).bars
        return self._html("span.html", trace_id=trace_id, bar=bar, now_ns=asked.now_ns)

    def problem(self, problem: Problem) -> Html:
        """A page for what went wrong."""
        html = self._html("problem.html", problem.trouble.status, problem=problem)
        return Html(html.text, html.status, {**html.headers, **problem.headers})

    async def _trace_with_text(self, tenant: str, trace_id: str) -> tuple[reading.Trace, bool]:
        """A trace, and whether its spans have their long texts: only if they are few, and the texts not too long."""
        try:
            found = await reading.trace(self._store, tenant, trace_id, SPANS_WITH_CONTENT, SPANS_WITH_TEXT, TEXT_BYTES)
            if not found.truncated:
                return found, True
        except Problem as problem:
            if problem.trouble is not Trouble.TOO_EXPENSIVE:
                raise
        return await reading.trace(self._store, tenant, trace_id, SPANS.columns, SPANS_SHOWN), False

    async def _latest(self, asked: Asked) -> str | None:
        """When the newest trace of the last weeks came in."""
        window = Window(max(0, asked.now_ns - LOOK_BACK_NS), asked.now_ns + SECOND_NS)
        (found,) = await self._store.rows(queries.latest_trace(window, asked.tenant))
        return times.rfc3339(found["at_ns"]) if found["traces"] else None

    def _html(self, template: str, status: int = 200, **shown: Any) -> Html:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        text = self._environment.get_template(template).render(nonce=nonce, style=self._style, **shown)
        return Html(text, status, {"content-security-policy": policy})


PAGES: Final = (
    Page("/", "home", LISTED, Pages.traces),
    Page("/traces/{trace_id}", "trace", (), Pages.trace),
    Page("/traces/{trace_id}/spans/{span_id}", "span", (), Pages.span),
)


def link(asked: Mapping[str, str], **changes: str | None) -> str:
    """The page of traces with some of its parameters changed or, where None, left out."""
    kept = {name: value for name, value in {**asked, **changes}.items() if value}
    return f"/?{urlencode(kept)}" if kept else "/"


def sorting(asked: Mapping[str, str], column: str) -> tuple[str, str]:
    """For the head of a column: the order that a click gives, and the order that holds (`ascending`, … or `none`)."""
    order = asked.get("order", TRACES.default_order)
    if order == f"-{column}":
        return column, "descending"
    if order == column:
        return f"-{column}", "ascending"
    return column if column in _TEXT_FIRST else f"-{column}", "none"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "duration": words.duration,
        "money": words.money,
        "count": words.count,
        "ago": words.ago,
        "clock": words.clock,
        "moment": times.rfc3339,
        "since": words.since,
        "messages": messages.read,
        "indented": messages.indented,
    }
    environment.globals |= {"link": link, "sorting": sorting, "columns": COLUMNS, "ranges": RANGES}
    environment.globals["span_types"] = frozenset(SPAN_TYPES)
    return environment


def _shown(value: Any) -> Any:
    """Every text that a template is given, before it is escaped."""
    return visible(value, keep="\n\t") if type(value) is str else value
