"""How long stages took, kept from run to run: the scheduler starts the longest chain first, and reports show it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mlgit.adapters import files

NAME = "timings.json"


def load(folder: Path) -> dict[str, float]:
    """Seconds by stage address; empty when nothing is known yet."""
    try:
        known = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = known.items() if isinstance(known, dict) else ()
    return {name: float(seconds) for name, seconds in rows if isinstance(seconds, (int, float))}


def save(folder: Path, *, seconds: Mapping[str, float]) -> None:
    """Add the durations of stages that ran."""
    if seconds:
        folder.mkdir(parents=True, exist_ok=True)
        files.write_atomic(folder / NAME, json.dumps({**load(folder), **seconds}, indent=0, sort_keys=True))
