"""The executors by name. They are imported only when chosen."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from mlgit.errors import MlgitError
from mlgit.executors.protocol import Executor

LOCAL = "local"
NAMES = (LOCAL, "dask")
WORTH_IT = 16  # for fewer jobs, a process of its own to start them costs more than it saves


def make(name: str, *, jobs: int, expected: int = 0, project: Any = None) -> Executor:
    """The executor of this name for `jobs` at once, when about `expected` of them are to run in all.

    `project` (`dask.project.DaskProject`) is what one needs that runs elsewhere.
    """
    if name == LOCAL and expected >= WORTH_IT:
        from mlgit.executors.forked import Apart
        from mlgit.executors.local import Local

        return Apart(jobs=jobs, starter=lambda guardian: Local(slots=jobs, guardian=guardian))
    if name == LOCAL:
        from mlgit.executors.local import Local

        return Local(slots=jobs)
    if name == "dask" and project is not None:
        import importlib.util

        if importlib.util.find_spec("distributed") is None:
            raise MlgitError("`--executor dask` needs Dask, which is not installed", "type `pip install 'mlgit[dask]'`")
        from mlgit.executors.dask.executor import Dask

        return Dask(project, cpus=jobs)
    raise MlgitError(f"no executor '{name}'", f"there is: {', '.join(NAMES)}")


def on_workers() -> ModuleType:
    """The functions that are called on the workers of a cluster."""
    from mlgit.executors.dask import worker

    return worker
