"""Fixtures of several integration tests."""

from tests.fixtures.attacked import attacked, calling, neighbour

__all__ = ["attacked", "calling", "neighbour"]
