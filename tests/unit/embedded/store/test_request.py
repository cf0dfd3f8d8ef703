"""What a URL, its headers and a form ask for."""

import base64
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata

from embedded.store.failures import QueryFailed
from embedded.store.request import Request, Session, form_fields, is_form, parse


def asked(fields=(), headers=None, form=(), method="POST") -> Request:
    return parse(method, urlencode(list(fields)).encode(), headers or {}, form)


@given(st.text(st.characters(codec="utf-8")), st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text()))
def test_query_and_parameters_arrive_as_they_were_sent(query, parameters):
    request = asked([("query", query), *((f"param_{name}", value) for name, value in parameters.items())])
    assert request.query.decode() == query
    assert request.parameters == parameters
    assert request.settings == {}


def test_what_is_no_name_of_its_own_is_a_setting():
    request = asked(
        [("max_threads", "1"), ("database", "d"), ("query_id", "q"), ("wait_end_of_query", "1"), ("compress", "0")]
    )
    assert request.settings == {"max_threads": "1"}
    assert (request.database, request.query_id) == ("d", "q")


def test_a_setting_can_not_carry_sql():
    with pytest.raises(QueryFailed) as refused:
        asked([("max_threads = 1, readonly", "0")])
    assert (refused.value.code, refused.value.status) == (115, 404)


@pytest.mark.parametrize("name", ["compress", "decompress"])
def test_native_block_compression_is_refused_by_name(name):
    with pytest.raises(QueryFailed, match=name) as refused:
        asked([(name, "1")])
    assert refused.value.status == 501


def test_headers_name_database_and_format_unless_the_url_does():
    headers = {"x-clickhouse-database": "h", "x-clickhouse-format": "CSV"}
    assert (asked(headers=headers).database, asked(headers=headers).default_format) == ("h", "CSV")
    request = asked([("database", "u"), ("default_format", "JSON")], headers)
    assert (request.database, request.default_format) == ("u", "JSON")
    assert asked().default_format == "TabSeparated"


@pytest.mark.parametrize(("method", "read_only"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_get_only_reads(method, read_only):
    assert asked(method=method).read_only is read_only


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("fields", "headers", "who"),
    [
        ([], {}, ("default", "")),
        ([("user", "u"), ("password", "p")], {}, ("u", "p")),
        ([], basic("u:p:q"), ("u", "p:q")),
        ([], basic(":"), ("default", "")),
        ([], {"x-clickhouse-user": "u", "x-clickhouse-key": "p", **basic("no:no")}, ("u", "p")),
    ],
)
def test_who_asks(fields, headers, who):
    request = asked(fields, headers)
    assert (request.user, request.password) == who


def test_broken_basic_authentication_is_refused():
    with pytest.raises(QueryFailed) as refused:
        asked(headers={"authorization": "Basic !"})
    assert (refused.value.code, refused.value.status) == (516, 403)


def test_sessions():
    assert asked().session is None
    assert asked([("session_id", "s")]).session == Session("s", 60, must_exist=False)
    fields = [("session_id", "s"), ("session_timeout", "5"), ("session_check", "1")]
    assert asked(fields).session == Session("s", 5, must_exist=True)


@pytest.mark.parametrize("timeout", ["x", "-1", "3601"])
def test_a_session_timeout_out_of_bounds_is_refused(timeout):
    with pytest.raises(QueryFailed) as refused:
        asked([("session_id", "s"), ("session_timeout", timeout)])
    assert refused.value.code == 374


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(st.characters(codec="utf-8")), max_size=4)
)
def test_the_fields_of_a_form_arrive_as_urllib3_sent_them(fields):
    body, content_type = encode_multipart_formdata(fields)
    assert is_form(content_type)
    assert dict(form_fields(content_type, body)) == fields


def test_a_file_in_a_form_is_refused():
    body, content_type = encode_multipart_formdata({"data": ("data.csv", b"1,2")})
    with pytest.raises(QueryFailed, match="data"):
        form_fields(content_type, body)


def test_what_the_client_wishes_for_its_answer():
    assert not asked().compressed_answer
    assert asked([("enable_http_compression", "1")]).compressed_answer
    assert asked([("cancel_http_readonly_queries_on_client_close", "1")]).cancel_when_gone
