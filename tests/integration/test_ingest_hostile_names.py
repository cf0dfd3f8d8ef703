"""Hostile names are only names, nobody gets a tenant by asking for one, and there is one way in."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest

from tests.builders.attacks import (
    one_span,
    spans_in_json,
)
from tests.builders.ingesting import JSON, PROTOBUF, Ingester, found_by_id, said
from tests.builders.otlp import in_json, request, span, span_id, text
from tests.fixtures.attacked import KEY
from tests.fixtures.waiting import PATIENCE_S
from tracemill.bundles import TENANT_ATTRIBUTE
from tracemill.config import token_hash
from tracemill.otlp.wire import field

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("neighbour")]

BODY = request(span()).SerializeToString()

NAMES = (
    "'; DROP TABLE otel_traces; --", "`backticks`", '"double"', "__proto__", "constructor", "toString",
    "<img src=x onerror=alert(1)>", "{{7*7}}", "${7*7}", "{x:String}", "\x1b]8;;http://evil\x07", "\u202egpj.exe",
    "a\0b", "\0", "..", "../../etc/passwd", "%00", "\ufeff", "\u2028", "é" * 32_768, "k" * 65_536, "", " ",
)  # fmt: skip


@pytest.mark.parametrize("media", [PROTOBUF, JSON])
def test_hostile_names_are_names_and_nothing_else(attacked: Ingester, media: str) -> None:
    first = {PROTOBUF: 200, JSON: 300}[media]
    sent = [
        span(number=first + place, name=name, trace_state=name[:100], attributes=[text(name, name)])
        for place, name in enumerate(NAMES)
    ]
    for one in sent:
        one.events.add(name=one.name)
        one.status.message = one.name
    asked = request(*sent, scope=NAMES[0])
    heard = attacked.post(asked.SerializeToString() if media == PROTOBUF else in_json(asked), media, **KEY)
    assert (heard.status, heard.body in (b"", b"{}")) == (200, True)
    in_log = found_by_id(attacked, *(one.span_id for one in sent))
    assert [one.span for one in in_log] == sent
    assert {one.scope.name for one in in_log} == {NAMES[0]}


def test_text_that_is_not_utf_8_is_refused_and_named(attacked: Ingester) -> None:
    heard = attacked.post(one_span(field(5, b"\xff\xfe")), **KEY)
    assert heard.status == 400
    assert said(heard, PROTOBUF) == "resource_spans[0].scope_spans[0].spans[0]: a text that isn't UTF-8"
    heard = attacked.post(spans_in_json(b'{"name":"\xff"}'), JSON, **KEY)
    assert heard.status == 400


@pytest.mark.parametrize("where", ["resource", "span", "scope"])
def test_what_a_request_says_of_its_tenant_does_not_count(attacked: Ingester, where: str) -> None:
    number = 400 + len(where)
    sent = request(span(number=number))
    (resource,) = sent.resource_spans
    (scope,) = resource.scope_spans
    owner = {"resource": resource.resource, "span": scope.spans[0], "scope": scope.scope}[where]
    owner.attributes.extend(text(name, "tenant-theirs") for name in ("tenant", TENANT_ATTRIBUTE, "X-Tenant"))
    extra = {"X_Scope_OrgID": "tenant-theirs", "X_Tenant": "tenant-theirs", "Baggage": f"{TENANT_ATTRIBUTE}=theirs"}
    assert attacked.post(sent.SerializeToString(), **extra, **KEY).status == 200
    (one,) = found_by_id(attacked, span_id(number))
    assert one.tenant == "tenant-mine"


@pytest.mark.parametrize(
    "headers",
    [
        {"x_tracemill_key": "mine, theirs"},
        {"x_tracemill_key": "mine,mine"},
        {"x_tracemill_key": "MINE"},
        {"x_tracemill_key": "mine\t"},
        {"x_tracemill_key": ""},
        {"x_tracemill_key": token_hash("mine")},
        {"x_tracemill_key": "x" * 30_000},
        {"x_tracemill_key": "' OR '1'='1"},
        {"Authorization": "Bearer mine, Bearer theirs"},
        {"Authorization": "Bearer Bearer mine"},
        {"Authorization": "Bearer"},
        {"Authorization": "mine"},
        {"Authorization": "Bearer mine", "x_tracemill_key": "mine"},
        {"Cookie": "x-tracemill-key=mine"},
        {"Proxy_Authorization": "Bearer mine"},
    ],
)
def test_a_token_that_is_almost_one_is_none(attacked: Ingester, headers: dict[str, str]) -> None:
    heard = attacked.post(BODY, **headers)
    if headers == {"x_tracemill_key": "mine\t"}:  # white space around a header's value is no part of it
        assert heard.status == 200
        return
    assert heard.status == 401
    assert "mine" not in said(heard, PROTOBUF)


@pytest.mark.parametrize("path", ["/v1/traces?key=mine", "/v1/traces?x-tracemill-key=mine", "/v1/traces#mine"])
def test_a_token_in_the_address_does_not_count(attacked: Ingester, path: str) -> None:
    assert attacked.post(BODY, path=path).status == 401


@pytest.mark.parametrize(
    "path",
    [
        *("//v1/traces", "/v1//traces", "/v1/traces/", "/v1/traces//", "/V1/TRACES", "/v1/./traces", "/v1/x/../traces"),
        *("/%2fv1/traces", "/v1/traces%2f", "/v1/traces%00", "/v1\\traces", "/v1/traces;x=1", "/v1"),
        *("http://127.0.0.1//v1/traces", "/" + "v1/" * 5_000, "/v1/traces%0d%0aX-Y:%20z"),
    ],
)
@pytest.mark.parametrize("headers", [{}, KEY])
def test_there_is_one_path_and_no_way_around_its_door(attacked: Ingester, path: str, headers: dict[str, str]) -> None:
    heard = attacked.post(BODY, path=path, **headers)
    assert heard.status in ({404, 400, 414, 431} if headers else {404, 400, 401, 414, 431})


@pytest.mark.parametrize("path", ["/v1%2ftraces", "/%76%31/%74races", "/v1/traces?a=b"])
def test_another_spelling_of_the_path_has_the_same_door(attacked: Ingester, path: str) -> None:
    assert attacked.post(BODY, path=path).status == 401
    assert attacked.post(BODY, path=path, **KEY).status == 200


def test_a_flood_of_names_makes_no_metric_grow(attacked: Ingester) -> None:
    def lines() -> int:
        connection = HTTPConnection("127.0.0.1", attacked.config.ingest.metrics_port, timeout=PATIENCE_S)
        connection.request("GET", "/metrics")
        try:
            return len(connection.getresponse().read().splitlines())
        finally:
            connection.close()

    attacked.post(BODY, **KEY)
    before = lines()
    for first in range(0, 20_000, 2_000):
        numbers = range(first, first + 2_000)
        sent = [
            span(trace=number, number=10_000 + number, name=f"n{number}", attributes=[text(f"k{number}", f"v{number}")])
            for number in numbers
        ]
        assert attacked.post(request(*sent, service=f"s{first}").SerializeToString(), **KEY).status == 200
    many = request()
    del many.resource_spans[:]
    for number in range(2_000):
        many.resource_spans.extend(request(span(number=40_000 + number), service=f"of {number}").resource_spans)
    assert attacked.post(many.SerializeToString(), **KEY).status == 200
    for path in ("/a", "/b", "/c"):
        attacked.post(BODY, path=path, **KEY)
    assert lines() == before
