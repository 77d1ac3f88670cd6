"""The executors by name. They are imported only when chosen."""

from __future__ import annotations

from mlgit.errors import MlgitError
from mlgit.executors.protocol import Executor

NAMES = ("local",)


def make(name: str, *, jobs: int) -> Executor:
    """The executor of this name with `jobs` slots."""
    if name == "local":
        from mlgit.executors.local import Local

        return Local(slots=jobs)
    raise MlgitError(f"no executor '{name}'", f"there is: {', '.join(NAMES)}")
