"""How long stages took, kept from run to run: the scheduler starts the longest chain first, and reports show it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mlgit.adapters.system import state_files

NAME = "timings"


def load(folder: Path) -> dict[str, float]:
    """Seconds by stage address; empty when nothing is known yet."""
    note = state_files.read(f"{folder}/{NAME}")
    known: dict[str, float] = json.loads(note) if note else {}
    return known


def save(folder: Path, *, seconds: Mapping[str, float]) -> None:
    """Add the durations of stages that ran."""
    if seconds:
        state_files.write(f"{folder}/{NAME}", json.dumps({**load(folder), **seconds}).encode())
