"""Who is a process to its consumer group?"""

from __future__ import annotations

from runtime.identity import member


def test_a_process_on_the_same_port_is_the_same_one_again() -> None:
    assert member(None, 9001) == member(None, 9001)
    assert member(None, 9001) != member(None, 9002)


def test_a_name_of_its_own_is_its_name() -> None:
    assert member("streams-0", 9001) == "streams-0"
