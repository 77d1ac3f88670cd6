"""Logs of predictions for tests: a header, lines for it, and what lies in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlgit.serving import log_lines
from mlgit.serving.log_header import LogHeader

DIGEST = "b" * 64
HEADER = LogHeader(
    "tumor",
    "v1.2.0",
    "a" * 40,
    DIGEST,
    "c" * 64,
    ("radius", "texture"),
    ("number", "number"),
    outputs=("predict", "predict_proba"),
    classes=(0, 1),
)
NOON = 1795953600.0  # 2026-11-29T12:00:00Z


def line(request_id: str, *, header: LogHeader = HEADER, seconds: float = NOON, value: float = 1.5, **more: Any) -> bytes:
    """A line of one row with a prediction; `more` is what `log_lines.line` takes."""
    said = {"inputs": [[value, 2]], "outputs": {"predict": [1], "predict_proba": [[0.25, 0.75]]}, "ms": 0.4} | more
    return log_lines.line(header, request_id=request_id, seconds=seconds, **said)


def files(folder: Path) -> list[str]:
    """The names of the log's files with their hours, without what stands before the version."""
    return sorted(f"{path.parent.name}/{path.name.partition('-')[2]}" for path in folder.rglob("*.jsonl"))


def documents(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, each of which has to be whole."""
    content = path.read_bytes()
    assert content.endswith(b"\n")
    return [json.loads(each) for each in content.splitlines()]
