from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgit.serving import open_inference, tensors
from mlgit.serving.rows import RefusedRequestError, Rows, ServedRequest
from mlgit.serving_settings import ServingLimits
from tests.kit import FULL
from tests.serving.loaded_models import COLUMNS, Constant, inputs, loaded

EXAMPLES = 5000 if FULL else 300
LIMITS = ServingLimits(rows=20)
ONE = {"name": "input", "shape": [1, 2], "datatype": "FP64", "data": [1.5, 2.5]}


def parse(document: Any, *, tail: bytes | None = None, columns: tuple[str, ...] | None = ("a", "b")) -> ServedRequest:
    """The request of a document; `tail` follows it as binary data."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    length = None if tail is None else len(body)
    return open_inference.parse(body + (tail or b""), header_length=length, limits=LIMITS, columns=columns)


def refusal(document: Any, *, tail: bytes | None = None) -> RefusedRequestError:
    """Why a document is refused."""
    with pytest.raises(RefusedRequestError) as caught:
        parse(document, tail=tail)
    return caught.value


def rows_of(rows: Rows) -> list[list[Any]]:
    """The rows as lists."""
    return [each.tolist() if isinstance(each, np.ndarray) else list(each) for each in rows.data]


def column(name: str, data: list[Any], *, datatype: str = "FP64") -> dict[str, Any]:
    """A tensor of one column."""
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": data}


def test_one_tensor_holds_all_columns_in_the_models_order():
    rows = parse({"inputs": [{**ONE, "shape": [2, 2], "data": [1, 2, 3, 4]}]}).rows
    assert (rows.columns, rows_of(rows)) == (None, [[1, 2], [3, 4]])


def test_data_may_be_nested_as_its_shape():
    assert rows_of(parse({"inputs": [{**ONE, "data": [[1.5, 2.5]]}]}).rows) == [[1.5, 2.5]]


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_tensors_of_one_column_have_its_name(shape):
    asked = [{**column("b", [1, 2]), "shape": shape}, {**column("a", ["x", "y"], datatype="BYTES"), "shape": shape}]
    rows = parse({"inputs": asked}).rows
    assert (rows.columns, rows_of(rows)) == (("b", "a"), [[1, "x"], [2, "y"]])


def test_one_tensor_with_the_name_of_a_column_is_that_column():
    assert parse({"inputs": [column("a", [1, 2])]}).rows == Rows(("a",), [(1,), (2,)])
    assert parse({"inputs": [column("input", [1, 2])]}).rows == Rows(None, [[1], [2]])
    assert parse({"inputs": [{**ONE, "name": "a"}]}).rows == Rows(None, [[1.5, 2.5]])


def test_null_is_a_missing_value():
    assert rows_of(parse({"inputs": [column("a", [None, 1])]}).rows) == [[None], [1]]
    assert rows_of(parse({"inputs": [column("a", [None, "x"], datatype="BYTES")]}).rows) == [[None], ["x"]]


def test_id_of_the_request_comes_back():
    request = parse({"id": "a-1", "inputs": [ONE]})
    body, _ = open_inference.answer({"predict": np.array([1])}, request=request, model="m", version="v1")
    assert json.loads(body) == {
        "model_name": "m",
        "model_version": "v1",
        "id": "a-1",
        "outputs": [{"name": "predict", "datatype": "INT64", "shape": [1], "data": [1]}],
    }


def test_request_without_an_id_gets_none():
    body, headers = open_inference.answer(
        {"predict": np.array(["x"])}, request=parse({"inputs": [ONE]}), model="m", version="v1"
    )
    assert "id" not in json.loads(body)
    assert json.loads(body)["outputs"] == [{"name": "predict", "datatype": "BYTES", "shape": [1], "data": ["x"]}]
    assert headers == {"Content-Type": "application/json"}


@pytest.mark.parametrize("left_out", [None, ""])
def test_null_is_as_if_left_out(left_out):
    parameters = {"binary_data_size": None}
    request = parse({"id": left_out, "inputs": [{**ONE, "parameters": parameters}], "parameters": None, "outputs": None})
    assert (request.id, request.methods, len(request.rows)) == ("", (), 1)


def test_outputs_are_asked_for_by_name():
    request = parse({"inputs": [ONE], "outputs": [{"name": "predict_proba"}, {"name": "predict"}]})
    assert request.methods == ("predict_proba", "predict")
    assert request.binary_methods == ()


def test_each_output_says_whether_it_is_binary():
    flag = {"parameters": {"binary_data": True}}
    request = parse({"inputs": [ONE], "outputs": [{"name": "predict_proba"} | flag, {"name": "predict"}]})
    outputs = {"predict_proba": np.array([[0.25, 0.75]]), "predict": np.array([1])}
    body, headers = open_inference.answer(outputs, request=request, model="m", version="v1")
    assert headers["Content-Type"] == "application/octet-stream"
    length = int(headers["Inference-Header-Content-Length"])
    told = json.loads(body[:length])["outputs"]
    assert told[0] == {"name": "predict_proba", "datatype": "FP64", "shape": [1, 2], "parameters": {"binary_data_size": 16}}
    assert told[1]["data"] == [1]
    assert np.frombuffer(body[length:]).tolist() == [0.25, 0.75]


@pytest.mark.parametrize("outputs", [{}, {"outputs": [{"name": "predict"}]}])
def test_all_outputs_are_binary_when_the_request_says_so(outputs):
    request = parse({"inputs": [ONE], "parameters": {"binary_data_output": True}} | outputs)
    body, headers = open_inference.answer({"predict": np.array(["né", ""])}, request=request, model="m", version="v1")
    tail = body[int(headers["Inference-Header-Content-Length"]) :]
    assert tail == b"\x03\x00\x00\x00n\xc3\xa9\x00\x00\x00\x00"


def test_bytes_of_tensors_follow_in_their_order():
    sized = [
        {"name": "a", "shape": [2], "datatype": "INT32", "parameters": {"binary_data_size": 8}},
        column("b", [True, False], datatype="BOOL"),
        {"name": "c", "shape": [2], "datatype": "FP32", "parameters": {"binary_data_size": 8}},
    ]
    tail = np.array([1, -2], "<i4").tobytes() + np.array([0.5, np.nan], "<f4").tobytes()
    rows = parse({"inputs": sized}, tail=tail).rows
    assert rows.columns == ("a", "b", "c")
    assert rows_of(rows)[0] == [1, True, 0.5]
    assert rows_of(rows)[1][:2] == [-2, False]
    assert np.isnan(rows_of(rows)[1][2])


def test_columns_of_floats_are_one_array():
    names = [column(name, []) | {"shape": [2], "parameters": {"binary_data_size": 8}, "datatype": "FP32"} for name in "ab"]
    asked = [{key: value for key, value in each.items() if key != "data"} for each in names]
    rows = parse({"inputs": asked}, tail=np.arange(4, dtype="<f4").tobytes()).rows
    assert isinstance(rows.data, np.ndarray)
    assert rows.data.dtype == np.float64
    assert rows.data.tolist() == [[0, 2], [1, 3]]


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"inputs": []},
        {"inputs": {}},
        {"inputs": [1]},
        {"inputs": [{**ONE, "name": 1}]},
        {"inputs": [{**ONE, "datatype": "FP128"}]},
        {"inputs": [{**ONE, "datatype": ["FP64"]}]},
        {"inputs": [{**ONE, "shape": [1, 3]}]},
        {"inputs": [{**ONE, "shape": [-1, 2]}]},
        {"inputs": [{**ONE, "shape": [-1, -2]}]},
        {"inputs": [{**ONE, "shape": [0, 2]}]},
        {"inputs": [{**ONE, "shape": []}]},
        {"inputs": [{**ONE, "shape": [True, 2]}]},
        {"inputs": [{**ONE, "shape": [1.0, 2]}]},
        {"inputs": [{**ONE, "shape": [1, 1, 2]}]},
        {"inputs": [{**ONE, "shape": [1] * 9}]},
        {"inputs": [{**ONE, "shape": [1, 2**62]}]},
        {"inputs": [{**ONE, "data": None}]},
        {"inputs": [{**ONE, "data": [[1.5], 2.5]}]},
        {"inputs": [{**ONE, "data": [1.5, "2.5"]}]},
        {"inputs": [{**ONE, "data": [1.5, True]}]},
        {"inputs": [{**ONE, "data": [1.5, {}]}]},
        {"inputs": [{**ONE, "datatype": "INT64"}]},
        {"inputs": [{**ONE, "datatype": "INT8", "data": [1, 128]}]},
        {"inputs": [{**ONE, "datatype": "UINT8", "data": [1, -1]}]},
        {"inputs": [{**ONE, "datatype": "FP16", "data": [1, 1e9]}]},
        {"inputs": [{**ONE, "datatype": "BF16"}]},
        {"inputs": [{**ONE, "datatype": "BOOL"}]},
        {"inputs": [{**ONE, "datatype": "BYTES"}]},
        {"inputs": [{**ONE, "parameters": []}]},
        {"inputs": [{**ONE, "parameters": {"shared_memory_region": "x"}}]},
        {"inputs": [{**ONE, "parameters": {"binary_data_size": 16}}]},
        {"inputs": [column("a", [1]), column("a", [1])]},
        {"inputs": [column("a", [1]), column("b", [1, 2])]},
        {"inputs": [column("a", [1]), ONE]},
        {"inputs": [ONE], "id": 1},
        {"inputs": [ONE], "id": "a\nb"},
        {"inputs": [ONE], "id": "a" * 129},
        {"inputs": [ONE], "parameters": {"binary_data_output": 1}},
        {"inputs": [ONE], "outputs": {}},
        {"inputs": [ONE], "outputs": [1]},
        {"inputs": [ONE], "outputs": [{"name": "other"}]},
        {"inputs": [ONE], "outputs": [{"name": ["predict"]}]},
        {"inputs": [ONE], "outputs": [{"name": "predict"}, {"name": "predict"}]},
        {"inputs": [ONE], "outputs": [{"name": "predict", "parameters": {"classification": 2}}]},
    ],
)
def test_form_that_is_not_kept_is_refused(document):
    assert refusal(document).status == 400


@pytest.mark.parametrize(
    ("size", "tail"),
    [
        (8, b"\0" * 8),
        (16, b"\0" * 15),
        (16, b"\0" * 17),
        (16, b""),
        (-1, b""),
        (1.0, b"\0"),
        (True, b"\0"),
        ("16", b"\0" * 16),
        (2**60, b""),
    ],
)
def test_bytes_that_are_not_those_of_the_shape_are_refused(size, tail):
    sized = {"name": "input", "shape": [1, 2], "datatype": "FP64", "parameters": {"binary_data_size": size}}
    assert refusal({"inputs": [sized]}, tail=tail).status == 400


@pytest.mark.parametrize("tail", [b"", b"\x01\0\0", b"\x02\0\0\0a", b"\x01\0\0\0a\0", b"\x01\0\0\0\xff", b"\xff\xff\xff\xffa"])
def test_bytes_that_are_no_texts_are_refused(tail):
    sized = {"name": "a", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(tail)}}
    assert refusal({"inputs": [sized]}, tail=tail).status == 400


@pytest.mark.parametrize("length", [0, -1, 10_000])
def test_length_of_the_json_outside_the_body_is_refused(length):
    body = json.dumps({"inputs": [ONE]}).encode()
    with pytest.raises(RefusedRequestError, match="Inference-Header-Content-Length"):
        open_inference.parse(body, header_length=length, limits=LIMITS)


def test_more_rows_than_allowed_are_refused():
    assert refusal({"inputs": [column("a", [1] * 21)]}).status == 413


def test_parameters_that_clients_send_are_not_looked_at():
    sent = {"content_type": "np", "headers": {"a": 1}}
    assert parse({"inputs": [{**ONE, "parameters": sent}], "parameters": sent, "outputs": None}).methods == ()


def test_refusal_repeats_no_value():
    for document in ({"inputs": [{**ONE, "name": "s3cret", "data": ["s3cret"]}]}, {"inputs": [ONE], "id": "s3cret\n"}):
        assert "s3cret" not in refusal(document).message


def test_metadata_tells_a_tensor_for_each_column():
    told = json.loads(open_inference.metadata(loaded(), versions=("v1.2.0", "v1.3.0")))
    assert told["name"] == "churn"
    assert told["versions"] == ["v1.2.0", "v1.3.0"]
    assert [each["name"] for each in told["inputs"]] == list(COLUMNS)
    assert [each["datatype"] for each in told["inputs"]] == ["INT64", "FP64", "BOOL", "BYTES", "BYTES"]
    assert told["outputs"] == [
        {"name": "predict", "datatype": "BYTES", "shape": [-1]},
        {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2], "parameters": {"classes": ["no", "yes"]}},
    ]


def test_metadata_of_a_model_without_names_tells_one_tensor():
    number = Constant(columns=None, methods=("predict",), classes=())
    told = json.loads(open_inference.metadata(loaded(inputs(None, names=(), width=3), predictor=number)))
    assert told["inputs"] == [{"name": "input", "datatype": "FP64", "shape": [-1, 3]}]
    assert told["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [-1]}]


VALUES = {
    "BOOL": st.booleans(),
    "BYTES": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    **{f"UINT{bits}": st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": st.floats(width=bits, allow_nan=False, allow_infinity=False) for bits in (16, 32, 64)},
}


def test_every_datatype_is_tried():
    assert {*VALUES, "BF16"} == set(tensors.DATATYPES)


@settings(max_examples=EXAMPLES)
@given(st.data(), st.sampled_from(sorted(VALUES)), st.integers(1, 4), st.integers(1, 4))
def test_json_and_bytes_say_the_same_of_every_datatype(data, datatype, count, width):
    values = data.draw(st.lists(VALUES[datatype], min_size=count * width, max_size=count * width))
    tensor = {"name": "input", "shape": [count, width], "datatype": datatype}
    array = np.array(values, dtype=tensors.DTYPES.get(datatype, object))
    tail = tensors.to_bytes(array)
    by_json = parse({"inputs": [tensor | {"data": values}]}).rows
    by_bytes = parse({"inputs": [tensor | {"parameters": {"binary_data_size": len(tail)}}]}, tail=tail).rows
    assert rows_of(by_json) == rows_of(by_bytes) == [values[at : at + width] for at in range(0, len(values), width)]
    assert tensors.datatype_of(array) == datatype


def test_half_floats_of_sixteen_bits_are_read():
    tail = np.array([1.5, -2.0], "<f4").view("<u2")[1::2].tobytes()
    sized = {"name": "input", "shape": [1, 2], "datatype": "BF16", "parameters": {"binary_data_size": 4}}
    assert rows_of(parse({"inputs": [sized]}, tail=tail).rows) == [[1.5, -2.0]]


known = st.sampled_from(["binary_data_size", "name"])
cells = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 300) | st.floats(width=16) | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["binary_data_size", "name"]), inner, max_size=2)
    ),
    max_leaves=8,
)
almost = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b", "predict"]) | cells,
        "shape": st.lists(st.integers(-1, 4), max_size=3) | cells,
        "datatype": st.sampled_from(tensors.DATATYPES) | cells,
        "data": st.lists(cells, max_size=6) | cells,
        "parameters": cells,
    },
)


@settings(max_examples=EXAMPLES)
@given(
    st.fixed_dictionaries(
        {"inputs": st.lists(almost, max_size=3) | cells}, optional={"id": cells, "outputs": cells, "parameters": cells}
    ),
    st.none() | st.binary(max_size=40),
)
def test_any_document_is_understood_or_refused(document, tail):
    try:
        rows = parse(document, tail=tail).rows
    except RefusedRequestError:
        return
    assert 1 <= len(rows) <= LIMITS.rows
    assert len({len(row) for row in rows_of(rows)}) == 1


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=200), st.none() | st.integers(-5, 210))
def test_any_bytes_are_understood_or_refused(body, length):
    with suppress(RefusedRequestError):
        open_inference.parse(body, header_length=length, limits=LIMITS)
