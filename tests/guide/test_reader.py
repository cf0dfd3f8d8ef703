"""A chapter that doesn't hold is found: whatever is wrong, and on which line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guide.blocks import Wrong
from tests.guide.reader import Reader, difference


@pytest.fixture
def follow(tmp_path: Path):
    def following(markdown: str, patience_s: float = 60) -> None:
        reader = Reader(tmp_path, {"GREETING": "hello"}, {4318: 34318}, patience_s)
        chapter = tmp_path / "chapter.md"
        chapter.write_text(markdown)
        reader.follow(chapter)

    return following


@pytest.mark.parametrize(
    "markdown",
    [
        "```sh\necho $GREETING\n```\n```text\nhello\n```",
        "```sh\necho a  b; echo c >&2\n```\n```text\na b\nc\n```",
        "```sh\necho first; echo second; echo third\n```\n```text\nfirst\n…\nthird\n```",
        "```sh exit=3\nexit 3\n```",
        "```python\nprint(1 + 1)\n```\n```text\n2\n```",
        '```yaml title="a.yaml"\nx: 1\n```\n```sh\ncat a.yaml\n```\n```text\nx: 1\n```',
        "```sh\necho http://127.0.0.1:4318/v1\n```\n```sh\necho 4318 14318\n```\n```text\n34318 14318\n```",
        "```sh retry\necho x >> seen; grep -c x seen\n```\n```text\n3\n```",
        "```sh background\ntouch there; sleep 600\n```\n```sh retry\nls there\n```",
        '```sh not-run="it would end this test"\nkill -9 $PPID\n```\n```text\nwhatever\n```',
        '```yaml title="tracemill.yaml" not-run="nothing to start"\nkafka: {partitions: 64}\n```',
    ],
)
def test_what_holds(follow, markdown):
    follow(markdown)


@pytest.mark.parametrize(
    ("markdown", "says"),
    [
        ("```sh\necho good bye\n```\n```text\nhello\n```", "line 1: Expected:.*hello.*Got:.*good bye"),
        ("```sh\necho hello and more\n```\n```text\nhello\n```", "line 1: Expected"),
        ("```sh\ntrue\n```\n```text\nhello … world\n```", "Got nothing"),
        ("text\n\n```sh\nfalse\n```", "line 3: exit code 1 instead of 0"),
        ("```sh\nfalse\ntrue\n```", "line 1: exit code 1 instead of 0"),
        ("```sh\nfalse | true\n```", "line 1: exit code 1 instead of 0"),
        ("```sh\necho $MISSING\n```", "MISSING: unbound variable"),
        ("```sh exit=2\nexit 1\n```", "line 1: exit code 1 instead of 2"),
        ("```python\nraise ValueError('no')\n```", "line 1: exit code 1.*ValueError: no"),
        ("```sql\nSELECT 1\n```", "line 1: nobody runs sql"),
        ("```\nx\n```", "line 1: the block doesn't say what it is"),
        ("text\n\n    indented\n", "line 3: the block doesn't say what it is"),
        ("```sh retries\ntrue\n```", "line 1: unknown option retries"),
        ("```sh not-run\ntrue\n```", "line 1: not-run.*needs a reason"),
        ("```text\nx\n```", "line 1: nothing that prints"),
        ("```sh\necho x\n```\n```text\n…\n```", "line 4: any output is like this"),
        ("```sh\necho x\n```\n```text\nx\n```\n```text\nx\n```", "line 7: nothing that prints"),
        ('```yaml title="tracemill.yaml" not-run="why"\nkafka: {partition: 64}\n```', "kafka.partition: unknown key"),
        ('```yaml not-run="why"\na: [1\n```', "line 1: .*expected"),
        ('```sh not-run="why"\nif true\n```', "line 1: .*syntax error"),
        ('```python not-run="why"\nif True\n```', "line 1: expected ':'"),
        ("```sh background\necho gone\n```\n```sh retry\ngrep gone line-1.log\n```", "line 1: ended before.*gone"),
    ],
)
def test_what_does_not(follow, markdown, says):
    with pytest.raises(Wrong, match=re.compile(f"^chapter.md: .*{says}", re.DOTALL)):
        follow(markdown)


def test_what_is_never_printed_is_waited_for_and_then_found(follow):
    with pytest.raises(Wrong, match=r"Got:\n *early"):
        follow("```sh retry\necho early\n```\n```text\nlate\n```", 0.5)


def test_what_never_ends_is_killed(follow):
    with pytest.raises(Wrong, match=r"no end after 0\.5 s"):
        follow("```sh\nsleep 600\n```", 0.5)


def test_the_wildcard_stands_for_any_lines_and_nothing_else_does():
    assert difference("a … d\n", "a b\nc d\n") is None
    assert difference("a … d\n", "a b\nc e\n")
    assert difference("a … d\n", "b a c d\n")
