"""Is what all topics keep what the configuration allows, and are the lists of them whole?"""

from __future__ import annotations

from fractions import Fraction

from tracemill import topics
from tracemill.topics import ALL, Topic


def test_the_shares_of_all_topics_are_all_that_is_kept() -> None:
    assert sum(Fraction(str(topic.share)) for topic in ALL) == 1
    assert all((topic.share > 0) == (topic.cleanup == "delete") for topic in ALL)


def test_every_topic_is_in_the_list() -> None:
    assert {value.name() for value in vars(topics).values() if isinstance(value, Topic)} == {
        topic.name() for topic in ALL
    }
    assert all(topic in ALL for topic in topics.STORED)
