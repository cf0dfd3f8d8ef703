"""What the pages say of the repository is so: every dependency has its line, every link its end."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [*ROOT.glob("README.md"), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("changelog.d/*.md"))]


def test_every_direct_dependency_has_its_line_and_nothing_else_has_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = {re.split(r"[><=;\[ ]", one)[0] for one in wanted}
    rows = re.findall(r"^\| ([a-z].*?) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    listed = [name for row in rows if row != "library" for name in row.split(", ")]
    assert sorted(listed) == sorted(names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page):
    assert [target for target in targets(page.read_text()) if not (page.parent / target).exists()] == []


def targets(markdown: str) -> list[str]:
    tokens = [child for token in MarkdownIt().parse(markdown) for child in token.children or ()]
    links = [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]
    return [unquote(link.partition("#")[0]) for link in links if "://" not in link and not link.startswith("#")]


def test_a_link_is_found():
    assert targets("see [a](b%20c.md#d) and <https://e.f> and [g](#h)") == ["b c.md"]
