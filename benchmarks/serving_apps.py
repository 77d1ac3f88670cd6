"""What `mlgit serve` is measured beside: applications with the same model, and the models themselves.

`python -m benchmarks.serving_apps make FOLDER MODEL` makes a release of a model and a row to ask it; `bare` and `pydantic`
listen on a port; run by a peer's Python, `save` writes the model in MLflow's format.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

MODELS = ("logistic", "forest", "boosting", "columns")


def trained(kind: str) -> tuple[Any, Any]:
    """A model and a frame of its inputs: breast cancer data of scikit-learn."""
    from sklearn.compose import make_column_transformer
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    frame.columns = [each.replace(" ", "_") for each in frame.columns]
    if kind == "columns":
        frame = frame.assign(size=["large" if each > 14 else "small" for each in frame["mean_radius"]])
        numbers = [each for each in frame if each != "size"]
        split = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), ["size"]))
        return make_pipeline(split, LogisticRegression(max_iter=1000)).fit(frame, labels), frame
    made = {
        "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "forest": lambda: RandomForestClassifier(100, random_state=0),
        "boosting": lambda: HistGradientBoostingClassifier(random_state=0),
    }[kind]()
    return made.fit(frame, labels), frame


def make(folder: Path, kind: str) -> None:
    """Write a release of a model, and the body of a request for one row."""
    from skops import io

    from mlgit.serving.release import Release
    from mlgit.serving_settings import Serving

    model, frame = trained(kind)
    path = folder / "model" / "model.skops"
    path.parent.mkdir(parents=True)
    io.dump(model, path)
    content = path.read_bytes()
    digests = hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest()
    release = Release(
        "model", "v1.0.0", "0" * 40, "", "", *digests, "model/model.skops", untested="a benchmark", serving=Serving("model")
    )
    (folder / "body.json").write_text(json.dumps({"dataframe_split": frame.iloc[[0]].to_dict("split", index=False)}))
    document = release.document()
    for level in ("off", "write", "fsync"):
        document["serving"]["log"] |= {
            "path": str(folder / "logs"),
            "level": "off" if level == "off" else "required",
            "durability": "write" if level == "off" else level,
        }
        (folder / level).mkdir()
        (folder / level / "model").symlink_to(folder / "model")
        (folder / level / "release.json").write_text(json.dumps(document))


def bare(folder: Path) -> Any:
    """The least that could answer: parse, predict, write. No names, no checks, no log."""
    import warnings

    import numpy as np
    import orjson
    from sklearn import set_config
    from skops import io

    warnings.simplefilter("ignore")  # an array has no names
    set_config(assume_finite=True, skip_parameter_validation=True)
    path = folder / "model" / "model.skops"
    model = io.load(path, trusted=io.get_untrusted_types(file=path))
    needs_names = "columntransformer" in getattr(model, "named_steps", {})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body"):
                break
        table = orjson.loads(body)["dataframe_split"]
        if needs_names:
            import pandas as pd

            data: Any = pd.DataFrame(table["data"], columns=table["columns"])
        else:
            data = np.array(table["data"])
        answer = orjson.dumps({"predictions": model.predict(data).tolist()})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app


def pydantic(folder: Path) -> Any:
    """What a tutorial builds: FastAPI, a pydantic model of the request, a data frame."""
    import pandas as pd
    from fastapi import FastAPI
    from pydantic import BaseModel
    from skops import io

    path = folder / "model" / "model.skops"
    model = io.load(path, trusted=io.get_untrusted_types(file=path))
    app = FastAPI()

    class Table(BaseModel):
        columns: list[str]
        data: list[list[float | str]]

    class Body(BaseModel):
        dataframe_split: Table

    def invoke(body: Body) -> dict[str, list[int]]:
        frame = pd.DataFrame(body.dataframe_split.data, columns=body.dataframe_split.columns)
        return {"predictions": model.predict(frame).tolist()}

    invoke.__annotations__["body"] = Body  # it is a local name, and annotations are texts here
    app.post("/invocations")(invoke)
    return app


def save(folder: Path, kind: str) -> None:
    """The same model, trained again, in MLflow's format."""
    import mlflow

    model, frame = trained(kind)
    where = str(folder / "mlflow")
    mlflow.sklearn.save_model(model, where, input_example=frame.head(2), serialization_format="cloudpickle")


def main() -> None:
    """Do what the arguments say: make, save, or listen."""
    what, folder, last = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if what in ("make", "save"):
        {"make": make, "save": save}[what](folder, last)
        return
    import uvicorn

    app = {"bare": bare, "pydantic": pydantic}[what](folder)
    uvicorn.run(app, port=int(last), loop="uvloop", http="httptools", access_log=False, log_level="warning", ws="none")


if __name__ == "__main__":
    main()
