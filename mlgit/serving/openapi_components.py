"""The bodies that both protocols know, as schemas of an OpenAPI document, and examples of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgit.serving import input_schema, tensors
from mlgit.serving.inputs import Inputs
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.rows import METHODS

_TEXT: Mapping[str, Any] = {"type": "string"}
# What a cell of a tensor can hold.
_VALUES = {"type": "array", "items": {"type": ["number", "string", "boolean", "null", "array"]}, "minItems": 1}
_OTHERS = "others are not looked at"
_OF_REQUEST = {"type": ["object", "null"], "description": _OTHERS, "properties": {"binary_data_output": {"type": "boolean"}}}
_OF_OUTPUT = {"type": ["object", "null"], "description": _OTHERS, "properties": {"binary_data": {"type": "boolean"}}}
_SIZE = {"type": "integer", "minimum": 0}
_OF_TENSOR = {
    "type": ["object", "null"],
    "description": f"with binary_data_size, the values are bytes after the JSON; {_OTHERS}",
    "properties": {"binary_data_size": {"anyOf": [_SIZE, {"type": "null"}]}},
}


def components(loaded: LoadedModel, *, needs_token: bool) -> dict[str, Any]:
    """All that the paths of the document refer to."""
    secured = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}} if needs_token else {}
    return secured | {"schemas": _of_mlflow(loaded) | _of_inference(loaded)}


def mlflow_examples(inputs: Inputs) -> dict[str, Any]:
    """A row in each form of the scoring protocol."""
    row = input_schema.example(inputs)
    if not row:
        return {"instances": {"value": {"instances": [[1.5] * (inputs.width or 1)]}}}
    found: dict[str, Any] = {
        "dataframe_split": {"columns": list(row), "data": [list(row.values())]},
        "dataframe_records": [row],
        "instances": [list(row.values())],
        "inputs": {name: [value] for name, value in row.items()},
    }
    return {name: {"value": {name: value}} for name, value in found.items()}


def csv_example(inputs: Inputs) -> str:
    """A row as CSV."""
    row = input_schema.example(inputs)
    return f"{_line(row)}\n{_line(row.values())}\n"


def inference_examples(inputs: Inputs) -> dict[str, Any]:
    """A row as one tensor a column, and, where all are numbers, as one of all columns."""
    row = input_schema.example(inputs) or {"input": 1.5}
    columns = [
        {"name": name, "shape": [1], "datatype": tensors.datatype_for(each.type), "data": [row[name]]}
        for each in inputs.columns
        for name in (each.name,)
    ]
    found = {"columns": {"value": {"inputs": columns}}} if columns else {}
    if all(type(each) in (int, float) for each in row.values()):
        values = list(row.values()) if columns else [1.5] * (inputs.width or 1)
        tensor = {"name": "input", "shape": [1, len(values)], "datatype": "FP64", "data": [values]}
        found["tensor"] = {"value": {"inputs": [tensor]}}
    return found


def _line(values: Any) -> str:
    texts = ["" if each is None else str(each).lower() if type(each) is bool else str(each) for each in values]
    return ",".join('"' + each.replace('"', '""') + '"' if set(each) & set('",\r\n') else each for each in texts)


def _object(properties: Mapping[str, Any], *, required: tuple[str, ...] | None = None) -> dict[str, Any]:
    names = tuple(properties) if required is None else required
    return {"type": "object", "properties": dict(properties)} | ({"required": list(names)} if names else {})


def _list(items: Any, *, least: int = 1, most: int | None = None) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least} | ({} if most is None else {"maxItems": most})


def _of_mlflow(loaded: LoadedModel) -> dict[str, Any]:
    inputs, most = loaded.inputs, loaded.release.serving.limits.rows
    names = [each.name for each in inputs.columns]
    row, record = input_schema.row(inputs), input_schema.record(inputs)
    index = {"type": ["array", "null"], "description": "a name for each row, not looked at"}
    columns = {"columns": {"enum": [names, None], "description": "all columns, here in the model's order"}} if names else {}
    rows = _list({"$ref": "#/components/schemas/Row"}, most=most)
    records = _list({"$ref": "#/components/schemas/Record"}, most=most)
    split = _object(columns | {"data": rows, "index": index}, required=("data",)) | {"additionalProperties": False}
    by_column = {name: _list(each, most=most) for name, each in input_schema.of_columns(inputs).items()}
    table = _object(by_column, required=tuple(record.get("required", ()))) | {"minProperties": 1}
    forms = {
        "dataframe_split": split,
        "dataframe_records": records,
        "instances": {"anyOf": [rows, records]},
        "inputs": {"anyOf": [rows, records, table]},
    }
    methods = {"type": "string", "enum": list(loaded.predictor.methods)}
    params = _object({"predict_method": methods}, required=()) | {"type": ["object", "null"], "additionalProperties": False}
    others = [{"required": [name]} for name in forms]
    return {
        "Row": row,
        "Record": record,
        "MlflowRequest": {
            "type": "object",
            "description": "Exactly one of the forms; all rows and columns of a form are of one length.",
            "properties": forms | {"params": params},
            "oneOf": others,
        },
        "MlflowPredictions": _object({"predictions": {"type": "array", "description": "one for each row"}}),
        "MlflowError": _object(
            {"error_code": _TEXT, "message": _TEXT, "violations": _violations()}, required=("error_code", "message")
        ),
    }


def _violations() -> dict[str, Any]:
    row = {"type": "integer", "minimum": 0}
    return _list(_object({"row": row, "column": _TEXT, "rule": _TEXT, "condition": _TEXT}))


def _of_inference(loaded: LoadedModel) -> dict[str, Any]:
    most = loaded.release.serving.limits.rows
    dimension = {"type": "integer", "minimum": 1}
    datatype = {"type": "string", "enum": list(tensors.DATATYPES)}
    described = _object({"name": _TEXT, "datatype": _TEXT, "shape": _list({"type": "integer"}), "parameters": {}})
    described["required"] = ["name", "datatype", "shape"]
    listed = {"versions": _list(_TEXT), "inputs": _list(described), "outputs": _list(described)}
    shape = {"type": "array", "prefixItems": [dimension | {"maximum": most}], "items": dimension, "minItems": 1, "maxItems": 2}
    tensor = _object(
        {"name": _TEXT, "shape": shape, "datatype": datatype, "data": _VALUES, "parameters": _OF_TENSOR},
        required=("name", "shape", "datatype"),
    )
    output = _object({"name": {"type": "string", "enum": list(loaded.predictor.methods)}, "parameters": _OF_OUTPUT})
    answered = {"name": {"type": "string", "enum": list(METHODS)}, "datatype": datatype, "shape": _list(dimension)}
    identity = {"type": ["string", "null"], "pattern": "^[!-~]{0,128}$"}
    request = {
        "id": identity,
        "parameters": _OF_REQUEST,
        "inputs": _list({"$ref": "#/components/schemas/Tensor"}),
        "outputs": {"type": ["array", "null"], "items": output | {"required": ["name"]}},
    }
    response = {
        "model_name": {"const": loaded.release.model},
        "model_version": _TEXT,
        "id": identity,
        "outputs": _list(
            _object(answered | {"data": {"type": "array"}, "parameters": _OF_TENSOR}, required=("name", "datatype", "shape"))
        ),
    }
    return {
        "Tensor": tensor | {"description": "One column, of shape [n] or [n, 1]; or all of them, of shape [n, k]."},
        "InferenceRequest": _object(request, required=("inputs",)),
        "InferenceResponse": _object(response, required=("model_name", "model_version", "outputs")),
        "InferenceError": _object({"error": _TEXT, "violations": _violations()}, required=("error",)),
        "Model": _object({"name": _TEXT, "platform": _TEXT} | listed),
        "ModelReady": _object({"name": _TEXT, "ready": {"type": "boolean"}}),
        "Server": _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}),
    }
