"""A Java that is missing or too old is named, with what to install."""

from pathlib import Path

import pytest

from embedded.kafka import java
from embedded.refusals import Missing


def pretend(directory: Path, says: str) -> Path:
    """A `java` that prints this as its version."""
    program = directory / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    "says", ['openjdk version "17.0.15" 2025-04-15', 'java version "21" 2023', 'openjdk version "25-ea"']
)
def test_a_java_that_is_new_enough_is_taken(tmp_path, monkeypatch, says):
    program = pretend(tmp_path, says)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.find() == program
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    assert java.find() == program


@pytest.mark.parametrize(
    ("says", "named"),
    [('openjdk version "11.0.2"', "Java 11"), ('java version "1.8.0_202"', "Java 1"), ("?", "Java 0")],
)
def test_an_old_java_is_named(tmp_path, monkeypatch, says, named):
    pretend(tmp_path, says)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(Missing, match=named + r", Kafka needs >= 17: install one and point JAVA_HOME at it"):
        java.find()


def test_no_java_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Missing, match=r"no `java` on the PATH.*install a JDK >= 17"):
        java.find()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(Missing, match=r"JAVA_HOME=.* holds no bin/java"):
        java.find()
