"""Refused inserts are counted through restarts of the store."""

from loadtest.chaos.refusals import rises


def test_a_counter_that_begins_anew_is_followed():
    assert rises([5]) == 0
    assert rises([5, 7, 7, 2, 3]) == 5
