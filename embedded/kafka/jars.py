"""Where are Kafka's jars, and how do they get there? Through Maven, once; from then on no network is needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from embedded.refusals import Missing

VARIABLE: Final = "TRACEMILL_KAFKA_JARS"
POM: Final = Path(__file__).with_name("pom.xml")
_DEFAULT: Final = Path(__file__).parents[2] / ".build" / "kafka" / "jars"
_MARKER: Final = "pom.sha256"

Say = Callable[[str], None]


def directory() -> Path:
    """Where the jars are looked for: TRACEMILL_KAFKA_JARS, else `.build/kafka/jars` beside the packages."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) if chosen else _DEFAULT


def resolve(say: Say) -> Path:
    """The directory of the jars that the POM names, fetched first if they aren't there; `say` hears of long steps.

    Raises:
        Missing: Maven isn't installed or couldn't fetch them; the text says what to do.
    """
    jars = directory()
    if VARIABLE in os.environ:
        if not any(jars.glob("kafka_2.13-*.jar")):
            raise Missing(f"{VARIABLE}={jars} holds no Kafka: unset it to fetch the jars, or correct it")
        return jars
    marker, wanted = jars / _MARKER, hashlib.sha256(POM.read_bytes()).hexdigest()
    if not marker.exists() or marker.read_text() != wanted:
        say(f"fetching Apache Kafka (43 MB) with Maven into {jars}, once")
        _fetch(jars, wanted)
    return jars


def _fetch(jars: Path, pom_hash: str) -> None:
    """Fill a directory of our own and put it in place whole, so that a fetch that fails half-way leaves nothing."""
    maven = shutil.which("mvn")
    if not maven:
        raise Missing("Maven, which fetches Kafka, isn't installed (no `mvn`): install it, e.g. `apt install maven`")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as made:
        filled = Path(made) / "jars"
        _run_maven(maven, filled)
        (filled / _MARKER).write_text(pom_hash)
        shutil.rmtree(jars, ignore_errors=True)
        filled.rename(jars)


def _run_maven(maven: str, output: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={output}"]
    done = subprocess.run([maven, "-B", "-q", "-f", str(POM), *goal], capture_output=True, text=True)
    if done.returncode:
        last = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][:5]
        raise Missing("Maven could not fetch Kafka (is there a network?): " + " ".join(last))
