"""What happens to a request's bytes, whichever way they came? Checked, cut, bundled, acknowledged, counted."""

from __future__ import annotations

from time import perf_counter

from ingest import counters
from ingest.admission import Admission, Reservation
from ingest.bundler import Bundler
from ingest.counters import Protocol
from ingest.inflate import inflate
from tracemill.config import Config
from tracemill.errors import Refused
from tracemill.otlp.check import Checked, check
from tracemill.otlp.count import refuse_too_many_objects
from tracemill.otlp.from_json import to_protobuf
from tracemill.otlp.split import split
from tracemill.tenants import Tenants


class Intake:
    """The way of a request from its bytes to the log."""

    def __init__(self, config: Config, admission: Admission, bundler: Bundler) -> None:
        self.limits = config.limits
        self.admission = admission
        self.tenants = Tenants(config.ingest.tokens)
        self._bundler = bundler
        self._partitions = config.kafka.partitions
        self._piece_bytes = config.ingest.bundle_bytes

    def inflate(self, body: bytes, encoding: str, reservation: Reservation) -> bytes:
        """A compressed body's content, counted as bytes in flight while it grows.

        Raises:
            Refused: it is too large, malformed, or there is no room for it.
        """
        steps = []
        for step in inflate(body, encoding, self.limits.inflated_bytes):
            reservation.grow(len(step))
            steps.append(step)
        return steps[0] if len(steps) == 1 else b"".join(steps)

    async def take(self, body: bytes, tenant: str, protocol: Protocol) -> Checked:
        """Return when all accepted spans are in the log.

        Raises:
            Malformed, TooLarge: nothing of it was taken.
            Busy: Kafka didn't acknowledge all of it.
        """
        size, began = len(body), perf_counter()
        checked = check(self._as_protobuf(body) if protocol is Protocol.HTTP_JSON else body, self.limits)
        pieces = split(checked.batches, tenant, self._partitions, self._piece_bytes, self.limits.request_bytes)
        await self._bundler.write(pieces)
        counters.accepted(protocol, checked, size, perf_counter() - began)
        return checked

    def _as_protobuf(self, body: bytes) -> bytes:
        refuse_too_many_objects(body, self.limits.request_spans)
        return to_protobuf(body)

    def refused(self, error: Refused, protocol: Protocol) -> None:
        """Count a request that was refused whole."""
        counters.REFUSED_REQUESTS.labels(protocol, error.reason).inc()
