"""Windows of a database: one SELECT, which changes nothing, and an address that nobody sees."""

from __future__ import annotations

import sqlite3
import sys
import types
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mlgit import project as projects
from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.monitoring import window_query, windows
from mlgit.monitoring_settings import WindowSource, cut
from mlgit.revision.revisions import Revisions
from tests.kit import repository

MODEL = parse({"mlgit": 1, "models": {"churn": {"id": "id"}}}).model("churn")
NOW = datetime(2027, 1, 1, tzinfo=UTC)
SERVER = "postgresql://sam:pa%40ss@db.example/answers"


@pytest.fixture
def root(tmp_path, monkeypatch):
    made = repository(tmp_path / "project")
    with closing(sqlite3.connect(made / "now.db")) as database, database:
        database.execute("CREATE TABLE answers (id INTEGER, x REAL, plan TEXT, at TEXT, prediction INTEGER)")
        days = [
            (number, number / 2, "ab"[number % 2], f"2026-05-{3 + number // 2:02d}T10:00Z", number % 2) for number in range(4)
        ]
        database.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", days)
    monkeypatch.setenv("DB", "sqlite:///now.db")
    return made


def read(root, query, by="day(at)"):
    with Revisions(projects.find(root)) as revisions:
        source = WindowSource(url_env="DB", query=query, by=cut(by))
        return windows.read(revisions.workspace, source, model=MODEL, now=NOW).windows


def test_rows_of_sqlite_are_windows(root):
    found = read(root, "SELECT * FROM answers")
    assert [(each.name, each.rows, each.ids.tolist()) for each in found] == [
        ("2026-05-03", 2, [0, 1]),
        ("2026-05-04", 2, [2, 3]),
    ]
    assert (found[0].columns["x"].tolist(), found[0].columns["plan"].tolist()) == ([0.0, 0.5], ["a", "b"])
    assert found[0].predictions.tolist() == [0, 1]


def test_a_query_may_group_and_call_functions(root):
    (found,) = read(root, "WITH few AS (SELECT max(x) AS most, plan FROM answers GROUP BY plan) SELECT * FROM few;", "")
    assert found.columns["most"].tolist() == [1.0, 1.5]


def test_an_address_with_four_slashes_is_a_path_from_the_root(root, monkeypatch):
    monkeypatch.setenv("DB", f"sqlite:///{root}/now.db")
    assert len(read(root, "SELECT * FROM answers")) == 2


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM answers",
        "SELECT 1; DELETE FROM answers",
        "PRAGMA table_info(answers)",
        "ATTACH 'other.db' AS other",
        "WITH one AS (SELECT 1) DELETE FROM answers",
        "SELECT load_extension('x')",
        "selected",
    ],
)
def test_what_is_more_than_a_select_is_refused(root, query):
    with pytest.raises(MlgitError):
        read(root, query, "")
    with closing(sqlite3.connect(root / "now.db")) as database:
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (4,)


@pytest.mark.parametrize("query", ["SELECT * FROM gone", "SELECT (", "SELECT nothing(1)"])
def test_what_the_database_says_is_told(root, query):
    with pytest.raises(MlgitError, match="the query of DB: "):
        read(root, query, "")


def test_a_query_that_does_not_end_is_ended(root, monkeypatch):
    monkeypatch.setattr(window_query, "_SECONDS", 0.05)
    with pytest.raises(MlgitError, match="interrupted"):
        read(root, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c", "")


def test_more_rows_than_fit_are_refused(root, monkeypatch):
    monkeypatch.setattr(window_query, "_MOST_VALUES", 100)
    with pytest.raises(MlgitError, match="more than 100 values"):
        read(root, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) SELECT x FROM c", "")


def test_no_rows_are_no_windows(root):
    assert read(root, "SELECT * FROM answers WHERE x > 99") == ()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "DB: this environment variable is not set"),
        ("sqlite:///gone.db", "no such file of SQLite"),
        ("oracle://sam:secret@db/x", "of no database that is read"),
        ("just words", "of no database that is read"),
    ],
)
def test_another_address_is_refused_without_being_told(root, monkeypatch, url, what):
    monkeypatch.setenv("DB", url)
    with pytest.raises(MlgitError, match=what) as refused:
        read(root, "SELECT 1 AS x", "")
    assert "secret" not in refused.value.message + refused.value.hint


class _Result:
    def __init__(self, rows):
        self._rows = rows

    def keys(self):
        return ["x", "price"]

    def fetchmany(self, most):
        found, self._rows = self._rows[:most], self._rows[most:]
        return found


class _Engine:
    """What SQLAlchemy is asked for; no database stands behind it."""

    def __init__(self, asked, fault=None):
        self._asked, self._fault = asked, fault

    def connect(self):
        if self._fault:
            raise self._fault
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._asked.append("closed")

    def execution_options(self, **_):
        return self

    def exec_driver_sql(self, text):
        self._asked.append(text)
        return _Result([(1, Decimal("2.5")), (2, None)])

    def dispose(self):
        self._asked.append("disposed")


def _sqlalchemy(monkeypatch, engine):
    monkeypatch.setenv("DB", SERVER)
    monkeypatch.setitem(sys.modules, "sqlalchemy", types.SimpleNamespace(create_engine=lambda url: engine))


def test_a_server_is_asked_in_a_transaction_that_only_reads(root, monkeypatch):
    asked = []
    _sqlalchemy(monkeypatch, _Engine(asked))
    (found,) = read(root, "SELECT x, price FROM answers;", "")
    assert asked == ["SET TRANSACTION READ ONLY", "SELECT x, price FROM answers", "closed", "disposed"]
    assert found.columns["price"][0] == 2.5
    assert found.columns["x"].tolist() == [1, 2]


def test_a_fault_of_a_driver_tells_no_password(root, monkeypatch):
    fault = ConnectionError(f"could not connect to {SERVER} as sam with pa@ss (pa%40ss)\nsecond line")
    _sqlalchemy(monkeypatch, _Engine([], fault))
    with pytest.raises(MlgitError, match="the query of DB: could not connect to") as refused:
        read(root, "SELECT 1", "")
    told = refused.value.message + refused.value.hint
    assert not any(word in told for word in ("pa@ss", "pa%40ss", "second line"))


def test_without_sqlalchemy_what_to_install_is_told(root, monkeypatch):
    monkeypatch.setenv("DB", SERVER)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MlgitError, match="SQLAlchemy and a driver are needed") as refused:
        read(root, "SELECT 1", "")
    assert refused.value.hint == "`pip install 'mlgit[sql]' psycopg2-binary`"
