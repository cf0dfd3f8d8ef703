"""What does a record of `otlp.v1` do to its partition? By its kind, and one like the other: a table of them.

A record that can't be read moves the time on, changes nothing else, and is among the dead letters: so does a kind
that this release doesn't know.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from runtime.dead_letters import Record
from runtime.logs import pairs
from streams import metrics
from streams.letters import Letters
from streams.log import index_of
from streams.partitions import Partition
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.bundles import BundleError
from tracemill.control.overrides import read_override
from tracemill.control.promotions import read_promotion
from tracemill.control.rules import read_rules
from tracemill.errors import Malformed, Reason
from tracemill.evaluation.judge import RuleBook

log = logging.getLogger(__name__)

BUNDLE: Final = "bundle"
"""The kind of a record without a header `type`."""
UNKNOWN: Final = "unknown"

Handler = Callable[[Assembler, Record], None]
"""Feeds a record to its partition. Raises `Malformed` if it can't be read, and then has moved the time on at most."""


class Records:
    """Hands records to the handlers of their kinds."""

    def __init__(self, handlers: Mapping[str, Handler], letters: Letters) -> None:
        self._handlers = handlers
        self._letters = letters
        self._counted = {kind: metrics.RECORDS.labels(kind) for kind in (*handlers, UNKNOWN)}

    def take(self, ours: Partition, record: Record) -> None:
        """The next record of a partition."""
        if record.offset in ours.skips:
            tick(ours.assembler, record)
            return
        kind = kind_of(record)
        handler = self._handlers.get(kind, unknown)
        self._counted[kind if kind in self._handlers else UNKNOWN].inc()
        try:
            handler(ours.assembler, record)
        except Malformed as why:
            tick(ours.assembler, record)
            self._letters.write(record, why)


def handlers(rules: RuleBook) -> Mapping[str, Handler]:
    """By kind, what its records do; rule sets that they bring are added to `rules`."""
    return {
        BUNDLE: bundle,
        topics.TYPE_TICK: tick,
        topics.TYPE_RULES: partial(apply_rules, rules),
        topics.TYPE_OVERRIDE: override,
        topics.TYPE_PROMOTION: promote,
    }


def kind_of(record: Record) -> str:
    """What the header `type` says, `bundle` where there is none."""
    kind = next((value for name, value in record.headers if name == topics.HEADER_TYPE), None)
    return kind.decode("utf-8", "backslashreplace") if kind else BUNDLE


def bundle(assembler: Assembler, record: Record) -> None:
    """Spans."""
    try:
        assembler.feed_bundle(record.offset, record.timestamp_ms, record.value, index_of(record.headers))
    except BundleError as error:
        raise Malformed(Reason.NOT_A_BUNDLE, str(error)) from error


def tick(assembler: Assembler, record: Record) -> None:
    """Nothing but the time."""
    assembler.feed_tick(record.offset, record.timestamp_ms)


def apply_rules(rules: RuleBook, assembler: Assembler, record: Record) -> None:
    """From here on another rule set holds; where it can't be read, the one that held before goes on to."""
    rule_set = read_rules(record.value)
    rules.add(rule_set)
    assembler.feed_rules(record.offset, record.timestamp_ms, rule_set.digest)
    log.info(pairs("rules apply", partition=record.partition, offset=record.offset, rules=rule_set.digest[:12]))


def override(assembler: Assembler, record: Record) -> None:
    """From here on everything of a user, session, service or tenant is kept, or isn't any longer."""
    order = read_override(record.value)
    assembler.feed_override(record.offset, record.timestamp_ms, order.override, order.revoked)


def promote(assembler: Assembler, record: Record) -> None:
    """A trace is kept, whatever was decided about it."""
    promotion = read_promotion(record.value)
    assembler.feed_promotion(record.offset, record.timestamp_ms, promotion.key, promotion.why, promotion.known)


def unknown(_: Assembler, record: Record) -> None:
    """A kind that a later release may know."""
    raise Malformed(Reason.UNKNOWN_TYPE, f"a record of type {kind_of(record)!r}: this release doesn't know it")
