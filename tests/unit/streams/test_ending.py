"""A worker ends whatever its threads wait for, and says why."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

from streams.ending import FAILED

HEAD = """
import asyncio, logging, threading
from streams import ending
logging.basicConfig()
threading.Thread(target=threading.Event().wait).start()  # Python waits for it at the end
async def broken(): raise ValueError("broken")
async def cancelled(): raise asyncio.CancelledError
async def fine(): pass
async def told(work):
    try:
        await ending.or_end(work)
    finally:
        print("goes on", flush=True)
"""


def ran(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", HEAD + dedent(program)], capture_output=True, text=True)


def test_it_ends_at_once() -> None:
    done = ran("ending.end('there is no way on', partition=3)")
    assert (done.returncode, done.stderr) == (FAILED, "ERROR:streams.ending:there is no way on partition=3\n")


def test_what_nobody_handles_ends_it_with_a_traceback() -> None:
    done = ran("asyncio.run(told(broken()))")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "the worker stops why=ValueError('broken')\nTraceback" in done.stderr


def test_what_is_done_or_cancelled_goes_on() -> None:
    done = ran(
        """
        asyncio.run(told(fine()))
        try:
            asyncio.run(told(cancelled()))
        except asyncio.CancelledError:
            ending.end("cancelled")
        """
    )
    assert (done.returncode, done.stdout) == (FAILED, "goes on\ngoes on\n")


def test_it_ends_in_time_though_a_thread_waits() -> None:
    assert ran("ending.end_within(0.01)").returncode == 0
