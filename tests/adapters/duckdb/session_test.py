"""Queries that come with a pull request: what they may read, and that they end."""

import os
import signal
import threading

import pytest

from mlgit.adapters.duckdb import session
from mlgit.adapters.duckdb.session import QueryError, QueryRefusedError
from mlgit.render import sql


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    return path


@pytest.fixture
def duck(data):
    with session.opened([str(data)]) as opened:
        opened.define("raw", f"SELECT * FROM read_csv({sql.literal(str(data))})")
        yield opened


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("SELECT count(*) FROM raw", 2),
        ("select sum(a) from RAW;", 4),
        ("WITH c AS (SELECT a FROM raw) SELECT max(a) FROM c", 3),
        ("SELECT count(*) FROM raw r JOIN raw s ON r.a = s.a WHERE r.a IN (SELECT a FROM raw)", 2),
        ("SELECT count(*) FROM raw, unnest([1, 2]) -- twice", 4),
        ("SELECT a > 5 FROM raw LIMIT 1", 0),
        ("FROM raw SELECT count(*)", 2),
        ("SELECT max(a) FROM raw; -- done", 3),
        ("WITH c AS (SELECT a FROM raw), d AS (FROM c) SELECT max(a) FROM d WHERE a IN (SELECT a FROM c)", 3),
        ("WITH c AS MATERIALIZED (FROM raw) SELECT max(a) FROM (WITH c AS (SELECT a + 1 AS a FROM c) FROM c)", 4),
        ("WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT max(n) FROM c, raw", 9),
        ("/* ; DROP */ SELECT count(*) FROM raw r POSITIONAL JOIN raw s", 2),
        ("SELECT count(*) FROM raw WHERE a = list_sum([x for x in [1, 2] if x > 1]) - 1", 1),
    ],
)
def test_query_of_the_table_gives_its_number(duck, query, number):
    assert duck.number(query, tables={"raw"}) == number


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM read_text('/etc/passwd')",
        "SELECT count(*) FROM raw, read_csv('/etc/passwd')",
        "SELECT count(*) FROM raw WHERE a IN (SELECT size FROM read_blob('/etc/passwd'))",
        "SELECT count(*) FROM '/etc/passwd', raw",
        "SELECT count(*) FROM raw, glob('/etc/*')",
        "SELECT count(*) FROM raw, duckdb_settings()",
        "SELECT count(*) FROM raw, information_schema.tables",
        "SELECT count(*) FROM raw, pragma_database_list",
        "SELECT count(*) FROM raw, query('SELECT 1')",
        "SELECT count(*) FROM raw, sniff_csv('/etc/passwd')",
        "SELECT length(current_setting('temp_directory')) FROM raw LIMIT 1",
        "SELECT count(write_log('x')) FROM raw",
        "WITH c AS (SELECT * FROM read_text('/etc/passwd')) SELECT count(*) FROM c, raw",
        "SELECT count(*) FROM (DESCRIBE raw)",
        "SELECT 0",
        "SELECT count(*) FROM range(5)",
        "COPY (SELECT 9) TO '{data}' (FORMAT csv, USE_TMP_FILE false)",
        "COPY raw TO '{data}'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET lock_configuration = false",
        "PRAGMA database_list",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW raw",
        "SELECT count(*) FROM raw; SELECT 1",
        "SELECT count(*) FROM raw; COPY (SELECT 9) TO '{data}'",
        "CALL enable_logging()",
        "EXPLAIN SELECT * FROM raw",
        "WITH raw AS (SELECT 0) SELECT count(*) FROM raw",
        "SELECT count(*) FROM (WITH RAW AS (SELECT 0) SELECT * FROM raw)",
        "SELECT count(*) FROM raw JOIN (DESCRIBE raw) ON true",
        "SELECT count(*) FROM raw JOIN '/etc/passwd' ON true",
        "SELECT count(*) FROM raw, system.main.\"read_text\"('/etc/passwd')",
        "SELECT count(*) FROM raw AT (VERSION => 1)",
        "SELECT length(main.\"current_setting\"('threads')) FROM raw LIMIT 1",
        "SELECT sleep_ms(1) FROM raw LIMIT 1",
        "SELECT count(*) FROM raw, unnest(range(100000000000))",
        "SELECT count(*) FROM raw /* ; */ -- \n; COPY raw TO '{data}'",
        "SELECT",
        "",
        "SELECT a FROM raw",
        "SELECT a, b FROM raw LIMIT 1",
        "SELECT a FROM raw WHERE false",
        "SELECT [1] FROM raw LIMIT 1",
        "SELECT count(*) FROM raw) UNION ALL SELECT (9",
        'SELECT (SELECT max(a) FROM "{data}") FROM raw WHERE 1 = (WITH "{data}" AS (SELECT 1) SELECT 1) LIMIT 1',
        'WITH "{data}" AS (SELECT * FROM "{data}") SELECT count(*) FROM "{data}", raw',
        'WITH d AS (SELECT * FROM "{data}"), "{data}" AS (SELECT 1) SELECT count(*) FROM d, raw',
        "SELECT count(*) + (SELECT count(*) FROM c) FROM raw WHERE 1 = (WITH c AS (SELECT 1) SELECT count(*) FROM c)",
        "SELECT count(*) FROM raw, duckdb_tables WHERE 0 = (WITH duckdb_tables AS (SELECT 1) SELECT 0)",
        'SELECT count(*) FROM raw AS "{data}", (SELECT max(a) FROM "{data}")',
    ],
)
def test_query_that_is_not_one_select_of_the_table_is_refused_and_touches_nothing(duck, data, tmp_path, query):
    with pytest.raises(QueryError):
        duck.number(query.format(data=data, folder=tmp_path), tables={"raw"})
    assert data.read_text() == "a,b\n1,2\n3,4\n"
    assert [each.name for each in tmp_path.iterdir()] == ["data.csv"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 9) TO '/tmp/mlgit-never'",
        "ATTACH '/tmp/mlgit-never.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_paths = ['/etc/hostname']",
        "SET memory_limit = '100GB'",
    ],
)
def test_session_itself_can_neither_be_unlocked_nor_reach_another_file(duck, sql):
    with pytest.raises(QueryError):
        duck.rows(sql)


@pytest.mark.parametrize(
    "query",
    [
        "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c, raw",
        "SELECT count(*) FROM raw, range(100000000000) AS x, range(100000000000) AS y WHERE x.range * y.range = -1",
    ],
)
def test_query_that_never_ends_is_stopped_and_the_session_goes_on(duck, query):
    with pytest.raises(QueryError, match=r"stopped after 0.3 seconds|(?i:memory)"):
        duck.number(query, tables={"raw"}, seconds=0.3)
    assert duck.number("SELECT count(*) FROM raw", tables={"raw"}) == 2


def test_names_and_literals_stay_what_they_are(duck):
    text, name = sql.literal("it's"), sql.identifier('a"b')
    assert duck.rows(f"SELECT {name} FROM (SELECT {text} AS {name})") == [("it's",)]


def test_interrupt_while_duckdb_works_is_an_interrupt(duck):
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        duck.rows("SELECT count(*) FROM range(100000000000) AS x, range(100000000000) AS y WHERE x.range * y.range = -1")


def test_own_queries_together_end_with_their_time(data):
    with session.opened([str(data)], seconds=0.3) as duck:
        assert duck.rows("SELECT 1") == [(1,)]
        for query in ("SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 8", "SELECT 1"):
            with pytest.raises(QueryRefusedError, match=r"stopped after 0\.3 seconds"):
                duck.rows(query)
