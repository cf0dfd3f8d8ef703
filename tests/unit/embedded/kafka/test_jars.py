"""Jars are fetched once, whole or not at all, and a changed POM fetches them again."""

from pathlib import Path

import pytest

from embedded.kafka import jars
from embedded.refusals import Missing

MAVEN = """#!/bin/sh
for argument; do case $argument in -DoutputDirectory=*) out=${argument#*=};; esac; done
echo "$*" >> "$0.calls"
mkdir -p "$out"; touch "$out/kafka_2.13-1.jar"; exit STATUS
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def maven(tmp_path, monkeypatch) -> Path:
    """A `mvn` that writes a jar and notes that it was called; the jars' place is a new one."""
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    _write(program, 0)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.delenv(jars.VARIABLE, raising=False)
    monkeypatch.setattr(jars, "_DEFAULT", tmp_path / "build" / "jars")
    return program


def _write(program: Path, status: int) -> None:
    program.write_text(MAVEN.replace("STATUS", str(status)))
    program.chmod(0o755)


def calls(program: Path) -> int:
    noted = program.with_name("mvn.calls")
    return len(noted.read_text().splitlines()) if noted.exists() else 0


def test_they_are_fetched_once_and_again_when_the_pom_changes(maven, said, tmp_path, monkeypatch):
    place = jars.resolve(said.append)
    assert [file.name for file in place.glob("*.jar")] == ["kafka_2.13-1.jar"]
    assert jars.resolve(said.append) == place
    assert (calls(maven), len(said)) == (1, 1)
    other = tmp_path / "pom.xml"
    other.write_text("<project/>")
    monkeypatch.setattr(jars, "POM", other)
    jars.resolve(said.append)
    assert calls(maven) == 2


def test_a_fetch_that_fails_leaves_nothing_and_is_tried_again(maven, said):
    _write(maven, 1)
    with pytest.raises(Missing, match="could not fetch Kafka"):
        jars.resolve(said.append)
    assert not jars.directory().exists()
    _write(maven, 0)
    assert jars.resolve(said.append).exists()


def test_a_missing_maven_is_named(maven, said, monkeypatch):
    maven.unlink()
    monkeypatch.setenv("PATH", str(maven.parent))
    with pytest.raises(Missing, match=r"Maven.*install it"):
        jars.resolve(said.append)


def test_a_packaged_install_names_its_own(maven, said, tmp_path, monkeypatch):
    monkeypatch.setenv(jars.VARIABLE, str(tmp_path / "packaged"))
    with pytest.raises(Missing, match=jars.VARIABLE):
        jars.resolve(said.append)
    (tmp_path / "packaged").mkdir()
    (tmp_path / "packaged" / "kafka_2.13-4.jar").touch()
    assert jars.resolve(said.append) == tmp_path / "packaged"
    assert calls(maven) == 0


def test_the_pom_names_versions_and_no_place_to_fetch_from():
    text = jars.POM.read_text()
    assert "<version>4.2.0</version>" in text
    assert not any(word in text for word in ("<repositor", "<url>", "SNAPSHOT", "LATEST", "RELEASE", "[", "${"))
