"""In the environment of the peers: `peers.py save FILE FOLDER` makes MLflow's model of a skops file; `peers.py ask URL JSON`
asks a server with clients that others wrote, and prints a line for each that found an answer other than expected."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd


def save(file: str, folder: str, asked: dict[str, Any]) -> None:
    """The same model as MLflow serves it, with a signature of named columns."""
    import mlflow
    import skops.io
    from mlflow.models import infer_signature

    rows = pd.DataFrame(asked["rows"], columns=asked["columns"])
    model = skops.io.load(file, trusted=[])
    mlflow.sklearn.save_model(model, folder, signature=infer_signature(rows, np.array(asked["predict"])))


def of_mlflow(url: str, asked: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """MLflow's client: frames and arrays; what is found, and what is expected."""
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    client = ScoringServerClient(*url.removeprefix("http://").split(":"))
    rows = np.array(asked["rows"][:50])
    frame = pd.DataFrame(rows, columns=asked["columns"])
    client.wait_server_ready(timeout=20)
    for what, data in {"frame": frame, "array": rows}.items():
        yield f"ScoringServerClient, {what}", client.invoke(data).get_predictions()[0].tolist(), asked["predict"][:50]
    found = client.invoke(frame, params={"predict_method": "predict_proba"}).get_predictions().to_numpy()
    yield "ScoringServerClient, probabilities", np.allclose(found, asked["predict_proba"][:50], rtol=1e-12), True


def of_triton(url: str, asked: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """NVIDIA's client: JSON and binary in both directions, one tensor of all columns and one a column."""
    import tritonclient.http as triton

    client = triton.InferenceServerClient(url.removeprefix("http://"))
    yield (
        "tritonclient, live",
        client.is_server_live() and client.is_server_ready() and client.is_model_ready(asked["name"]),
        True,
    )
    told = client.get_model_metadata(asked["name"])
    yield "tritonclient, metadata", [each["name"] for each in told["inputs"]], asked["columns"]
    yield "tritonclient, server", "binary_tensor_data" in client.get_server_metadata()["extensions"], True
    rows = np.array(asked["rows"][:50])
    for dtype, datatype in (("f8", "FP64"), ("f4", "FP32")):
        for is_binary in (False, True):
            one = triton.InferInput("input", list(rows.shape), datatype)
            one.set_data_from_numpy(rows.astype(dtype), binary_data=is_binary)
            each = [triton.InferInput(name, [len(rows)], datatype) for name in asked["columns"]]
            for place, tensor in enumerate(each):
                tensor.set_data_from_numpy(rows[:, place].astype(dtype), binary_data=is_binary)
            for what, inputs in (("one tensor", [one]), ("a tensor a column", each)):
                outputs = [triton.InferRequestedOutput(name, binary_data=is_binary) for name in ("predict", "predict_proba")]
                answer = client.infer(asked["name"], inputs, outputs=outputs, request_id="1", model_version=told["versions"][0])
                where = f"tritonclient, {datatype}, {'binary' if is_binary else 'JSON'}, {what}"
                yield where, answer.as_numpy("predict").tolist(), asked["predict"][:50]
                close = np.allclose(
                    answer.as_numpy("predict_proba"), asked["predict_proba"][:50], rtol=1e-9 if dtype == "f8" else 1e-4
                )
                yield f"{where}, probabilities", close, True
                yield f"{where}, id", answer.get_response()["id"], "1"
    yield "tritonclient, another model", _status(lambda: client.infer("other", [one])), "[404]"
    yield "tritonclient, unknown model is not ready", client.is_model_ready("other"), False


def _status(ask: Callable[[], Any]) -> str:
    try:
        ask()
    except Exception as error:
        return str(error).split()[0]
    return "no error"


async def of_kserve(url: str, asked: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """KServe's client of version 2 of the protocol."""
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    rows = np.array(asked["rows"][:50])
    found: list[tuple[str, Any, Any]] = []
    for is_binary in (False, True):
        tensor = InferInput("input", list(rows.shape), "FP64")
        tensor.set_data_from_numpy(rows, binary_data=is_binary)
        request = InferRequest(asked["name"], [tensor], request_id="7")
        answer = await client.infer(url, request, model_name=asked["name"])
        where = f"kserve, {'binary' if is_binary else 'JSON'}"
        found.append((where, answer.outputs[0].as_numpy().tolist(), asked["predict"][:50]))
        found.append((f"{where}, id", answer.id, "7"))
    found.append(("kserve, live", await client.is_server_live(url), True))
    found.append(("kserve, ready", await client.is_server_ready(url), True))
    found.append(("kserve, model ready", await client.is_model_ready(url, asked["name"]), True))
    await client.close()
    return found


def main() -> int:
    """What the command line asks for."""
    what, first, second = sys.argv[1:4]
    if what == "save":
        with open(sys.argv[4], encoding="utf-8") as file:
            save(first, second, json.load(file))
        return 0
    with open(second, encoding="utf-8") as file:
        asked = json.load(file)
    found = [*of_mlflow(first, asked), *of_triton(first, asked), *asyncio.run(of_kserve(first, asked))]
    wrong = [each for each in found if each[1] != each[2]]
    for where, got, expected in wrong:
        print(f"{where}: {str(got)[:200]}, expected {str(expected)[:200]}")
    print(f"clients: {len(found) - len(wrong)} of {len(found)} answers as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
