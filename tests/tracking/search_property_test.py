"""Any filter, order and page: the runs that MLflow's SQLite store finds, in its order."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit import FULL, repository
from tests.tracking import kit

pytestmark = pytest.mark.slow  # SQLite's tables are made, and MLflow is imported

NOW = 1_700_000_000_000
NAMES = ("Alpha", "alpha", "beta 1", "βeta", "100%", "a_b")
METRICS = ("auc", "val loss", "rare")
STATUSES = ("RUNNING", "FINISHED", "FAILED", "KILLED")
VALUES = (0.5, -1.0, 0.0, 1e-300, 2.0, 3)


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> list[Any]:
    """The same runs in both stores, in two experiments."""
    from mlgit.tracking import tracking_store

    folder = tmp_path_factory.mktemp("stores")
    (folder / "repo").mkdir()
    both = [kit.sqlite(folder), tracking_store.open_store(f"mlgit://{repository(folder / 'repo')}")]
    for store in both:
        _fill(store, random.Random(7))
    return both


def _fill(store: Any, chance: random.Random) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunStatus, RunTag

    experiments = [store.create_experiment(name, None, []) for name in ("one", "two")]
    for number in range(200 if FULL else 60):
        tags = [RunTag("number", str(number))]
        tags += [RunTag("team", chance.choice(NAMES))] if chance.random() < 0.7 else []
        # no two runs of one start: the stores break ties by ids of their own
        start = NOW + chance.randrange(10) * 1000 + number
        run = store.create_run(chance.choice(experiments), chance.choice(("ada", "bea")), start, tags, chance.choice(NAMES))
        metrics = [Metric(key, chance.choice(VALUES), NOW, 0) for key in METRICS if chance.random() < 0.6]
        metrics += [Metric("nan", chance.choice((math.nan, 0.5, 0.25)), NOW, 0)] if chance.random() < 0.7 else []
        params = [Param("lr", chance.choice(("0.1", "0.01", "1"))), Param("name", chance.choice(NAMES))]
        store.log_batch(run.info.run_id, metrics, chance.sample(params, chance.randrange(3)), [])
        if chance.random() < 0.4:
            context = [InputTag("mlflow.data.context", chance.choice(("train", "eval")))] if chance.random() < 0.5 else []
            data = Dataset(chance.choice(NAMES), chance.choice("ab"), "local", "{}")
            store.log_inputs(run.info.run_id, [DatasetInput(data, context)])
        end = NOW + chance.randrange(5) if chance.random() < 0.6 else None
        store.update_run_info(run.info.run_id, RunStatus.from_string(chance.choice(STATUSES)), end, None)
        if chance.random() < 0.2:
            store.delete_run(run.info.run_id)


texts = st.sampled_from((*NAMES, "", "%a", "a%", "%", "_eta%", "B%", "nobody", "0.1", "ada", "train", "a"))
lists = st.lists(st.sampled_from((*NAMES, "nobody")), min_size=1, max_size=3).map(
    lambda found: "(" + ", ".join(f"'{each}'" for each in found) + ")"
)
quoted = texts.map(lambda text: f"'{text}'")
numbers = st.sampled_from(("0", "0.5", "-1", "2", "1e-300", "3.0"))
matching = st.sampled_from(("=", "!=", "LIKE", "ILIKE"))
comparing = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(" ".join)


clauses = st.one_of(
    _joined(st.sampled_from(("metrics.auc", "metrics.`val loss`", "metric.rare", "metrics.none")), comparing, numbers),
    _joined(
        st.sampled_from(("params.lr", "param.name", "params.none", "tags.team", "tag.`number`", "tags.none")), matching, quoted
    ),
    _joined(st.sampled_from(("attributes.status", "user_id", "run_name", "attribute.`run name`")), matching, quoted),
    _joined(st.sampled_from(("run_name", "attributes.user_id")), st.sampled_from(("IN", "NOT IN")), lists),
    _joined(st.sampled_from(("dataset.name", "datasets.digest", "dataset.context")), matching, quoted),
    _joined(st.sampled_from(("params.lr", "tags.team", "params.none")), st.sampled_from(("IS NULL", "IS NOT NULL"))),
    _joined(
        st.sampled_from(("start_time", "attributes.end_time", "created")),
        comparing,
        st.sampled_from(tuple(str(NOW + each) for each in (0, 2, 4000, 5003))),
    ),
)
ORDERS = (
    *("metrics.auc", "metric.`val loss`", "metrics.nan", "metrics.none", "params.lr", "params.name", "tags.team"),
    *("attributes.start_time", "end_time", "status", "run_name", "attribute.user_id", "created"),
)
orders = _joined(st.sampled_from(ORDERS), st.sampled_from(("ASC", "DESC", "")))


def _ordered_by(clause: str) -> str:
    name = clause.rpartition(" ")[0].rpartition(".")[2]
    return "start_time" if name == "created" else name


@settings(max_examples=300 if FULL else 20)
@given(
    where=st.lists(clauses, max_size=3).map(" AND ".join),
    # one name twice is an error of SQLite's store
    order=st.lists(orders, max_size=3, unique_by=_ordered_by),
    view=st.sampled_from((1, 2, 3)),
    size=st.sampled_from((1, 7, 1000)),
    wanted=st.sampled_from((("one",), ("two", "one"), ("one", "two", "Default"))),
)
def test_pages_of_any_search_are_those_of_sqlite(stores, where, order, view, size, wanted):
    sqlite, ours = (_pages(store, wanted, where, view, size, order) for store in stores)
    assert ours == sqlite


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_every_order_is_that_of_sqlite(stores, direction):
    sqlite, ours = (
        [_pages(store, ("one", "two"), "", 3, 1000, [f"{name} {direction}"]) for name in ORDERS] for store in stores
    )
    assert ours == sqlite


def _pages(store: Any, names: tuple[str, ...], where: str, view: int, size: int, order: list[str]) -> Any:
    """The numbers of the runs page by page, as long as a token leads on; the code of a refusal."""
    from mlflow.exceptions import MlflowException

    ids = [store.get_experiment_by_name(name).experiment_id for name in names]
    found: list[list[int]] = []
    token = None
    while True:
        try:
            page = store.search_runs(ids, where, view, size, order, token)
        except MlflowException as error:
            return error.error_code
        found.append([int(run.data.tags["number"]) for run in page])
        token = page.token
        if token is None or len(found) > 8:
            return found


@pytest.mark.parametrize(
    ("where", "order"),
    [
        ("metrics.auc > 'a'", []),
        ("params.lr > '1'", []),
        ("color = 'red'", []),
        ("metrics.auc", []),
        ("params.lr = 1", []),
        ("", ["metrics.auc UP"]),
        ("", ["color"]),
        ("metrics.auc > 1 OR metrics.auc < 0", []),
    ],
)
def test_what_is_no_search_is_refused_as_sqlite_does(stores, where, order):
    sqlite, ours = (_pages(store, ("one",), where, 1, 10, order) for store in stores)
    assert sqlite == ours == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(("size", "token"), [(0, None), (-1, None), (10**6, None), (10, "none"), (10, "e30=")])
def test_page_that_cannot_be_is_refused(stores, size, token):
    from mlflow.exceptions import MlflowException

    for store in stores:
        with pytest.raises(MlflowException) as caught:
            store.search_runs(["0"], "", 1, size, [], token)
        assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
