"""The executors by name. They are imported only when chosen."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from mlgit.errors import MlgitError
from mlgit.executors.protocol import Executor

LOCAL = "local"
NAMES = (LOCAL, "dask")


def make(name: str, *, jobs: int, project: Any = None) -> Executor:
    """The executor of this name with `jobs` slots; `project` (`dask.Project`) is what one needs that runs elsewhere."""
    if name == LOCAL:
        from mlgit.executors.local import Local

        return Local(slots=jobs)
    if name == "dask" and project is not None:
        import importlib.util

        if importlib.util.find_spec("distributed") is None:
            raise MlgitError("`--executor dask` needs Dask, which is not installed", "type `pip install 'mlgit[dask]'`")
        from mlgit.executors.dask import Dask

        return Dask(project, cpus=jobs)
    raise MlgitError(f"no executor '{name}'", f"there is: {', '.join(NAMES)}")


def on_workers() -> ModuleType:
    """The functions that are called on the workers of a cluster."""
    from mlgit.executors import worker

    return worker
