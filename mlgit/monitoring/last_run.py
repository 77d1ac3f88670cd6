"""When a model was looked at last. A verdict has no clock but the data's own, and a look that finds nothing new writes none."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.system import state_files


def record(root: Path, *, model: str, environment: str, clock: Callable[[], float] = time.time) -> None:
    """Keep in this clone that `mlgit monitor run` came to an answer just now."""
    state_files.write(_note(root, model, environment), json.dumps({"at": round(clock(), 3)}).encode())


def read(root: Path, *, model: str, environment: str) -> float | None:
    """When that was, in seconds since 1970; None where it was never in this clone."""
    note = state_files.read(_note(root, model, environment))
    found: float | None = json.loads(note)["at"] if note else None  # it is sealed
    return found


def _note(root: Path, model: str, environment: str) -> str:
    """Beside the refs with the verdicts: of the clone, whichever of its working trees or projects asks."""
    folder = git.line(root, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return f"{folder}/mlgit/monitor/{urllib.parse.quote(model, safe='')}@{urllib.parse.quote(environment, safe='')}"
