"""One model for both servers: measurements of tumours, as the folder of a release and as JSON for clients."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import skops.io
import yaml
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlgit.serving.release import Release
from mlgit.serving_settings import Serving, ServingLimits, ServingLog

NAME, VERSION = "tumor", "v1.2.0"


def write(folder: Path) -> dict[str, Any]:
    """Write the release's folder, and return what clients ask: columns, rows, and what the model says of them."""
    bunch = load_breast_cancer()
    names, rows = [str(each) for each in bunch.feature_names], bunch.data
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    frame = pd.DataFrame(rows, columns=names)
    model.fit(frame, bunch.target)
    (folder / "model").mkdir(parents=True)
    path = folder / "model" / "model.skops"
    skops.io.dump(model, path)
    data = path.read_bytes()
    contract = _contract(names).encode()
    (folder / "contract.odcs.yaml").write_bytes(contract)
    release = Release(
        *(NAME, VERSION, "c" * 40, f"{NAME}@{VERSION}", "d" * 40),
        hashlib.md5(data).hexdigest(),
        hashlib.sha256(data).hexdigest(),
        "model/model.skops",
        "skops",
        contract="contract.odcs.yaml",
        contract_sha256=hashlib.sha256(contract).hexdigest(),
        untested="the job compares all rows",
        serving=Serving(NAME, log=ServingLog("logs", level="off"), limits=replace(ServingLimits(), rows=50)),
    )
    (folder / "release.json").write_text(json.dumps(release.document()))
    return {
        "name": NAME,
        "columns": names,
        "rows": rows.tolist(),
        "predict": model.predict(frame).tolist(),
        "predict_proba": model.predict_proba(frame).tolist(),
    }


def _contract(names: list[str]) -> str:
    ends = {"minimum": 0, "maximum": 100_000}
    properties = [{"name": name, "logicalType": "number", "required": True, "logicalTypeOptions": ends} for name in names]
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "tumours", "status": "active", "version": "1.0.0"}
    return yaml.safe_dump(head | {"schema": [{"name": "tumours", "properties": properties}]}, sort_keys=False)
