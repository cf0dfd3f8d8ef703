"""To which trace does each chunk of a record belong? To one that is open, to one that it opens, or to none.

To none, when the record was part of what its trace was decided with: then it is read for the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tracemill import bundles
from tracemill.assembly import sizes
from tracemill.assembly.awaited import Awaited
from tracemill.assembly.holds import Holds
from tracemill.assembly.recent import Recent
from tracemill.assembly.trace import Anchor, Decided, OpenTrace
from tracemill.decode.groups import Sender

_SENDERS_BYTES: Final = 8 * 1024 * 1024
"""Of a partition's senders that are held in case that they send again."""


class Arrivals:
    """The open traces of a partition by their key, with the spans that came for them."""

    def __init__(self, recent: Recent, holds: Holds, awaited: Awaited) -> None:
        self._recent = recent
        self._holds = holds
        self._awaited = awaited
        self._open: dict[bytes, OpenTrace] = {}
        self._senders: dict[Sender, Sender] = {}
        self._senders_bytes = 0
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def carried_count(self) -> int:
        """How many of them are carried; may be asked on another thread."""
        return sum(1 for trace in list(self._open.values()) if trace.listed)

    def take(self, anchor: Anchor, now: int, value: bytes, groups: Iterable[bundles.Group]) -> list[OpenTrace]:
        """Add every chunk to its trace; the traces that got something, in order of appearance.

        Args:
            anchor: the state just before the record.
            now: the log time that it has.
            value: its bytes.
            groups: where its chunks lie.

        Raises:
            BundleError: the name of a tenant isn't one; nothing was taken.
        """
        offset, find, touched, taken_bytes = anchor.offset, self._open.get, [], 0
        for group, sender in [(group, self._sender(value, group)) for group in groups]:
            tenant = sender.tenant
            # Whether others have the same sender isn't in the log, so each record's first chunk of it bears it.
            beside = sizes.CHUNK_BYTES + sender.size
            for trace_id, start, end, packed in group.chunks:
                size, taken, beside = end - start, end - start + beside, sizes.CHUNK_BYTES
                trace = find(trace_id + tenant)
                if trace is None:
                    trace = self._begin(trace_id + tenant, now, offset)
                    if trace is None:
                        continue
                    if self._awaited:
                        self._awaited.meet(trace, now)
                if not trace.records or trace.records[-1] != offset:
                    self._go_on(trace, anchor, now)
                    touched.append(trace)
                spans = packed >> 1
                trace.pieces.append((value[start:end], sender, offset, spans))
                trace.sizes[-1] += taken
                trace.size += taken
                trace.span_bytes += size
                trace.spans += spans
                taken_bytes += taken
                if packed & 1:
                    trace.rooted = True
        self.held_bytes += taken_bytes
        return touched

    def promote(self, anchor: Anchor, now: int, key: bytes, why: str, known: Decided | None) -> OpenTrace | None:
        """A trace is to be kept, whatever the rules say: one that is open, or that was decided and now goes on.

        One that nobody has heard of is awaited for a while.

        Args:
            anchor: the state just before the record that asks for it.
            now: the log time that it has.
            key: the trace's.
            why: what is said in its policy.
            known: what was decided about it, if nothing is remembered.

        Returns:
            The trace; None where nothing was heard of it yet, or the record was decided with it.
        """
        trace = self._open.get(key) or self._begin(key, now, anchor.offset, known)
        if trace is None:
            return None
        if trace.before is None and not trace.records:
            del self._open[key]
            self._awaited.add(key, why, anchor, now)
            return None
        trace.promoted = trace.promoted or why
        self._go_on(trace, anchor, now)
        return trace

    def close(self, trace: OpenTrace) -> None:
        """`trace` isn't open any longer."""
        trace.is_open = False
        del self._open[trace.key]
        self.held_bytes -= trace.size

    def restore(self, traces: Sequence[OpenTrace]) -> None:
        """These are open, with their spans."""
        for trace in traces:
            self._open[trace.key] = trace
            self.held_bytes += trace.size

    def _sender(self, value: bytes, group: bundles.Group) -> Sender:
        """The one object that stands for who sent a group, so that it is held once."""
        (resource, resource_end), (tenant, tenant_end), (scope, scope_end) = group.resource, group.tenant, group.scope
        sender = Sender(value[tenant:tenant_end], value[resource:resource_end], value[scope:scope_end])
        return self._senders.get(sender) or self._new_sender(sender)

    def _new_sender(self, sender: Sender) -> Sender:
        try:
            sender.tenant.decode()
        except UnicodeDecodeError as error:
            raise bundles.BundleError(f"the name of its tenant isn't text: {error}") from error
        if self._senders_bytes > _SENDERS_BYTES:
            self._senders.clear()
            self._senders_bytes = 0
        self._senders[sender] = sender
        self._senders_bytes += sizes.OPEN_BYTES + sender.size
        return sender

    def _go_on(self, trace: OpenTrace, anchor: Anchor, now: int) -> None:
        """The record behind `anchor` is one of the trace's."""
        size = 0 if trace.records else sizes.OPEN_BYTES + sizes.before_bytes(trace.before)
        trace.last_at = now
        trace.records.append(anchor.offset)
        trace.times.append(now)
        trace.sizes.append(size)
        trace.size += size
        self.held_bytes += size
        if trace.hold is None:
            self._holds.begin(trace, anchor, now)

    def _begin(self, key: bytes, now: int, offset: int, known: Decided | None = None) -> OpenTrace | None:
        """A trace that isn't open: new, or decided and now continued; None when this record was decided with it."""
        remembered = self._recent.get(key, now)
        before = remembered or known
        if before is not None and offset <= before.last_offset:
            return None
        opened_at = before.opened_at if before else now
        trace = OpenTrace(key, opened_at, now, now, before, before.rooted if before else False)
        trace.told = before is not None and remembered is None
        self._open[key] = trace
        return trace
