"""Who sent spans is read once; where it can't be read, their traces are set aside and never read as nobody's."""

from __future__ import annotations

import pytest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from tests.builders.bundles import S, any_value, bundle
from tests.builders.partition import Worker, Written
from tracemill.bundles import Group, pack_index, read_index
from tracemill.config import Assembly
from tracemill.decode import groups
from tracemill.decode.groups import Origins, Sender
from tracemill.decode.spans import UndecodableError

BROKEN = b"\x0a\x05x"
SCOPE = InstrumentationScope(name="lib", version="1").SerializeToString()


def resource(**attributes: object) -> bytes:
    made = Resource()
    for key, value in attributes.items():
        made.attributes.add(key=key.replace("_", "."), value=any_value(value))
    return made.SerializeToString()


def test_a_sender_is_read_once() -> None:
    origins, sender = Origins(), Sender(b"acme", resource(service_name="shop", host_cores=4), SCOPE)
    first, again = origins.read([sender, sender])
    assert first is again
    assert (first.tenant, first.scope_name, first.scope_version) == ("acme", "lib", "1")
    assert first.columns["service_name"] == "shop"
    assert dict(first.attributes) == {"service.name": "shop", "host.cores": "4"}


def test_what_is_read_of_senders_takes_so_much_memory_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_CACHED_BYTES", 10_000)
    origins, senders = Origins(), [Sender(b"acme", resource(service_name=str(n)), SCOPE) for n in range(20)]
    first = origins.read(senders[:1])[0]
    assert origins.read(senders[:3])[0] is first
    for sender in senders[3:]:
        origins.read([sender])
    again = origins.read(senders[:1])[0]
    assert again is not first
    assert again == first


@pytest.mark.parametrize(
    ("sender", "named"),
    [(Sender(b"acme", BROKEN, SCOPE), "Resource"), (Sender(b"acme", b"", BROKEN), "InstrumentationScope")],
)
def test_a_resource_or_scope_that_cannot_be_read_is_named(sender: Sender, named: str) -> None:
    with pytest.raises(UndecodableError, match=named):
        Origins().read([Sender(b"acme", b"", b""), sender])


def test_its_traces_are_set_aside_and_those_beside_them_are_decided() -> None:
    value, index = bundle([S(trace=1)])
    other, other_index = bundle([S(trace=2), S(trace=3)])
    (group,) = read_index(other_index, len(other))
    start = len(value) + len(other)
    broken = Group((start, start + len(BROKEN)), _moved(group.tenant, len(value)), (0, 0), _chunks(group, len(value)))
    log = [(0, value + other + BROKEN, index + pack_index([broken])[1:]), (10_000, b"", b"")]
    written = Written()
    worker = Worker(Assembly(), log, written)
    while worker.feed():
        pass
    worker.flush()
    (output,) = written.outputs
    assert len(output.traces) == 1
    assert [closing.trace.key[:2] for closing, _ in output.undecodable] == [b"\x00\x02", b"\x00\x03"]
    assert all("Resource" in why for _, why in output.undecodable)


def _moved(part: tuple[int, int], by: int) -> tuple[int, int]:
    return part[0] + by, part[1] + by


def _chunks(group: Group, by: int) -> tuple[tuple[bytes, int, int, int], ...]:
    return tuple((trace_id, start + by, end + by, packed) for trace_id, start, end, packed in group.chunks)
