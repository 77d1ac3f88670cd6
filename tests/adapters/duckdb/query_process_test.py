"""Queries of strangers in a process of their own: what they take of time and memory, and that the next one is answered."""

import resource

import pytest

from mlgit.adapters.duckdb.query_process import QueryProcess
from mlgit.adapters.duckdb.session import QueryError, QueryRefusedError
from mlgit.render import sql

pytestmark = pytest.mark.slow


@pytest.fixture
def relation(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    return f"SELECT * FROM read_csv({sql.literal(str(path))})"


@pytest.fixture
def queries(tmp_path, relation):
    with QueryProcess([str(tmp_path / "data.csv")]) as opened:
        yield opened


@pytest.mark.parametrize("table", ["raw", "read_text", 'a "b"', "information_schema", "x" * 10_000, "ünï\u200bcode", "select"])
def test_number_is_that_of_the_table_whatever_it_is_called(queries, relation, table):
    assert (
        queries.number(
            f"SELECT sum(a) FROM {sql.identifier(table)}", table=table, quoted=sql.identifier(table), relation=relation
        )
        == 4
    )


def test_query_that_is_refused_or_fails_is_told_from_one_another(queries, relation):
    with pytest.raises(QueryRefusedError, match="read_text"):
        queries.number("SELECT count(*) FROM raw, read_text('/etc/passwd')", table="raw", quoted="raw", relation=relation)
    with pytest.raises(QueryError, match="no such value") as error:
        queries.number("SELECT error('no such value') FROM raw", table="raw", quoted="raw", relation=relation)
    assert not isinstance(error.value, QueryRefusedError)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT max(length(repeat('x', 4000000000))) FROM raw",
        "SELECT len(range(1000000000)) FROM raw LIMIT 1",
        "SELECT max(len(list_resize([a], 1000000000))) FROM raw",
        "SELECT length(rpad('x', 2000000000, 'y')) FROM raw LIMIT 1",
        "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000)) FROM raw LIMIT 1",
    ],
)
def test_one_value_that_never_ends_or_fills_the_memory_is_stopped_and_the_next_query_is_answered(queries, relation, query):
    with pytest.raises(QueryError):
        queries.number(query, table="raw", quoted="raw", relation=relation, seconds=0.5)
    assert queries.number("SELECT sum(a) FROM raw", table="raw", quoted="raw", relation=relation) == 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 3 << 20


def test_nested_brackets_are_refused_and_end_no_process_of_ours(queries, relation):
    with pytest.raises(QueryError):
        queries.number(f"SELECT {'(' * 20_000}1{')' * 20_000} FROM raw", table="raw", quoted="raw", relation=relation)
    assert queries.number("SELECT sum(a) FROM raw", table="raw", quoted="raw", relation=relation) == 4


def test_queries_of_one_contract_have_so_long_in_all(tmp_path, relation):
    endless = "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c, raw"
    with QueryProcess([str(tmp_path / "data.csv")], total=0.3) as queries:
        with pytest.raises(QueryRefusedError, match=r"stopped after 0.3 seconds"):
            queries.number(endless, table="raw", quoted="raw", relation=relation)
        with pytest.raises(QueryRefusedError, match=r"not run: the queries before it took 0.3 seconds"):
            queries.number("SELECT sum(a) FROM raw", table="raw", quoted="raw", relation=relation)
