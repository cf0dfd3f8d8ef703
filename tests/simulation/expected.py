"""What has to be on the topics in the end? What the independent reader tells, in the words of `outcome`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loadtest.reader.decisions import Decided
from tests.simulation.outcome import Place, highest


def latest_revisions(decided: Iterable[Decided]) -> dict[tuple[bytes, int], tuple[Any, ...]]:
    """Of each trace that has a row, the last."""
    return {
        (one.closed.key, one.closed.opened_at): (
            one.revision,
            one.closed.cause,
            one.closed.closed_by,
            one.closed.rooted,
            len(one.closed.ids),
            one.verdict.keep,
            one.verdict.policy,
            one.verdict.probability,
            one.verdict.adjusted_count,
        )
        for one in decided
        if one.told
    }


def signalled(decided: Iterable[Decided]) -> dict[tuple[str, str], int]:
    """Of each trace that ever had a row, under whichever `opened_at`, the highest revision."""
    told = [one for one in decided if one.told]
    return {
        (one.closed.key[16:].decode(), one.closed.key[:16].hex()): one.revision
        for one in sorted(told, key=lambda one: one.revision)
    }


def stored(decided: Iterable[Decided]) -> dict[Place, set[tuple[Any, ...]]]:
    """Of each span of a kept trace where it was written last."""
    return highest(
        (
            (one.closed.key, span),
            (one.closed.cause, one.revision, one.verdict.policy, one.verdict.probability, one.verdict.adjusted_count),
        )
        for one in decided
        for span in one.written
    )


def decided_rows(decided: Iterable[Decided]) -> list[tuple[Any, ...]]:
    """All closings, in their order; of what can't be decoded no span ids are known."""
    return [
        (
            one.closed.key,
            (
                one.closed.opened_at,
                one.closed.first_at,
                one.closed.at,
                one.closed.cause,
                one.closed.closed_by,
                one.closed.rooted,
            ),
            list(one.closed.records),
            (
                one.revision,
                one.verdict.keep,
                one.verdict.policy,
                one.verdict.probability,
                one.verdict.adjusted_count,
            ),
            set() if one.closed.broken else one.closed.ids,
        )
        for one in decided
    ]
