"""What the Dask executor needs to know of the project whose stages it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.dvc.remote import Remote
from mlgit.adapters.dvc.store import Cache
from mlgit.executors.dask.messages import Declared, Site


@dataclass(frozen=True, slots=True)
class DaskProject:
    """What the executor needs to know of a project.

    `digest` tells what lies at a path from the root, outputs that were made elsewhere included, and `objects` gives its
    bytes by md5. `address` is the scheduler's ('': a cluster of its own), `limit` how many tasks may run at once.
    """

    root: Path
    git_root: Path
    site: Site
    declared: Mapping[str, Declared]
    digest: Callable[[str], Content | None]
    objects: Callable[[str], Mapping[str, bytes]]
    cache: Cache
    remote: Remote
    address: str = ""
    limit: int | None = None
