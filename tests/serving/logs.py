"""Prediction logs as a server writes them, from a few words for each answer."""

from __future__ import annotations

import json

from mlgit.serving import log_header
from mlgit.serving.log_header import LogHeader

START = 1_800_000_000


def write(folder, answers, *, version, role="champion", model="churn", classes=(0, 1), columns=("x",), name=None):
    """A file with an answer for each (id, rows, predictions, probabilities); the hour is that of START, a second for each."""
    header = LogHeader(model, version, "c" * 40, f"{version:0<64}", columns=columns, outputs=("predict",), classes=classes)
    place = folder / log_header.hour_folder(START // 3600)
    place.mkdir(parents=True, exist_ok=True)
    lines = [line(header, role, START + number, *answer) for number, answer in enumerate(answers)]
    (place / f"{name or role}-{version}.jsonl").write_bytes(header.line + b"".join(lines))


def line(header, role, seconds, request_id, rows, predictions, probabilities=None):
    """One answered request."""
    outputs = {"predict": predictions} | ({"predict_proba": probabilities} if probabilities else {})
    document = {
        "id": request_id,
        "ts": log_header.stamp(seconds),
        "role": role,
        "version": header.version,
        "digest": header.digest,
        "inputs": rows,
        "outputs": {name: values for name, values in outputs.items() if values is not None},
        "ms": 1.0,
        "code": 200,
    }
    return json.dumps(document).encode() + b"\n"


def single(scores, *, prefix="r"):
    """A request of one row for each score."""
    return [(f"{prefix}{number}", [[number]], [int(score >= 0.5)], [[1 - score, score]]) for number, score in enumerate(scores)]
