"""What a page is made of, and that nothing of it runs or leads elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Tags(HTMLParser):
    """Every tag and attribute of a page, and the text outside of them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def shown_harmlessly(html: str) -> str:
    """All text of a page, attributes' values included; no tag of it runs anything or leads to another site."""
    parsed = Tags()
    parsed.feed(html)
    tags = {tag for tag, _ in parsed.found}
    assert tags.isdisjoint({"script", "svg", "iframe", "object", "embed", "base"})
    for tag, attributes in parsed.found:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action"):
            assert re.match(r"/(?!/)|#|$", attributes.get(name) or ""), (tag, attributes)
        assert tag != "img" or attributes["src"] == "/assets/icon.svg"
    shown = "".join(parsed.text) + "".join(str(value) for _, each in parsed.found for value in each.values())
    assert not set(shown) & set("\x00\x07\x1b\x9b\u202e\u202c\u2066\u200b\ufeff")
    return shown
