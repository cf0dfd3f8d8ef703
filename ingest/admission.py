"""Is there room for one more request? Bytes in flight, from the first byte read to the answer."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from tracemill.errors import Busy, Reason

RETRY_AFTER_S: Final = 1.0


class Admission:
    """Counts the bytes of requests that aren't answered yet, and says why no more are taken, if so."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self.in_flight_bytes = 0
        self.away: str | None = "Kafka hasn't answered yet"
        """Why nothing can be written (a sentence), or None while the broker acknowledges."""

    def enter(self, size: int) -> Reservation:
        """Take in a request of `size` bytes; use as a context manager.

        Raises:
            Busy: no broker acknowledges, or too much is in flight.
        """
        if self.away is not None:
            raise Busy(Reason.BROKER_AWAY, f"{self.away}: send again", RETRY_AFTER_S)
        reservation = Reservation(self)
        reservation.grow(size)
        return reservation

    def add(self, size: int) -> None:
        """Count `size` bytes more (or less).

        Raises:
            Busy: too much is in flight; nothing is counted.
        """
        if size > 0 and self.in_flight_bytes + size > self._limit:
            raise Busy(
                Reason.BUSY, f"{self.in_flight_bytes} bytes are in flight of {self._limit}: send again", RETRY_AFTER_S
            )
        self.in_flight_bytes += size


class Reservation:
    """The bytes of one request."""

    __slots__ = ("_admission", "_size")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0

    def grow(self, size: int) -> None:
        """Count `size` bytes more.

        Raises:
            Busy: too much is in flight.
        """
        self._admission.add(size)
        self._size += size

    def shrink_to(self, size: int) -> None:
        """Count no more than `size` bytes from now on."""
        if size < self._size:
            self._admission.add(size - self._size)
            self._size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shrink_to(0)
