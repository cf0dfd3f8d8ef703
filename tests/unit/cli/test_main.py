"""The program as a whole: its version, its help, and where an error goes."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from cli.main import main


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == (0, f"tracemill {version('tracemill')}\n", "")


def test_its_help_names_every_command_and_says_how_to_configure(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--help")
    assert code == 0
    for command in (
        "up",
        "demo",
        "doctor",
        "traces",
        "trace",
        "dead-letters",
        "rebuild",
        "ingest",
        "streams",
        "sinks",
        "api",
    ):
        assert f" {command} " in out
    assert "tracemill config show" in out


def test_an_error_with_a_text_for_its_user_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "config", "check", "--config", "/nowhere.yaml") == (
        2,
        "",
        "tracemill: --config /nowhere.yaml: No such file or directory\n",
    )
