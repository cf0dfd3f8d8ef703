"""Where SQL ends and data begins, whatever names, comments and bytes there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.store.statement import (
    file_access,
    first_word,
    has_result,
    insert_with_data,
    is_many,
    keeps_state,
    makes_temporary,
    named_format,
    only_reads,
)

names = st.one_of(
    st.sampled_from(["t", "format", "values", "db.t", "select"]),
    st.text(st.characters(exclude_characters="`\\", codec="utf-8"), min_size=1, max_size=12).map(lambda s: f"`{s}`"),
    st.text(st.characters(exclude_characters='"\\', codec="utf-8"), min_size=1, max_size=12).map(lambda s: f'"{s}"'),
)
gaps = st.sampled_from([" ", "\n", "  ", " /* FORMAT x; */ ", " -- VALUES\n", "\t"])
columns = st.sampled_from(["", "(a, b)", "(`FORMAT`, `a)`)", "(* EXCEPT(format))"])
settings = st.sampled_from(["", "SETTINGS async_insert = 0, x = 'FORMAT Native'"])


@given(
    names,
    columns,
    settings,
    st.lists(gaps, min_size=6, max_size=6),
    st.sampled_from(["Native", "JSONEachRow"]),
    st.binary(),
)
def test_what_follows_the_format_clause_and_a_line_end_is_the_data(table, cols, sets, gap, data_format, data):
    head = f"{gap[0]}insert{gap[1]}INTO{gap[2]}{table}{gap[3]}{cols}{gap[4]}{sets}{gap[5]}"
    sql = f"{head}FORMAT {data_format}\n".encode() + data

    insert = insert_with_data(sql)

    assert insert
    assert (insert.statement + insert.settings, insert.format, sql[insert.data_at :]) == (head, data_format, data)
    assert insert.settings.startswith(sets)
    assert "async_insert" not in insert.statement


@pytest.mark.parametrize("table", ["settings", "db.settings", "`settings`"])
def test_a_table_may_be_called_settings(table):
    insert = insert_with_data(f"INSERT INTO {table} SETTINGS a = 1 FORMAT CSV".encode())
    assert insert
    assert (insert.statement, insert.settings) == (f"INSERT INTO {table} ", "SETTINGS a = 1 ")


@given(names, columns, st.binary())
def test_values_are_data_as_well(table, cols, data):
    sql = f"INSERT INTO {table} {cols} VALUES\n".encode() + data

    insert = insert_with_data(sql)

    assert insert
    assert (insert.format, sql[insert.data_at :]) == ("Values", data)


@pytest.mark.parametrize(
    "sql",
    [
        b"",
        b"SELECT 1 FORMAT JSON",
        b"INSERT INTO t",
        b"INSERT INTO t SELECT 1",
        b"INSERT INTO t WITH 1 AS a SELECT a",
        b"INSERT INTO t (a) SELECT * FROM u FORMAT Null",
        b"/* INSERT INTO t FORMAT CSV */ SELECT 1",
        b"INSERT INTO format",
    ],
)
def test_other_statements_have_no_data(sql):
    assert insert_with_data(sql) is None


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (b"SELECT 1", None),
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1 format JSONEachRow SETTINGS max_threads = 1", "JSONEachRow"),
        (b"SELECT 1 SETTINGS max_threads = 1 FORMAT CSV -- FORMAT TSV", "CSV"),
        (b"SELECT 'FORMAT x', (SELECT format FROM t)", None),
        (b"SELECT format('{}', 1) FORMAT Native;", "Native"),
    ],
)
def test_the_format_that_a_query_names(sql, name):
    assert named_format(sql) == name


@pytest.mark.parametrize(
    ("sql", "word", "result", "reads"),
    [
        (b"select 1", b"SELECT", True, True),
        (b" -- c\n((SELECT 1) UNION ALL SELECT 2)", b"SELECT", True, True),
        (b"/* x */ WITH a AS (SELECT 1) SELECT * FROM a", b"WITH", True, True),
        (b"INSERT INTO t SELECT 1", b"INSERT", False, False),
        (b"CREATE TABLE t (a Int8) ENGINE = Memory", b"CREATE", False, False),
        (b"KILL QUERY WHERE 1", b"KILL", True, False),
        (b"", b"", True, False),
        (b"1 + 1", b"", True, False),
    ],
)
def test_what_a_statement_does(sql, word, result, reads):
    assert (first_word(sql), has_result(sql), only_reads(sql)) == (word, result, reads)


def test_what_a_session_remembers():
    assert keeps_state(b"SET max_threads = 1")
    assert keeps_state(b"use `a b`")
    assert not keeps_state(b"SELECT 1")
    assert makes_temporary(b"create temporary table t (a Int8)")
    assert not makes_temporary(b"CREATE TABLE temporary (a Int8)")


@pytest.mark.parametrize(
    ("sql", "many"),
    [
        (b"SELECT 1", False),
        (b"SELECT 1;", False),
        (b"SELECT 1; -- the end\n;", False),
        (b"SELECT ';' FROM `a;b` /* ; x */", False),
        (b"SELECT 1; SELECT 2", True),
        (b"SELECT 1;DROP TABLE t", True),
    ],
)
def test_a_second_statement_is_seen(sql, many):
    assert is_many(sql) is many


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        (b"SELECT * FROM file('/etc/passwd')", "FILE"),
        (b"SELECT * FROM `file` /* x */ ('/etc/passwd')", "FILE"),
        (b"INSERT INTO FUNCTION FILE('x.csv')", "FILE"),
        (b"CREATE TABLE t (a Int8) ENGINE = File(CSV, '/x')", "FILE"),
        (b"CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(EXECUTABLE(command 'id'))", "EXECUTABLE"),
        (b"SELECT * FROM Python(x)", "PYTHON"),
        (b"SELECT 1 INTO OUTFILE 'x'", "OUTFILE"),
        (b"INSERT INTO t FROM INFILE 'x' FORMAT CSV", "INFILE"),
        (b"SELECT count(file), 'file(' FROM profile -- file(", None),
        (b"SELECT 1", None),
    ],
)
def test_files_and_programs_of_the_machine_are_seen(sql, what):
    assert file_access(sql) == what
