"""Which Java runs Kafka, and is it new enough?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from embedded.refusals import Missing

OLDEST: Final = 17
_VERSION: Final = re.compile(r'version "(\d+)')


def find() -> Path:
    """The `java` of JAVA_HOME, else the one on the PATH.

    Raises:
        Missing: there is none, or it is older than Kafka takes.
    """
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not found or not os.access(found, os.X_OK):
        where = f"JAVA_HOME={home} holds no bin/java" if home else "no `java` on the PATH"
        raise Missing(f"Java isn't installed ({where}): install a JDK >= {OLDEST}, e.g. `apt install openjdk-17-jdk`")
    version = _version(found)
    if version < OLDEST:
        raise Missing(f"{found} is Java {version}, Kafka needs >= {OLDEST}: install one and point JAVA_HOME at it")
    return Path(found)


def _version(java: str) -> int:
    """The feature version that `java -version` prints; 0 when it prints none."""
    done = subprocess.run([java, "-version"], capture_output=True, text=True)
    found = _VERSION.search(done.stderr + done.stdout)
    return int(found[1]) if found else 0
