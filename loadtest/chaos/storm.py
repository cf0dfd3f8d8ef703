"""How is a plan carried out? Every fault at its time, on a thread of its own, until its part is ready again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from loadtest.chaos.faults import World, begun
from loadtest.chaos.plan import ALL, Fault, Kind
from loadtest.chaos.processes import Readiness

Say = Callable[[str], None]

READY_S: Final = 240.0
"""A part that isn't ready again so long after its fault is said not to have healed."""
NOTICED_S: Final = 1.0
"""So long after a kill or a standstill a part is asked for the first time: its port may still answer for the dead, and
who stood still may not know yet what it missed."""


@dataclass(slots=True)
class Struck:
    """A fault as it was: when it began and was ended, in seconds from the start; seconds from its end until the part
    was ready again, starting or leaving included; what was seen."""

    fault: Fault
    began_s: float
    ended_s: float = 0.0
    ready_after_s: float | None = None
    notes: list[str] = field(default_factory=list)


class Storm:
    """Carries a plan out."""

    def __init__(self, plan: Sequence[Fault], world: World, say: Say) -> None:
        self._plan = plan
        self._world = world
        self._say = say
        self._ready = Readiness(world.config)
        self._began_s = 0.0
        self._errors: list[BaseException] = []

    def run(self) -> list[Struck]:
        """Bring about all that is planned, and return when all of it is over and healed, or wasn't in time.

        Raises:
            Exception: a fault couldn't be brought about or ended.
        """
        self._began_s = time.monotonic()
        struck = [Struck(fault, 0.0) for fault in self._plan]
        threads = [threading.Thread(target=self._guarded, args=(each,), name=str(each.fault)) for each in struck]
        try:
            for each, thread in zip(struck, threads, strict=True):
                if not self._world.wait(max(self._began_s + each.fault.at_s - time.monotonic(), 0.0)):
                    break
                thread.start()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        except BaseException:
            self._world.over.set()
            raise
        if self._errors:
            raise self._errors[0]
        return struck

    def _guarded(self, struck: Struck) -> None:
        try:
            self._strike(struck)
        except BaseException as error:
            self._errors.append(error)
            self._world.over.set()

    def _strike(self, struck: Struck) -> None:
        fault = struck.fault
        with begun(self._world, fault, struck.notes.append):
            struck.began_s = self._now_s()
            self._say(f"{struck.began_s:6.1f} s  {fault.kind} {fault.target} {'; '.join(struck.notes)}".rstrip())
            self._world.wait(fault.lasts_s)
            struck.ended_s = self._now_s()
        struck.ready_after_s = self._heal(fault, struck.ended_s)
        healed = "NOT ready again" if struck.ready_after_s is None else f"ready after {struck.ready_after_s:.1f} s"
        self._say(f"{self._now_s():6.1f} s  {healed}: {fault.kind} {fault.target} {'; '.join(struck.notes)}".rstrip())

    def _heal(self, fault: Fault, since_s: float) -> float | None:
        """Seconds from `since_s` until the fault's target is ready."""
        self._world.wait(NOTICED_S if fault.kind in (Kind.KILL, Kind.FREEZE) else 0.0)
        for part in self._ready.parts if fault.target == ALL else [fault.target]:
            if self._ready.wait(part, READY_S, self._world.over.is_set) is None:
                return None
        return self._now_s() - since_s

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s
