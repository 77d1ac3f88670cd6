"""Which columns are watched, and as what."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.monitoring import columns
from mlgit.monitoring_settings import Monitoring, WindowSource, cut
from mlgit.statistics.rows import Coded
from mlgit.validation.contract import Contract, ContractColumn

MODEL = parse({"mlgit": 1, "models": {"churn": {"id": "id"}}}).model("churn")
SETTINGS = Monitoring("churn")


def texts(*values):
    return np.array(values, dtype=object)


TABLE = {
    "id": texts("a", "b", "c"),
    "x": np.array([1.0, 2.0, 4.0]),
    "plan": texts("free", "paid", "free"),
    "label": np.array([0, 1, 0]),
    "when": texts("2026-05-03", "2026-05-04", None),
}


def watched(table, settings=SETTINGS, **more):
    found = columns.watched(table, model=MODEL, settings=settings, **more)
    return {each.name: each.kind for each in found.columns}, found.notes


def test_inputs_are_watched_and_ids_labels_and_times_are_not():
    assert watched(TABLE) == ({"x": "number", "plan": "category"}, ("not watched, times move by nature: when",))


def test_a_column_called_score_is_an_input_where_nothing_is_predicted():
    table = {"x": np.arange(2.0), "score": np.array([5.0, 6.5])}
    assert watched(table)[0] == {"x": "number", "score": "number"}
    assert watched({**table, "prediction": np.array([1, 0])})[0] == {"x": "number"}


def test_what_is_excluded_is_not_watched_and_a_slip_is_told():
    found = watched(TABLE, Monitoring("churn", exclude=("plan", "planet")))
    assert found == (
        {"x": "number"},
        ("not watched, times move by nature: when", "columns.exclude: no column 'planet', did you mean 'plan'?"),
    )


def test_the_column_that_windows_are_cut_by_is_not_watched():
    settings = Monitoring("churn", windows=WindowSource(by=cut("plan")))
    assert watched(TABLE, settings)[0] == {"x": "number"}


def test_without_a_contract_only_what_windows_have_is_watched():
    assert watched(TABLE, window={"x"}) == (
        {"x": "number"},
        ("not watched, not in the windows: plan, when",),
    )


def test_hashes_are_not_held_against_values():
    assert watched(TABLE, hashed={"plan"})[1][0] == "not watched, logged as hashes only: plan"


def test_a_contract_says_what_is_watched():
    contract = Contract(
        *("c", "c", "1", "t"),
        columns=(
            ContractColumn("key", "string", is_key=True),
            ContractColumn("x", "number"),
            ContractColumn("score", "number"),
            ContractColumn("zip", "string", classification="restricted"),
            ContractColumn("born", "date"),
            ContractColumn("truth", "integer", is_absent_at_serving=True),
            ContractColumn("gone", "integer"),
        ),
    )
    table = {name: np.array([1.0, 5.0]) for name in ("key", "x", "score", "zip", "born", "truth", "extra", "prediction")}
    found = columns.watched(table, model=MODEL, settings=SETTINGS, contract=contract)
    assert [(each.name, each.kind, each.is_classified) for each in found.columns] == [
        ("x", "number", False),
        ("score", "number", False),
        ("zip", "category", True),
    ]
    assert found.notes == (
        "not watched, times move by nature: born",
        "not watched, not in the contract: extra",
        "in the contract, and not in the training data: gone",
    )
    assert columns.texts_of(contract) == {"key", "zip"}
    assert columns.texts_of(None) == frozenset()


def test_ids_and_labels_are_no_inputs_whatever_a_contract_of_the_training_data_says():
    asked = tuple(ContractColumn(name, "string") for name in ("id", "x", "label"))
    table = {name: values for name, values in TABLE.items() if name in ("x", "label")}
    found = columns.watched(table, model=MODEL, settings=SETTINGS, contract=Contract(*("c", "c", "1", "t"), columns=asked))
    assert (found.names, found.notes) == (("x",), ())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([True, False]), "category"),
        (np.array([np.nan, np.nan]), "number"),
        (np.zeros((3, 4)), "vector"),
        (texts(None, None), "category"),
        (texts(True, None, False), "category"),
        (Coded(("a", "b"), np.array([0, 1, 1])), "category"),
        (texts(*(f"user-{number}" for number in range(50))), "category"),
        (texts(*(f"the {number}th complaint of a customer" for number in range(50))), "text"),
        (texts(*["the same long sentence, again and again"] * 50), "category"),
        (np.array([3, 1, 2] * 20), "number"),
    ],
)
def test_a_column_is_what_its_values_are(values, kind):
    assert columns.kind_of(values) == kind


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.array(["2026-05-03"], dtype="datetime64[us]"), "times move by nature"),
        (texts("2026-05-03T10:00:00Z", "2026-05-04T10:00:00Z"), "times move by nature"),
        (np.arange(100), "numbers of rows"),
        (texts({"a": 1}), "of values that are neither numbers nor texts"),
        (texts([1], [1, 2]), "of values that are neither numbers nor texts"),
    ],
)
def test_what_cannot_be_watched_says_why(values, why):
    assert columns.kind_of(values).why == why


def test_importances_are_numbers_by_column():
    assert columns.importances({"x": 0.5, "y": -0.1}, path="i.json") == {"x": 0.5, "y": 0.0}


@pytest.mark.parametrize("document", [[], {}, None, {"x": "a"}, {"x": True}, {"x": float("nan")}, {"x": 0}])
def test_other_importances_are_refused(document):
    with pytest.raises(MlgitError, match=r"i\.json: "):
        columns.importances(document, path="i.json")
