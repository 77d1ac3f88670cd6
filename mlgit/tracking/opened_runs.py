"""The runs of a repository, opened once in a process: tracking store and artifacts share what was read, and Git's processes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from mlgit.experiments.runs import RunStore


@lru_cache(maxsize=16)
def open_runs(root: Path) -> RunStore:
    """The runs of the repository at this path."""
    return RunStore(root)
