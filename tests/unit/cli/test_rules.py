"""Rules from a Collector's configuration: printed as a file that `rules check` takes, or refused in one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.test_main import said


def test_what_is_imported_can_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collector, rules = tmp_path / "collector.yaml", tmp_path / "rules.yaml"
    collector.write_text("processors: {tail_sampling: {policies: [{name: all, type: always_sample}]}}")
    code, printed, _ = said(capsys, "rules", "import", str(collector))
    rules.write_text(printed)
    assert code == 0
    assert said(capsys, "rules", "check", str(rules))[1].startswith(f"{rules}: 1 rules, hash ")


def test_a_policy_that_cant_be_imported_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collector = tmp_path / "collector.yaml"
    collector.write_text("tail_sampling/x: {policies: [{name: cap, type: rate_limiting, rate_limiting: {}}]}")
    code, printed, error = said(capsys, "rules", "import", str(collector), "--processor", "tail_sampling/x")
    assert (code, printed) == (2, "")
    assert error.startswith(f"tracemill: {collector}:1: policy `cap`: `rate_limiting` depends on ")


def test_a_file_that_isnt_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        said(capsys, "rules", "import", "/nowhere.yaml")[2] == "tracemill: /nowhere.yaml: No such file or directory\n"
    )
