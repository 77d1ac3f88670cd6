"""The runs of a repository, opened once in a process: tracking store and artifacts share what was read, and Git's processes."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from mlgit.experiments.runs import RunStore

_SERVER = "_MLFLOW_SERVER_FILE_STORE"  # MLflow sets it for its server


@lru_cache(maxsize=16)
def open_runs(root: Path) -> RunStore:
    """The runs of the repository at this path. A server keeps runs of clients, whose code lies elsewhere."""
    return RunStore(root, keep_code=_SERVER not in os.environ)
