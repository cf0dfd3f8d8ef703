"""clickhouse-connect's plain HTTP client can't tell the embedded store from a server, for all that we use."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.fixtures.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.integration

COMPRESSION = [False, "lz4", "zstd", "gzip"]
ROWS = [
    [
        1,
        "it's a \t tab, a \n line and a \\ slash",
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        {"k": "v", "": "é"},
        ["a"],
    ],
    [2, "", datetime(1970, 1, 1, tzinfo=UTC), {}, []],
    [2**64 - 1, "日本語 🦊", datetime(2099, 12, 31, tzinfo=UTC), {"a" * 300: "b" * 70_000}, ["", "x'y"]],
]
TABLE = "(a UInt64, s String, d DateTime64(9, 'UTC'), m Map(String, String), l Array(LowCardinality(String)))"


def connect(store: str, database: str = "default", **options) -> Client:
    return clickhouse_connect.get_client(dsn=store, database=database, autogenerate_session_id=False, **options)


@pytest.fixture
def client(store, database):
    with connect(store, database) as connected:
        connected.command(f"CREATE TABLE t {TABLE} ENGINE = MergeTree ORDER BY a")
        yield connected


def post(store: str, body: bytes, headers=None, method="POST", path="/", **fields) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(store).netloc, timeout=PATIENCE_S)
    connection.request(method, f"{path}?{urlencode(fields)}", body, headers or {})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, answer


def values(client: Client) -> list[list]:
    rows = client.query("SELECT * FROM t ORDER BY a", query_tz="UTC").result_rows
    return [[a, s, d.replace(tzinfo=UTC), *rest] for a, s, d, *rest in rows]


@pytest.mark.parametrize("compress", COMPRESSION)
def test_native_inserts_and_queries_round_trip(store, database, client, compress):
    with connect(store, database, compress=compress) as other:
        summary = other.insert("t", ROWS, column_names=["a", "s", "d", "m", "l"])
        assert summary.written_rows == 3
        assert values(other) == ROWS


@pytest.mark.parametrize("compress", COMPRESSION)
def test_arrow_inserts_and_queries_round_trip(store, database, client, compress):
    table = pa.table(
        {
            "a": pa.array(range(20_000), pa.uint64()),
            "s": [f"text {number}" * 10 for number in range(20_000)],
            "m": pa.array([[("k", str(number))] for number in range(20_000)], pa.map_(pa.string(), pa.string())),
        }
    )
    with connect(store, database, compress=compress) as other:
        assert other.insert_arrow("t", table).written_rows == 20_000
        read = other.query_arrow("SELECT a, s, m FROM t ORDER BY a", use_strings=True)
    assert read.to_pylist() == table.to_pylist()


@pytest.mark.parametrize("data_format", ["ArrowStream", "Parquet", "JSONEachRow", "CSV", "Values"])
@pytest.mark.parametrize("how", ["in one body", "statement in the URL", "in small pieces"])
def test_every_way_to_send_an_insert(store, database, client, data_format, how):
    bodies = {
        "ArrowStream": _ipc(pa.table({"a": pa.array([1, 2], pa.uint64())})),
        "Parquet": client.raw_query("SELECT toUInt64(number + 1) AS a FROM numbers(2)", fmt="Parquet"),
        "JSONEachRow": b'{"a":1}\n{"a":2}\n',
        "CSV": b"1\n2\n",
        "Values": b"(1),(1 + 1)",
    }
    clause = "VALUES" if data_format == "Values" else f"FORMAT {data_format}"
    statement = f"INSERT INTO t (a) {clause}\n".encode()
    if how == "statement in the URL":
        done = post(store, bodies[data_format], query=statement.decode(), database=database)
    elif how == "in one body":
        done = post(store, statement + bodies[data_format], database=database)
    else:
        whole = statement + bodies[data_format]
        done = post(store, iter([whole[at : at + 7] for at in range(0, len(whole), 7)]), database=database)
    assert done[0] == 200, done[2]
    assert client.query("SELECT a FROM t ORDER BY a").result_rows == [(1,), (2,)]


def _ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def test_parameters_are_values_and_never_sql(client):
    hostile = "'); DROP TABLE t; -- \n\t\\ {x:String} é"
    row = client.query(
        "SELECT {s:String}, {i:Int64}, {l:Array(String)}, {n:Nullable(String)} FROM {t:Identifier}.one",
        parameters={"s": hostile, "i": -5, "l": ["a'b", "c"], "n": None, "t": "system"},
    ).result_rows[0]
    assert row == (hostile, -5, ["a'b", "c"], None)


def test_parameters_too_long_for_a_url(client):
    ids = [f"{number:032x}" for number in range(20_000)]
    assert client.query("SELECT length({ids:Array(String)})", parameters={"ids": ids}).result_rows == [(20_000,)]


def test_a_setting_holds_for_one_request_only(client):
    sql = "SELECT getSetting('max_block_size')"
    before = client.command(sql)
    assert client.command(sql, settings={"max_block_size": 1234}) == 1234
    client.command("SET max_block_size = 4321")
    assert client.command(sql) == before


def test_a_failed_query_leaves_nothing_for_the_next(client):
    for _ in range(5):
        with pytest.raises(DatabaseError) as failed:
            client.query("SELECT number, throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 1000")
        assert failed.value.code == 395
        assert client.query("SELECT 1").result_rows == [(1,)]


@pytest.mark.parametrize(
    ("sql", "code", "name", "status"),
    [
        ("SELEC 1", 62, "SYNTAX_ERROR", 400),
        ("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR", 400),
        ("SELECT * FROM nosuch", 60, "UNKNOWN_TABLE", 404),
        ("SELECT nosuch FROM system.one", 47, "UNKNOWN_IDENTIFIER", 404),
        ("SELECT 1 SETTINGS nosuch = 1", 115, "UNKNOWN_SETTING", 404),
        ("SELECT * FROM nosuch.t", 81, "UNKNOWN_DATABASE", 404),
        ("INSERT INTO nosuch FORMAT Native\n", 60, "UNKNOWN_TABLE", 404),
        ("SELECT sleepEachRow(1) FROM numbers(3) SETTINGS max_execution_time = 0.5", 159, "TIMEOUT_EXCEEDED", 408),
        ("SELECT * FROM file('/etc/passwd', 'LineAsString')", 497, "ACCESS_DENIED", 403),
        ("SELECT {x:UInt8}", 456, "UNKNOWN_QUERY_PARAMETER", 500),
    ],
)
def test_errors_have_clickhouses_code_name_and_status(store, client, sql, code, name, status):
    with pytest.raises(DatabaseError) as failed:
        client.command(sql)
    assert (failed.value.code, failed.value.name) == (code, name)
    answered, headers, body = post(store, sql.encode())
    assert answered == status
    assert headers["x-clickhouse-exception-code"] == str(code)
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())
    assert f"({name}) (version {client.server_version})\n".encode() in body


def test_memory_is_limited_by_query_and_by_default(client):
    for settings in ({"max_memory_usage": 10_000_000}, {}):
        with pytest.raises(DatabaseError) as failed:
            client.query("SELECT groupArray(number) FROM numbers(1000000000)", settings=settings)
        assert (failed.value.code, failed.value.name) == (241, "MEMORY_LIMIT_EXCEEDED")
    assert client.query("SELECT 1").result_rows == [(1,)]


def test_a_result_that_is_too_large_is_refused_with_a_code(client):
    with pytest.raises(DatabaseError) as failed:
        client.query("SELECT repeat('x', 1000) FROM numbers(1000000)")
    assert failed.value.code == 396


def test_the_headers_of_an_answer(store, client):
    _, headers, body = post(store, b"SELECT 1 AS a FORMAT JSONEachRow", query_id="mine")
    assert (headers["x-clickhouse-query-id"], headers["x-clickhouse-format"]) == ("mine", "JSONEachRow")
    assert headers["content-type"].startswith("application/x-ndjson")
    assert headers["x-clickhouse-timezone"] == "UTC"
    assert headers["x-clickhouse-server-display-name"] == socket.gethostname()
    assert json.loads(headers["x-clickhouse-summary"])["result_rows"] == "1"
    assert json.loads(body) == {"a": 1}


def test_formats_by_clause_by_header_and_by_url(store):
    assert post(store, b"SELECT 1 FORMAT CSV", {"X-ClickHouse-Format": "JSON"})[1]["x-clickhouse-format"] == "CSV"
    assert post(store, b"SELECT 1", {"X-ClickHouse-Format": "JSON"})[1]["x-clickhouse-format"] == "JSON"
    assert post(store, b"SELECT 'a', 1", default_format="CSV")[2] == b'"a",1\n'
    assert post(store, b"SELECT 'a', 1")[2] == b"a\t1\n"


def test_statements_without_a_result_say_so(store, client):
    assert client.command("CREATE DATABASE IF NOT EXISTS default").query_id()
    assert client.command("SELECT 1 WHERE 0") == ""
    assert client.query("SELECT 1 AS a LIMIT 0").column_names == ("a",)


@pytest.mark.parametrize(
    ("encoding", "asked", "got"), [("gzip", "1", "gzip"), ("gzip", "0", None), ("br;q=1", "1", "br"), ("", "1", None)]
)
def test_answers_are_compressed_only_when_asked_for_and_switched_on(store, encoding, asked, got):
    headers = {"Accept-Encoding": encoding}
    assert post(store, b"SELECT 1", headers, enable_http_compression=asked)[1].get("content-encoding") == got


def test_get_is_read_only(store, database):
    assert post(store, b"", method="GET", query="SELECT 1")[2] == b"1\n"
    status, headers, _ = post(
        store, b"", method="GET", query="CREATE TABLE t (a Int8) ENGINE = Memory", database=database
    )
    assert (status, headers["x-clickhouse-exception-code"]) == (500, "164")
    assert post(store, b"", method="GET", query="SELECT getSetting('readonly')")[2] == b"2\n"


@pytest.mark.parametrize(("level", "sets"), [("1", "164"), ("2", None)])
def test_readonly_levels_are_honoured(store, level, sets):
    written = post(store, b"CREATE TABLE t (a Int8) ENGINE = Memory", readonly=level)[1]
    assert written["x-clickhouse-exception-code"] == "164"
    assert post(store, b"SET max_threads = 1", readonly=level)[1].get("x-clickhouse-exception-code") == sets


def test_the_database_of_a_request(store, database, client):
    client.insert("t", ROWS[:1], column_names=["a", "s", "d", "m", "l"])
    count = b"SELECT count() FROM t"
    assert post(store, count, database=database)[2] == b"1\n"
    assert post(store, count, {"X-ClickHouse-Database": database})[2] == b"1\n"
    assert post(store, count)[0] == 404
    assert post(store, b"SELECT 1", database="no'such`one")[1]["x-clickhouse-exception-code"] == "81"


def test_a_session_keeps_what_was_set_and_is_used_by_one_at_a_time(store, database):
    with clickhouse_connect.get_client(dsn=store) as session:
        session.command(f"USE {database}")
        session.command("SET max_block_size = 77")
        assert session.query("SELECT currentDatabase(), getSetting('max_block_size')").result_rows == [(database, 77)]
    with endless(store, "session", session_id="one"):
        assert post(store, b"SELECT 1", session_id="one")[1]["x-clickhouse-exception-code"] == "373"
    eventually(lambda: post(store, b"SELECT 1", session_id="one")[2], b"1\n")
    assert post(store, b"SELECT 1", session_id="nosuch", session_check="1")[1]["x-clickhouse-exception-code"] == "372"


def test_eight_queries_in_parallel_are_all_answered(store):
    with connect(store) as client, ThreadPoolExecutor(8) as pool:
        sql = "SELECT {n:UInt64} + sum(sleepEachRow(0.05)) FROM numbers(4)"
        asked = [pool.submit(client.query, sql, {"n": number}) for number in range(8)]
        assert [done.result().result_rows[0][0] for done in asked] == list(range(8))


def test_queries_run_at_the_same_time(store):
    with ExitStack() as running:
        for number in range(3):
            running.enter_context(endless(store, f"at the same time {number}"))
        assert int(post(store, b"SELECT count() FROM system.processes WHERE query LIKE '%at the same time _'")[2]) == 3


@contextmanager
def endless(store: str, name: str, **fields: str) -> Iterator[None]:
    """A query that runs until its client hangs up, and has ended by then."""
    address = urlsplit(store)
    sql = f"SELECT sum(sipHash64(number)) FROM numbers(1000000000000) -- {name}"
    fields |= {"query": sql, "cancel_http_readonly_queries_on_client_close": "1", "max_threads": "1"}
    with socket.create_connection((address.hostname, address.port)) as peer:
        peer.sendall(f"GET /?{urlencode(fields)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        eventually(lambda: running(store, sql), 1)
        yield
    eventually(lambda: running(store, sql), 0)


def running(store: str, sql: str) -> int:
    """How often a statement runs now."""
    return int(post(store, b"SELECT count() FROM system.processes WHERE query = {sql:String}", param_sql=sql)[2])


def test_a_query_is_stopped_when_its_client_hangs_up(store):
    with endless(store, "hangs up"):
        pass


@pytest.mark.parametrize("view", ["", "a view over it", "a view before it"])
@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("SETTINGS parts_to_throw_insert = 1", 252),
        ("PARTITION BY a", 252),
        ("CONSTRAINT", 469),
    ],
)
def test_rows_that_a_table_refuses_are_never_acknowledged(client, reason, code, view):
    constraint, clauses = (", CONSTRAINT small CHECK a < 900", "") if reason == "CONSTRAINT" else ("", reason)
    client.command(f"CREATE TABLE strict (a UInt64{constraint}) ENGINE = MergeTree ORDER BY a {clauses}")
    client.insert("strict", [[1]], column_names=["a"])
    if view == "a view over it":
        client.command("CREATE MATERIALIZED VIEW over ENGINE = MergeTree ORDER BY a AS SELECT a FROM strict")
    if view == "a view before it":
        client.command("CREATE TABLE landing (a UInt64) ENGINE = Null")
        client.command("CREATE MATERIALIZED VIEW before TO strict AS SELECT a FROM landing")
    for rows in (b"", b"5\n" * 500_000):
        body = rows + b"".join(b"%d\n" % number for number in range(1_000))
        with pytest.raises(DatabaseError) as refused:
            client.raw_insert("landing" if view == "a view before it" else "strict", ["a"], body, fmt="TSV")
        assert refused.value.code == code
    assert client.query("SELECT count() FROM strict").result_rows == [(1,)]


@pytest.mark.parametrize("encoding", ["chunked", "length"])
def test_an_insert_whose_client_goes_away_leaves_nothing(store, database, client, encoding):
    address = urlsplit(store)
    fields = urlencode({"query": "INSERT INTO t (a) FORMAT JSONEachRow", "database": database})
    head = f"POST /?{fields} HTTP/1.1\r\nHost: localhost\r\n"
    rows = b'{"a":1}\n' * 2000
    with socket.create_connection((address.hostname, address.port)) as peer:
        if encoding == "chunked":
            peer.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n{len(rows):x}\r\n".encode() + rows + b"\r\n")
        else:
            peer.sendall(f"{head}Content-Length: {len(rows) * 2}\r\n\r\n".encode() + rows)
        time.sleep(0.3)  # for what must not happen to have the time to
    time.sleep(0.3)
    assert client.query("SELECT count() FROM t").result_rows == [(0,)]


def test_a_body_above_the_limit_is_refused_and_read_to_its_end(store, client):
    body = (b'{"a":1}\n' * 131072 for _ in range(129))
    status, headers, answer = post(store, body, query="INSERT INTO t (a) FORMAT JSONEachRow")
    assert (status, headers["x-clickhouse-exception-code"]) == (413, "307")
    assert b"insert in smaller blocks" in answer
    assert client.query("SELECT count() FROM t").result_rows == [(0,)]


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
def test_whoever_asks_whether_it_is_there(store, path):
    assert post(store, b"", method="GET", path=path)[::2] == (200, b"Ok.\n")


def test_health_and_metrics(store):
    assert post(store, b"", method="GET", path="/readyz")[0] == 200
    assert b"python_info" in post(store, b"", method="GET", path="/metrics")[2]
    assert post(store, b"", method="GET", path="/nosuch")[0] == 404


def test_a_wrong_password_and_a_foreign_page_are_refused(store):
    status, headers, _ = post(store, b"SELECT 1", {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "wrong"})
    assert (status, headers["x-clickhouse-exception-code"]) == (403, "516")
    assert post(store, b"SELECT 1", {"Origin": "https://evil.example"})[0] == 403


def test_parts_are_merged_in_the_background(client):
    for number in range(20):
        client.command(f"INSERT INTO t (a) VALUES ({number})")
    parts = "SELECT count() FROM system.parts WHERE active AND database = currentDatabase()"
    eventually(lambda: client.command(parts) < 20)
    assert client.query("SELECT count() FROM t").result_rows == [(20,)]


def test_no_system_table_grows(client):
    assert (
        client.command("SELECT count() FROM system.tables WHERE database = 'system' AND engine LIKE '%MergeTree'") == 0
    )


def test_clients_on_many_threads_get_their_own_answers(store):
    def ask(number: int) -> list[int]:
        with connect(store) as client:
            return [client.command(f"SELECT {number * 100 + turn}") for turn in range(5)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert answers == [[number * 100 + turn for turn in range(5)] for number in range(8)]
