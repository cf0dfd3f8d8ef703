"""How does one chaos run go? A stack on small disks, a load, a storm, quiet, and the ledger."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from loadtest import machine
from loadtest.chaos.disks import Disk, mounted
from loadtest.chaos.faults import World
from loadtest.chaos.ledger import Ledger, draw_up
from loadtest.chaos.plan import DISKS, Fault
from loadtest.chaos.processes import Readiness
from loadtest.chaos.storm import READY_S, Say, Storm, Struck
from loadtest.commands import CommandFailed
from loadtest.load import Sent, loading
from loadtest.progress import Progress, still_s
from loadtest.remains import Remains
from loadtest.stack import Up
from tracemill.config import Assembly, Config

RULES: Final = Path(__file__).with_name("rules.yaml")
ASSEMBLY: Final = Assembly(
    max_idle_ms=8_000,
    max_age_ms=20_000,
    max_spans=12,
    max_trace_bytes=8 * 1024,
    carry_after_ms=4_000,
    late_grace_ms=4_000,
    partition_bytes=384 * 1024,
)
"""So that traces close for every reason (too many spans are those that were sent again), are carried, and are read back
from the log."""
LOAD: Final = {
    "request-spans": 80,
    "spread": 4,
    "late-every": 12,
    "late-after": 40,
    "rootless-every": 25,
    "long-open": 8,
}
QUIET_S: Final = 600.0
"""Until then all that was sent has to be decided and stored."""


class NotHealedError(CommandFailed):
    """A part isn't ready long after the last fault; the text says which."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run was, and what came out."""

    seed: int
    seconds: float
    rate: float
    machine: dict[str, Any]
    faults: Sequence[Struck]
    skipped: str
    sent: Sent
    quiet_after_s: float
    ledger: Ledger

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "rate": self.rate,
            "machine": self.machine,
            "faults": [asdict(struck) for struck in self.faults],
            "skipped": self.skipped,
            "sent": list(self.sent.summaries),
            "quiet_after_s": round(self.quiet_after_s, 1),
            "ledger": self.ledger.as_json(),
        }


def carry_out(plan: Sequence[Fault], seed: int, seconds: float, rate: float, port_offset: int, say: Say) -> Outcome:
    """Run a plan against a stack of its own.

    Of a run that ends badly everything is kept, and where it is is said.

    Raises:
        CommandFailed: it could not be done.
    """
    facts, remains = machine.describe(), Remains(Path(tempfile.mkdtemp(prefix="tracemill-chaos-")), say)
    up = Up(remains.directory, port_offset, {"assembly": ASSEMBLY.model_dump(), "sampling": {"rules": str(RULES)}})
    paths = {name: up.data_dir / name for name in DISKS}
    with remains, mounted(paths, round(rate * seconds)) as (disks, skipped), remains.off(paths):
        say(f"starting a stack in {remains.directory}" + (f"; {skipped}" if skipped else ""))
        try:
            config, struck, sent = _storm(plan, seed, seconds, rate, up, disks, say)
            quiet_after_s = _quiet(config, say)
            say("drawing up the ledger")
            ledger = draw_up(sent.claims, config)
            remains.wanted = not ledger.clean
        finally:
            up.stop()
    return Outcome(seed, seconds, rate, facts, struck, skipped, sent, quiet_after_s, ledger)


def _storm(
    plan: Sequence[Fault], seed: int, seconds: float, rate: float, up: Up, disks: Mapping[str, Disk], say: Say
) -> tuple[Config, list[Struck], Sent]:
    """A stack under load while the plan is carried out: its configuration, what happened, and what was sent."""
    stack = up.start()
    directory = up.data_dir.parent
    world = World(up, stack.config, directory, disks, threading.Event())
    odd = LOAD | {"long-seconds": seconds}
    with loading(stack.endpoints, seed, seconds, rate, odd, directory) as load:
        struck = Storm(plan, world, say).run()
        say("waiting until all is sent")
        return stack.config, struck, load.finished()


def _quiet(config: Config, say: Say) -> float:
    """Seconds until all was healed and everything decided and stored."""
    began_s, ready = time.monotonic(), Readiness(config)
    for part in ready.parts:
        if ready.wait(part, READY_S) is None:
            raise NotHealedError(f"{part} isn't ready after the storm: {ready.why_not(part)}")
    say("waiting until all is quiet")
    return Progress(config).wait_until_quiet(still_s(config.assembly), QUIET_S) - began_s
