"""The Open Inference Protocol (v2), with the extension for binary data: what `/v2/models/NAME/infer` takes and answers.

The columns of a model are one tensor each, of shape [n] or [n, 1] and with the column's name; or all of them are one tensor of
shape [n, k], in the model's order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving import strict_json, tensors
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.mlflow_protocol import violations
from mlgit.serving.rows import METHODS, Method, RefusedRequestError, Rows, ServedRequest
from mlgit.serving_settings import ServingLimits

EXTENSIONS = ("binary_tensor_data",)
HEADER = "Inference-Header-Content-Length"
JSON, BINARY = "application/json", "application/octet-stream"
ID = re.compile(r"[!-~]{1,128}")


def parse(
    body: bytes, *, header_length: int | None, limits: ServingLimits, columns: tuple[str, ...] | None = None
) -> ServedRequest:
    """The request that a body of infer is; the first `header_length` bytes are JSON, and the tensors' bytes follow it.

    `columns` are the model's, by which one tensor of one column is known. Raises RefusedRequestError.
    """
    if header_length is not None and not 0 < header_length <= len(body):
        raise _refused(f"{HEADER} is not a length within the body")
    document = strict_json.parse(body if header_length is None else body[:header_length])
    if type(document) is not dict:
        raise _refused("the body is not a JSON object")
    name = "" if document.get("id") is None else document["id"]
    if type(name) is not str or (name and not ID.fullmatch(name)):
        raise _refused("id is not a text of at most 128 visible ASCII characters")
    rest = memoryview(body)[header_length:] if header_length is not None else memoryview(b"")
    found = _tensors(document.get("inputs"), rest, limit=limits.rows)
    is_binary = _flag(_parameters(document, where="parameters"), "binary_data_output", where="parameters", default=False)
    asked = _outputs(document.get("outputs"), is_binary=is_binary)
    binary = tuple(method for method, flag in asked.items() if flag)
    return ServedRequest(_rows(found, columns), tuple(asked), name, is_binary, binary)


def answer(
    outputs: Mapping[Method, np.ndarray], *, request: ServedRequest, model: str, version: str
) -> tuple[bytes, dict[str, str]]:
    """The body of an answer and its headers: `outputs` in their order, and the id if the request had one.

    What the request asked to be binary follows the JSON as bytes.
    """
    told, tail = [], []
    for method, values in outputs.items():
        output: dict[str, Any] = {
            "name": method,
            "datatype": tensors.datatype_of(values),
            "shape": list(values.shape),
        }
        if method in request.binary_methods if request.methods else request.is_binary:
            tail.append(tensors.to_bytes(values))
            output["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            output["data"] = tensors.to_texts(values) if output["datatype"] == "BYTES" else values.ravel().tolist()
        told.append(output)
    document: dict[str, Any] = {"model_name": model, "model_version": version}
    body = strict_json.text(document | ({"id": request.id} if request.id else {}) | {"outputs": told})
    if not tail:
        return body, {"Content-Type": JSON}
    return b"".join((body, *tail)), {"Content-Type": BINARY, HEADER: str(len(body))}


def metadata(loaded: LoadedModel, *, versions: Sequence[str] = ()) -> bytes:
    """What the protocol tells of a model: its versions, inputs and outputs."""
    columns = [
        {"name": each.name, "datatype": tensors.datatype_for(each.type), "shape": [-1]} for each in loaded.inputs.columns
    ]
    told = {
        "name": loaded.release.model,
        "versions": list(versions) or [loaded.release.version],
        "platform": f"mlgit_{loaded.release.format or 'python'}",
        "inputs": columns or [{"name": "input", "datatype": "FP64", "shape": [-1, loaded.inputs.width or -1]}],
        "outputs": [_output(each, loaded.predictor.classes) for each in loaded.predictor.methods],
    }
    return strict_json.text(told)


def server_metadata(version: str) -> bytes:
    """What the protocol tells of the server."""
    return strict_json.text({"name": "mlgit", "version": version, "extensions": list(EXTENSIONS)})


def error(refused: RefusedRequestError) -> bytes:
    """The body of a refusal."""
    return strict_json.text({"error": refused.message} | violations(refused))


def _refused(message: str) -> RefusedRequestError:
    return RefusedRequestError(message)


def _output(method: Method, classes: tuple[Any, ...]) -> dict[str, Any]:
    if method == "predict_proba":
        labels = [each if type(each) in (int, float, bool, str) else str(each) for each in np.array(classes).tolist()]
        parameters = {"classes": labels}
        return {"name": method, "datatype": "FP64", "shape": [-1, len(classes) or -1], "parameters": parameters}
    return {"name": method, "datatype": tensors.datatype_of(np.array(classes or (0.0,))), "shape": [-1]}


def _parameters(holder: Mapping[str, Any], *, where: str) -> Mapping[str, Any]:
    """The parameters of a request, an input or an output; those that are not known are not looked at, as clients send many."""
    found = holder.get("parameters")
    if found is None:
        return {}
    if type(found) is not dict:
        raise _refused(f"{where} is not an object")
    if "shared_memory_region" in found:
        raise _refused(f"{where}: shared memory is not offered")
    return found


def _flag(parameters: Mapping[str, Any], name: str, *, where: str, default: bool) -> bool:
    found = parameters.get(name, default)
    if type(found) is not bool:
        raise _refused(f"{where}: {name} is not a boolean")
    return found


def _tensors(inputs: Any, rest: memoryview, *, limit: int) -> list[tuple[str, list[int], np.ndarray | list[Any]]]:
    """Name, shape and values of each tensor; the bytes in `rest` are shared out in their order."""
    if type(inputs) is not list or not inputs or set(map(type, inputs)) != {dict}:
        raise _refused("inputs is not a list of one tensor or more")
    found, at = [], 0
    for place, each in enumerate(inputs):
        where = f"inputs[{place}]"
        if type(each.get("name")) is not str:
            raise _refused(f"{where}: name is not a text")
        datatype, shape = each.get("datatype"), each.get("shape")
        if type(datatype) is not str or datatype not in tensors.DATATYPES:
            raise _refused(f"{where}: datatype is none of {', '.join(tensors.DATATYPES)}")
        size = tensors.size_of(shape, where=where)
        if shape[0] > limit:
            message = f"the body has more than the {limit} rows that one request may have"
            raise RefusedRequestError(message, status=413)
        length = _parameters(each, where=f"{where}: parameters").get("binary_data_size")
        if length is None:
            values: Any = tensors.of_json(each.get("data"), datatype=datatype, size=size, where=where)
        elif type(length) is not int or length < 0 or "data" in each:
            raise _refused(f"{where}: not either `data` or a length as `binary_data_size`")
        else:
            values = tensors.of_bytes(rest[at : at + length], datatype=datatype, size=size, where=where)
            at += length
        found.append((each["name"], shape, values))
    if at != len(rest):
        raise _refused("the binary data of the inputs is not as long as the body says")
    if len({name for name, *_ in found}) != len(found):
        raise _refused("two inputs have the same name")
    return found


def _rows(found: list[tuple[str, list[int], np.ndarray | list[Any]]], columns: tuple[str, ...] | None) -> Rows:
    """The rows of one tensor of all columns, or of one a column."""
    name, shape, values = found[0]
    if len(found) == 1 and (len(shape) == 2 or not columns or name not in columns):
        if len(shape) > 2:
            raise _refused("inputs[0]: shape is neither [n] nor [n, k]")
        is_column = shape[1:] in ([], [1]) and columns is not None and name in columns
        return Rows((name,) if is_column else None, _table(values, width=shape[1] if len(shape) == 2 else 1))
    count = shape[0]
    for place, (_, each, _) in enumerate(found):
        if each not in ([count], [count, 1]):
            raise _refused(f"inputs[{place}]: shape is not [n] or [n, 1], with one n for all inputs")
    names = tuple(name for name, *_ in found)
    if all(isinstance(each, np.ndarray) and each.dtype.kind == "f" for *_, each in found):
        return Rows(names, np.column_stack([each for *_, each in found]).astype("<f8", copy=False))
    lists = [each.tolist() if isinstance(each, np.ndarray) else each for *_, each in found]
    return Rows(names, list(zip(*lists, strict=True)))


def _table(values: np.ndarray | list[Any], *, width: int) -> Sequence[Sequence[Any]] | np.ndarray:
    """Values in the order of rows, as rows."""
    if isinstance(values, np.ndarray):
        wide = values.astype("<f8") if values.dtype.kind == "f" else values
        return wide.reshape(-1, width)
    return [values[at : at + width] for at in range(0, len(values), width)]


def _outputs(asked: Any, *, is_binary: bool) -> dict[Method, bool]:
    """What is asked for by name, and whether it is to be binary."""
    if asked is None:
        return {}
    if type(asked) is not list or not set(map(type, asked)) <= {dict}:
        raise _refused("outputs is not a list of objects")
    found: dict[Method, bool] = {}
    for place, each in enumerate(asked):
        where = f"outputs[{place}]"
        method = next((method for method in METHODS if each.get("name") == method), None)
        if method is None or method in found:
            raise _refused(f"{where}: name is none of {', '.join(METHODS)}, or is there twice")
        parameters = _parameters(each, where=f"{where}: parameters")
        if parameters.get("classification"):
            raise _refused(f"{where}: classification is not offered, ask for predict_proba")
        found[method] = _flag(parameters, "binary_data", where=f"{where}: parameters", default=is_binary)
    return found
