"""How does a worker end? At once where it can't go on, and soon where it is asked to.

It may end at any time: what it did is in the log, and whoever comes next goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable
from typing import Any, Final, NoReturn

from runtime.logs import pairs

log = logging.getLogger(__name__)

FAILED: Final = 70
"""The exit code of a worker that couldn't go on."""


def end(sentence: str, **values: Any) -> NoReturn:
    """Say why, with the traceback of the exception at hand, and end the process, whatever its threads do."""
    log.error(pairs(sentence, **values), exc_info=sys.exc_info()[0] is not None)
    logging.shutdown()
    os._exit(FAILED)


async def or_end(work: Awaitable[Any]) -> None:
    """Whatever `work` can't handle ends the process: started again, it goes on from the log."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        end("the worker stops", why=repr(error))


def end_within(seconds: float) -> None:
    """End the process after `seconds`, should it still be there: a thread may wait much longer for Kafka's answer."""
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()
