from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgit.serving import mlflow_protocol
from mlgit.serving.inputs import InputColumn, Inputs
from mlgit.serving.rows import RefusedRequestError, ServedRequest, Violation
from mlgit.serving_settings import ServingLimits
from tests.kit import FULL
from tests.serving.oracle.bad_bodies import SECRET, bad_bodies

EXAMPLES = 5000 if FULL else 300
LIMITS = ServingLimits(rows=20)
JSON = "application/json"
# Those whose fault only the model's columns tell.
OF_COLUMNS = ("without a column", "misspelled column", "a text for a number", "null for a number", "fewer values")


def parse(document: Any, *, content_type: str = JSON, limits: ServingLimits = LIMITS) -> ServedRequest:
    """The request of a document."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return mlflow_protocol.parse(body, content_type=content_type, limits=limits)


def refusal(document: Any, *, content_type: str = JSON) -> RefusedRequestError:
    """Why a document is refused."""
    with pytest.raises(RefusedRequestError) as caught:
        parse(document, content_type=content_type)
    return caught.value


def found(document: Any) -> tuple[tuple[str, ...] | None, list[list[Any]]]:
    """Columns and rows of a document."""
    rows = parse(document).rows
    return rows.columns, [list(each) for each in rows.data]


def test_split_names_its_columns():
    split = {"columns": ["a", "b"], "index": [7], "data": [[1, "x"]]}
    assert found({"dataframe_split": split}) == (("a", "b"), [[1, "x"]])


@pytest.mark.parametrize("columns", [["a", "b"], ["b", "a"], ["a", "c"]])
def test_split_of_the_models_columns_is_read_as_any_other(columns):
    known = Inputs((InputColumn("a"), InputColumn("b")))
    body = json.dumps({"dataframe_split": {"columns": columns, "data": [[1, 2]]}}).encode()
    rows = mlflow_protocol.parse(body, content_type=JSON, limits=LIMITS, inputs=known).rows
    assert (rows.columns, rows.data) == (tuple(columns), [[1, 2]])


def test_split_without_columns_is_in_the_models_order():
    assert found({"dataframe_split": {"data": [[1, None]]}}) == (None, [[1, None]])


def test_records_name_their_columns():
    assert found({"dataframe_records": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}) == (("a", "b"), [[1, 2], [3, 4]])


def test_records_in_another_order_of_keys_are_put_in_one():
    assert found({"dataframe_records": [{"a": 1, "b": 2}, {"b": 4, "a": 3}]}) == (("a", "b"), [[1, 2], [3, 4]])


def test_key_that_a_record_leaves_out_is_missing_there():
    assert found({"dataframe_records": [{"a": 1}, {"b": 4}]}) == (("a", "b"), [[1, None], [None, 4]])


@pytest.mark.parametrize("name", ["instances", "inputs"])
def test_rows_of_a_tensor_are_in_the_models_order(name):
    assert found({name: [[1, 2], [3, 4]]}) == (None, [[1, 2], [3, 4]])


@pytest.mark.parametrize("name", ["instances", "inputs"])
def test_values_without_rows_are_those_of_one_column(name):
    assert found({name: [1, 2]}) == (None, [[1], [2]])


@pytest.mark.parametrize("name", ["instances", "inputs"])
def test_objects_of_a_tensor_name_their_columns(name):
    assert found({name: [{"a": 1, "b": 2}]}) == (("a", "b"), [[1, 2]])


@pytest.mark.parametrize("name", ["instances", "inputs"])
def test_columns_of_a_tensor_are_turned_into_rows(name):
    assert found({name: {"a": [1, 2], "b": ["x", "y"]}}) == (("a", "b"), [[1, "x"], [2, "y"]])
    assert found({name: {"a": 1, "b": "x"}}) == (("a", "b"), [[1, "x"]])


def test_further_keys_are_not_looked_at_as_clients_send_some():
    assert found({"instances": [[1]], "client_request_id": "a"}) == (None, [[1]])


@pytest.mark.parametrize("params", [None, {}])
def test_params_that_ask_nothing_ask_for_nothing(params):
    assert parse({"instances": [[1]], "params": params}).methods == ()


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_method_is_asked_for_by_name(method):
    assert parse({"instances": [[1]], "params": {"predict_method": method}}).methods == (method,)


@pytest.mark.parametrize("params", [[], 1, "a", {"other": 1}, {"predict_method": "fit"}, {"predict_method": ["predict"]}])
def test_params_that_are_not_known_are_refused(params):
    refused = refusal({"instances": [[1]], "params": params})
    assert (refused.status, refused.error_code) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("each", bad_bodies(["a", "b", "c"], [1.5, 2.5, 3.5]), ids=lambda each: each.what)
def test_bad_body_is_refused_with_the_status_that_mlflow_gives(each):
    if each.what.endswith(OF_COLUMNS):
        assert parse(each.body, content_type=each.content_type)
        return
    refused = refusal(each.body, content_type=each.content_type)
    assert SECRET not in refused.message
    assert refused.status == (415 if "type" in each.what or "charset" in each.what or "lines" in each.what else 400)


@pytest.mark.parametrize(
    "document",
    [
        {"dataframe_split": None},
        {"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}},
        {"dataframe_split": {"columns": [], "data": [[]]}},
        {"dataframe_split": {"data": [[]]}},
        {"dataframe_records": [{}]},
        {"instances": [[]]},
        {"dataframe_split": {"columns": [1], "data": [[1]]}},
        {"dataframe_split": {"columns": "a", "data": [[1]]}},
        {"dataframe_split": {"columns": ["a"], "index": [1, 2], "data": [[1]]}},
        {"dataframe_split": {"columns": ["a"], "data": [[1], 2]}},
        {"dataframe_split": {"data": [[1], [2, 3]]}},
        {"dataframe_records": [{"a": 1}, None]},
        {"dataframe_records": [{"a": [1]}]},
        {"instances": []},
        {"instances": {}},
        {"instances": [[1], 2]},
        {"instances": [[[1]]]},
        {"instances": [{"a": 1}, [1]]},
        {"inputs": {"a": []}},
        {"inputs": {"a": [1], "b": 2}},
        {"inputs": {"a": {"b": 1}}},
        {"inputs": {"a": [[1]]}},
        {"inputs": None},
    ],
)
def test_form_that_is_not_kept_is_refused(document):
    assert refusal(document).status == 400


@pytest.mark.parametrize(
    "document",
    [
        {"instances": [[1]] * 21},
        {"dataframe_records": [{"a": 1}] * 21},
        {"inputs": {"a": [1] * 21}},
        {"dataframe_split": {"data": [[1]] * 21}},
    ],
)
def test_more_rows_than_allowed_are_refused(document):
    refused = refusal(document)
    assert refused.status == 413
    assert "20" in refused.message


def test_records_of_many_different_keys_are_no_large_table():
    records = [{f"k{row}-{key}": 1 for key in range(500)} for row in range(20)]
    assert "too many different keys" in refusal({"dataframe_records": records}).message


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json;"])
def test_content_type_is_read_as_http_has_it(kind):
    assert len(parse({"instances": [[1]]}, content_type=kind).rows) == 1


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/json; charset=latin-1", "application/json; a=b", ";", "text/html"]
)
def test_other_content_types_are_refused(kind):
    assert refusal({"instances": [[1]]}, content_type=kind).status == 415


def test_refusal_repeats_no_value():
    for document in (
        {"instances": ["s3cret", ["s3cret"]]},
        {"dataframe_split": {"s3cret": 1}},
        {"instances": [[1]], "params": "s3cret"},
    ):
        assert "s3cret" not in refusal(document).message


@pytest.mark.parametrize(
    ("predictions", "told"),
    [
        (np.array([0, 1]), [0, 1]),
        (np.array([0.1], "f4"), [float(np.float32(0.1))]),
        (np.array([[0.25, 0.75]]), [[0.25, 0.75]]),
        (np.array(["no", "yes"]), ["no", "yes"]),
        (np.array(["no", 1, None, np.float64(2.5)], dtype=object), ["no", 1, None, 2.5]),
        (np.array([True]), [True]),
        (np.array([np.nan, 1.5]), [None, 1.5]),
        (np.array(["2026-01-31"], "M8[D]"), ["2026-01-31"]),
    ],
)
def test_predictions_are_told_as_json(predictions, told):
    assert json.loads(mlflow_protocol.answer(predictions)) == {"predictions": told}


def test_refusal_tells_each_violation():
    refused = RefusedRequestError(
        "the input breaks the contract",
        error_code="INVALID_PARAMETER_VALUE",
        violations=[Violation(row, "age", "age.range", "at least 0") for row in range(150)],
    )
    told = json.loads(mlflow_protocol.error(refused))
    assert told["error_code"] == "INVALID_PARAMETER_VALUE"
    assert told["violations"][1] == {"row": 1, "column": "age", "rule": "age.range", "condition": "at least 0"}
    assert len(told["violations"]) == 100


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["dataframe_split", "dataframe_records", "instances", "inputs", "columns", "data", "index", "params", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)
types = st.sampled_from([*mlflow_protocol.CONTENT_TYPES, "application/json; charset=utf-8", "text/plain"])


@settings(max_examples=EXAMPLES)
@given(st.dictionaries(st.sampled_from([*mlflow_protocol.FORMATS, "params"]), anything, min_size=1, max_size=2))
def test_any_document_is_understood_or_refused(document):
    try:
        rows = parse(document).rows
    except RefusedRequestError:
        return
    assert 1 <= len(rows) <= LIMITS.rows
    assert len({len(row) for row in rows.data}) == 1
    assert rows.columns is None or len(rows.columns) == len(rows.data[0])
    assert all(value is None or isinstance(value, str | int | float) for row in rows.data for value in row)


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=300), types)
def test_any_bytes_are_understood_or_refused(body, content_type):
    try:
        rows = parse(body, content_type=content_type).rows
    except RefusedRequestError:
        return
    assert 1 <= len(rows) <= LIMITS.rows
