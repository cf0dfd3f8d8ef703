"""Is the document true? Against the routes, the parameters and the vocabulary."""

import re
from collections.abc import Iterator
from typing import Any

from starlette.routing import Route

from api import openapi, questions
from api.access import access
from api.endpoints import ENDPOINTS
from api.listings import SPANS, TRACES
from api.log import KafkaLog
from api.problems import Trouble
from api.site import Site
from api.store import ClickHouse
from api.times import SECOND_NS
from tracemill.config import Config
from tracemill.schema import SPAN, TRACE

DOCUMENT = openapi.document()


def test_every_route_of_the_api_is_described_and_nothing_else() -> None:
    config = Config()
    site = Site(ClickHouse(config.store), KafkaLog(config), access(config), lambda: 0)
    routes = [route for route in site.application().routes if isinstance(route, Route)]
    served = {route.path for route in routes if route.path.startswith("/api/")} - {openapi.PATH}
    assert served == set(DOCUMENT["paths"])
    for route in routes:
        described = DOCUMENT["paths"].get(route.path, {"get": {}})
        assert {method.upper() for method in described} == (route.methods or set()) - {"HEAD"}


def test_parameters_are_those_that_are_read() -> None:
    for endpoint in ENDPOINTS:
        described = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]["parameters"]
        in_query = [parameter["name"] for parameter in described if parameter["in"] == "query"]
        assert in_query == [parameter.name for parameter in endpoint.parameters]
        in_path = [parameter["name"] for parameter in described if parameter["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", endpoint.path)


def test_rows_are_the_vocabulary() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert list(schemas["TraceRow"]["properties"]) == [column.name for column in TRACE]
    assert list(schemas["Span"]["properties"]) == [column.name for column in SPAN]


def test_every_problem_has_its_status() -> None:
    types = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert len(set(types)) == len(types) == len(Trouble)
    for endpoint in ENDPOINTS:
        operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
        statuses = {int(status) for status in operation["responses"]}
        assert {endpoint.status, 400, 401, 403, 422, 500, 503} <= statuses
        assert (404 in statuses) == any(parameter["in"] == "path" for parameter in operation["parameters"])
        assert (415 in statuses) == (endpoint.body is not None)


def test_every_reference_leads_somewhere() -> None:
    for reference in _references(DOCUMENT):
        at: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
        assert isinstance(at, dict)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_examples_are_questions_that_are_answered() -> None:
    listings = {"/api/v1/traces": TRACES, "/api/v1/spans": SPANS}
    for path, listing in listings.items():
        described = DOCUMENT["paths"][path]["get"]["parameters"]
        examples = [(each["name"], text) for each in described for text in each["schema"].get("examples", ())]
        assert {"filter", "from", "to", "order"} <= {name for name, _ in examples}
        for name, text in examples:
            assert questions.read({name: text}, listing, 2_000_000_000 * SECOND_NS)
