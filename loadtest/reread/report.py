"""How is it told whether several runs wrote the same rows?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from loadtest.reread.differences import Difference
from loadtest.reread.digest import DIGEST_BYTES, Summary


@dataclass(frozen=True, slots=True)
class Compared:
    """A partition of a topic: what each run wrote to it, and by number how a run differs from the first."""

    topic: str
    partition: int
    summaries: Sequence[Summary]
    differences: dict[int, Difference]

    @property
    def equal(self) -> bool:
        """Whether all wrote the same."""
        return len(set(self.summaries)) == 1


def table(runs: Sequence[str], compared: Sequence[Compared]) -> str:
    """Rows and digests of each run by topic and partition, and under it the first differences."""
    rows = [("", *runs, "")]
    for topic in dict.fromkeys(each.topic for each in compared):
        mine = [each for each in compared if each.topic == topic]
        rows += [(f"{topic} {each.partition}", *map(_cell, each.summaries), _verdict(each.equal)) for each in mine]
        sums = [_whole(summaries) for summaries in zip(*(each.summaries for each in mine), strict=True)]
        rows.append((f"{topic} all", *map(_cell, sums), _verdict(all(each.equal for each in mine))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *_differences(runs, compared)])


def _differences(runs: Sequence[str], compared: Sequence[Compared]) -> Iterator[str]:
    for each in compared:
        for number, difference in each.differences.items():
            yield ""
            yield from difference.lines(f"{each.topic}, partition {each.partition}", runs[0], runs[number])


def _whole(summaries: Sequence[Summary]) -> Summary:
    joined = " ".join(summary.digest for summary in summaries)
    return Summary(
        sum(summary.rows for summary in summaries), blake2b(joined.encode(), digest_size=DIGEST_BYTES).hexdigest()
    )


def _cell(summary: Summary) -> str:
    return f"{summary.rows:>12,}  {summary.digest}"


def _verdict(equal: bool) -> str:
    return "equal" if equal else "DIFFERENT"
