"""How does a replay run? One partition after the other, in memory for the traces of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from runtime.control import overrides_at
from streams.replay.comparison import Comparison
from streams.replay.sides import OtherSide, decided, of_time
from streams.replay.span import stretch
from tracemill.config import Config
from tracemill.sampling import RuleSet
from tracemill.sampling.steering import Steering

Say = Callable[[str], None]

_MARGIN_MS: Final = 60_000


def replay(config: Config, rules: RuleSet, from_ms: int, to_ms: int, most: int, say: Say) -> Comparison:
    """Compare what was decided about the traces of a time with what `rules` would decide. Nothing is written.

    Args:
        config: where the log is, and how traces are assembled.
        rules: the other rules.
        from_ms: since the epoch, by when the first record of a trace was appended.
        to_ms: the end of it, not included.
        most: how many lost traces are named.
        say: told how far it is, and what isn't as it should be.

    Raises:
        KafkaException, TimeoutError: Kafka doesn't answer.
    """
    comparison = Comparison(most)
    steering = Steering("", overrides_at(config.kafka, from_ms - config.assembly.memory_horizon_ms))
    for partition in range(config.kafka.partitions):
        wanted = stretch(config, partition, from_ms, to_ms)
        if not wanted.whole:
            say(f"partition {partition}: the log no longer has all that came, or all that the rules look back on")
        side = OtherSide(config, partition, rules, steering)
        open_count = side.read(wanted)
        was = decided(config, partition, from_ms - _MARGIN_MS)
        for key, told in of_time(side, from_ms, to_ms):
            comparison.add(told, was.get(key))
        say(
            f"partition {partition}: {wanted.last - wanted.first} records, {len(side.told)} traces"
            + (f", {open_count} still open" if open_count else "")
        )
    return comparison
