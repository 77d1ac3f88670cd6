"""Folders of releases, written by hand: a model, a contract, and rows with the answers that it gave."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from mlgit.serving.release import Release
from tests.kit.late import Module
from tests.validation.contracts import document

skops_io = Module("skops.io")


def column(name: str, kind: str = "", **more: Any) -> dict[str, Any]:
    """A column of a contract."""
    return {"name": name, **({"logicalType": kind} if kind else {}), **more}


def plain(values: Any) -> list[Any]:
    """Cells as JSON has them."""
    return [[None if each != each else each for each in row] for row in values.astype(object).to_numpy().tolist()]


def recorded(frame: Any, model: Any = None, *, label: Any = None, given: Any = None) -> dict[str, Any]:
    """The rows of a table with what a model says of them; `given` is how it is handed them, where not as the table."""
    asked = frame if given is None else given
    found: dict[str, Any] = {
        "schema": 1,
        "columns": list(frame.columns),
        "rows": plain(frame),
        "ids": [f"r{at}" for at in range(len(frame))],
    }
    found["prediction"] = None if model is None else model.predict(asked).tolist()
    found["score"] = None
    if label is not None:
        found["score"] = model.predict_proba(asked)[:, list(model.classes_).index(label)].tolist()
    return found


def written(folder: Any, model: Any, *, rows: Any = None, columns: Any = (), code: Any = None, **more: Any) -> Any:
    """A release's folder with a model (its bytes, or what skops is to write), and what else it has."""
    content = model if isinstance(model, bytes) else skops_io.dumps(model)
    (folder / "model").mkdir(parents=True)
    (folder / "model/model.skops").write_bytes(content)
    release = Release(
        "churn",
        "v1.0.0",
        "c" * 40,
        "churn@v1.0.0",
        "t" * 40,
        hashlib.md5(content).hexdigest(),
        hashlib.sha256(content).hexdigest(),
        "model/model.skops",
        "skops",
    )
    if columns:
        text = json.dumps(document(*columns))
        (folder / "contract.odcs.yaml").write_text(text)
        release = replace(release, contract="contract.odcs.yaml", contract_sha256=hashlib.sha256(text.encode()).hexdigest())
    if rows is not None:
        (folder / "self-test.json").write_text(json.dumps(rows))
        release = replace(release, self_test="self-test.json")
    for name, text in (code or {}).items():
        (folder / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "code" / name).write_text(text)
    (folder / "release.json").write_text(json.dumps(replace(release, **more).document()))
    return folder
