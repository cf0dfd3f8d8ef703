"""How does a coroutine of a worker run, step by step, on no thread and with no clock?"""

from __future__ import annotations

import asyncio
from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True, slots=True)
class Work:
    """What a coroutine waits for: a call that whoever drives it makes when it likes."""

    call: Callable[[], Any]

    def __await__(self) -> Generator[Work, Any, Any]:
        return (yield self)


class SteppingLoop(asyncio.AbstractEventLoop):
    """The event loop of one coroutine; what goes to a thread elsewhere becomes `Work` here."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        return Work(partial(func, *args))


_LOOP = SteppingLoop()


def works(coroutine: Coroutine[Any, Any, Any]) -> Generator[Work, Any, None]:
    """What a coroutine waits for, one after the other; it goes on with what is sent back."""
    answer = None
    with suppress(StopIteration):
        while True:
            answer = yield _next(coroutine, answer)


def _next(coroutine: Coroutine[Any, Any, Any], answer: Any) -> Work:
    outer = _get_running_loop()
    _set_running_loop(_LOOP)
    try:
        return coroutine.send(answer)
    finally:
        _set_running_loop(outer)
