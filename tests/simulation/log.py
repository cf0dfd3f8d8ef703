"""A partition of `otlp.v1` in memory: records of every kind, and how the oldest of them go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from runtime.dead_letters import Headers, Record
from streams.log import index_of
from tests.builders.bundles import S, bundle, trace_id
from tracemill import topics
from tracemill.assembly.excerpt import Bundle
from tracemill.bundles import Group, join_index, pack_group, read_index
from tracemill.control.rules import rules_record
from tracemill.sampling import RuleSet

BROKEN = b"\x12\x03\x0a\x05x"
"""A span cut short; whoever reads it as a part of `TracesData` sees a field that it doesn't know."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A chunk of one trace that nobody can decode: it says that it holds one span."""

    key: bytes
    size: int = len(BROKEN)


@dataclass(frozen=True, slots=True)
class Entry:
    """A record: what a worker reads, and what a reader that knows no index is told of it.

    `plain` are the spans as `TracesData`, `rules` the rule set that holds from here on.
    """

    append_ms: int
    value: bytes = b""
    headers: Headers = ()
    plain: bytes = b""
    rules: RuleSet | None = None
    broken: tuple[Broken, ...] = ()


def tick(append_ms: int) -> Entry:
    """Nothing but the time."""
    return Entry(append_ms, headers=[(topics.HEADER_TYPE, topics.TYPE_TICK.encode())])


def applies(append_ms: int, rule_set: RuleSet) -> Entry:
    """A control record."""
    headers: Headers = [(topics.HEADER_TYPE, topics.TYPE_RULES.encode())]
    return Entry(append_ms, rules_record(rule_set), headers, rules=rule_set)


UNREADABLE: tuple[tuple[bytes, Headers], ...] = (
    (b"anything", []),
    (b"", [(topics.HEADER_INDEX, b"\x09")]),
    (b"short", [(topics.HEADER_INDEX, bundle([S()])[1])]),
    (b"{}", [(topics.HEADER_TYPE, topics.TYPE_RULES.encode())]),
    (b"of a later release", [(topics.HEADER_TYPE, b"unheard-of")]),
)


def unreadable(append_ms: int, which: int) -> Entry:
    """A record that moves the time on and says nothing else to anybody."""
    value, headers = UNREADABLE[which]
    return Entry(append_ms, value, headers)


def sent(append_ms: int, spans: Iterable[tuple[str, S]], broken: Sequence[int] = ()) -> Entry:
    """A bundle of spans by tenant; of the traces `broken` of the first tenant it holds something unreadable too."""
    by_tenant: dict[str, list[S]] = {}
    for tenant, span in spans:
        by_tenant.setdefault(tenant, []).append(span)
    value, groups = b"", []
    for tenant, mine in by_tenant.items():
        part, index = bundle(mine, tenant)
        groups += [pack_group(group, len(value)) for group in read_index(index, len(part))]
        value += part
    first = next(read_index(join_index(groups), len(value))).tenant
    plain = value
    for number in broken:
        chunk = (trace_id(number), len(value), len(value) + len(BROKEN), 2)
        groups.append(pack_group(Group((0, 0), first, (0, 0), (chunk,))))
        value += BROKEN
    marks = tuple(Broken(trace_id(number) + plain[slice(*first)]) for number in broken)
    return Entry(append_ms, value, [(topics.HEADER_INDEX, join_index(groups))], plain, broken=marks)


@dataclass
class Log:
    """Records by offset; those before `oldest` are gone."""

    entries: list[Entry] = field(default_factory=list)
    oldest: int = 0

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def clock_ms(self) -> int:
        """What the broker's clock shows: the append time of the newest record."""
        return self.entries[-1].append_ms if self.entries else 0

    def append_ms(self, offset: int) -> int | None:
        """When a record was appended; None where there is none."""
        return self.entries[offset].append_ms if self.oldest <= offset < len(self) else None

    def record(self, offset: int) -> Record:
        """As a worker reads it."""
        entry = self.entries[offset]
        return Record(topics.OTLP.name(), 0, offset, entry.append_ms, entry.headers, entry.value)

    def bundles_at(self, offsets: Iterable[int]) -> dict[int, Bundle]:
        """Bundles by offset; those that are gone are left out."""
        return {
            offset: Bundle(offset, self.entries[offset].value, index_of(self.entries[offset].headers))
            for offset in offsets
            if self.oldest <= offset
        }

    def rule_sets(self) -> list[RuleSet]:
        """What `control.v1` holds: every rule set that was ever applied."""
        return [entry.rules for entry in self.entries if entry.rules]
