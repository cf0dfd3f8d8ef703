"""A directory has one owner at a time."""

import os
import subprocess
import sys

import pytest

from embedded.locks import Lock
from embedded.refusals import InUse

HOLD = """
import sys
from pathlib import Path
from embedded.locks import Lock
lock = Lock(Path(sys.argv[1]), "a test")
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_is_refused_and_told_of_the_first(tmp_path):
    lock = Lock(tmp_path / "new" / "data", "a test")
    with pytest.raises(InUse, match=rf"in use by a test with pid {os.getpid()}: stop that one, or choose another"):
        Lock(tmp_path / "new" / "data", "a test")
    lock.release()
    Lock(tmp_path / "new" / "data", "a test").release()


def test_the_lock_ends_with_its_owner(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=-1, stdout=-1) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"held\n"
        with pytest.raises(InUse, match=f"pid {owner.pid}"):
            Lock(tmp_path, "a test")
        owner.kill()
        owner.wait()
        Lock(tmp_path, "a test").release()
