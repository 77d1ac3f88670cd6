from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mlgit.serving import mlflow_protocol, open_inference, openapi
from mlgit.serving.rows import RefusedRequestError, Rows
from mlgit.serving_settings import ServingLimits
from tests.kit.late import Module
from tests.serving.loaded_models import COLUMNS, inputs, loaded

jsonschema = Module("jsonschema")

LIMITS = ServingLimits()


def schema(name: str, document: dict[str, Any]) -> Any:
    """A validator of one of the document's schemas."""
    found = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(found)


def content(document: dict[str, Any], path: str, kind: str = "application/json") -> dict[str, Any]:
    """What a path takes, of a content type."""
    return document["paths"][path]["post"]["requestBody"]["content"][kind]


def examples(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The examples of a path by name."""
    return {name: each["value"] for name, each in content(document, path)["examples"].items()}


def references(value: Any) -> set[str]:
    """All that a document refers to."""
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_document_is_the_same_each_time():
    assert json.dumps(openapi.document(loaded())) == json.dumps(openapi.document(loaded()))


def test_schemas_are_schemas():
    for each in openapi.document(loaded())["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(each)


def test_everything_that_is_referred_to_is_there():
    document = openapi.document(loaded())
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known
    assert known - references(document) == set()


def test_operations_have_different_names():
    operations = [
        each["operationId"]
        for path in openapi.document(loaded())["paths"].values()
        for each in path.values()
        if isinstance(each, dict)
    ]
    assert len(operations) == len(set(operations)) == 13


@pytest.mark.parametrize("name", ["dataframe_split", "dataframe_records", "instances", "inputs"])
def test_example_of_the_scoring_protocol_is_valid_and_understood(name):
    model = loaded()
    document = openapi.document(model)
    example = examples(document, "/invocations")[name]
    schema("MlflowRequest", document).validate(example)
    request = mlflow_protocol.parse(json.dumps(example).encode(), content_type="application/json", limits=LIMITS)
    rows = model.inputs.aligned(request.rows)
    assert len(rows) == 1
    assert model.inputs.violations(rows) == []


def test_example_of_csv_is_understood():
    model = loaded()
    example = content(openapi.document(model), "/invocations", "text/csv")["example"]
    request = mlflow_protocol.parse(example.encode(), content_type="text/csv", limits=LIMITS, inputs=model.inputs)
    assert request.rows.columns == COLUMNS
    assert model.inputs.violations(model.inputs.aligned(request.rows)) == []


def test_example_of_one_tensor_a_column_is_valid_and_understood():
    model = loaded()
    document = openapi.document(model)
    example = examples(document, "/v2/models/churn/infer")
    assert list(example) == ["columns"]  # there are texts, so no tensor holds all
    schema("InferenceRequest", document).validate(example["columns"])
    request = open_inference.parse(json.dumps(example["columns"]).encode(), header_length=None, limits=LIMITS, columns=COLUMNS)
    assert model.inputs.violations(model.inputs.aligned(request.rows)) == []


def test_example_of_one_tensor_is_valid_and_understood():
    model = loaded(inputs(None, names=(), width=3))
    document = openapi.document(model)
    example = examples(document, "/v2/models/churn/infer")["tensor"]
    schema("InferenceRequest", document).validate(example)
    request = open_inference.parse(json.dumps(example).encode(), header_length=None, limits=LIMITS)
    assert len(model.inputs.aligned(request.rows)[0]) == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("age", 121),
        ("age", -1),
        ("age", "old"),
        ("age", None),
        ("height", 0),
        ("is_smoker", "yes"),
        ("city", 5),
        ("seen", True),
    ],
)
def test_value_that_the_contract_refuses_is_refused_by_the_schema(column, value):
    document = openapi.document(loaded())
    record = {**examples(document, "/invocations")["dataframe_records"]["dataframe_records"][0], column: value}
    assert not schema("MlflowRequest", document).is_valid({"dataframe_records": [record]})
    assert not schema("MlflowRequest", document).is_valid({"instances": [list(record.values())]})


def test_column_that_is_not_required_may_be_left_out():
    document = openapi.document(loaded())
    record = examples(document, "/invocations")["dataframe_records"]["dataframe_records"][0]
    assert schema("MlflowRequest", document).is_valid({"dataframe_records": [{**record, "height": None}]})
    del record["height"]
    assert schema("MlflowRequest", document).is_valid({"dataframe_records": [record]})
    del record["age"]
    assert not schema("MlflowRequest", document).is_valid({"dataframe_records": [record]})


def test_two_forms_at_once_are_refused_by_the_schema():
    document = openapi.document(loaded())
    both = {name: examples(document, "/invocations")[name][name] for name in ("instances", "inputs")}
    assert not schema("MlflowRequest", document).is_valid(both)


def test_rules_are_told_in_words():
    age = openapi.document(loaded())["components"]["schemas"]["Record"]["properties"]["age"]
    assert age["type"] == "integer"
    assert (age["minimum"], age["maximum"]) == (0, 120)
    assert "120" in age["description"]


def test_answers_and_refusals_are_as_documented():
    model = loaded()
    document = openapi.document(model)
    predicted = model.predictor.predict([[1]], method="predict")
    schema("MlflowPredictions", document).validate(json.loads(mlflow_protocol.answer(predicted)))
    refused = RefusedRequestError("no", violations=())
    schema("MlflowError", document).validate(json.loads(mlflow_protocol.error(refused)))
    schema("InferenceError", document).validate(json.loads(open_inference.error(refused)))
    schema("Model", document).validate(json.loads(open_inference.metadata(model)))
    schema("Server", document).validate(json.loads(open_inference.server_metadata("1")))
    found = model.inputs.violations(model.inputs.aligned(Rows(COLUMNS, [[500, 1.0, True, "a", "2026-01-01"]])))
    told = json.loads(mlflow_protocol.error(RefusedRequestError("no", violations=found)))
    assert told["violations"][0]["column"] == "age"
    schema("MlflowError", document).validate(told)


def test_token_is_told_of_where_one_is_needed():
    assert "401" not in json.dumps(openapi.document(loaded()))
    document = openapi.document(loaded(), needs_token=True)
    assert document["security"] == [{"token": []}]
    assert "401" in document["paths"]["/invocations"]["post"]["responses"]


def test_name_of_the_model_is_quoted_in_paths():
    model = loaded()
    document = openapi.document(replace(model, release=replace(model.release, model="dir=a b")))
    assert "/v2/models/dir%3Da%20b/infer" in document["paths"]
