"""What one side of a comparison holds: the metrics, parameters, data and stages of a revision or of the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit.config import Config
from mlgit.pipeline.model import Command, Digest
from mlgit.revision.refs import Notice, RevisionRef
from mlgit.revision.values import Value
from mlgit.tables.shape import Shape

DataKind = Literal["data", "out", "metric", "plot"]


@dataclass(frozen=True, slots=True)
class Data:
    """A file or folder that DVC tracks (`data`) or that a stage makes; without digest, its content is not known.

    `members` are the md5s of a folder's files, where it was looked into.
    """

    kind: DataKind
    digest: Digest | None
    shape: Shape | None = None
    members: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StageSnapshot:
    """A stage as it is declared, with the content of what it reads; `outs` are paths, their content is in the snapshot.

    Parameters are named as in `mlgit status`: `train.depth`, and `other.yaml:depth` for files other than params.yaml.
    """

    cmd: Command
    deps: Mapping[str, Digest | None] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    outs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One side of a comparison; without `commit` it is the workspace. Paths are relative to the project's root.

    Metrics and parameters are by file and dotted name. `unread` are files whose values are declared but could not be
    read, each with a note, and `stale` the stages whose results do not belong to what is declared.
    """

    name: str
    commit: str = ""
    metrics: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: Mapping[str, Data] = field(default_factory=dict)
    stages: Mapping[str, StageSnapshot] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    unread: frozenset[str] = frozenset()
    stale: tuple[str, ...] = ()
    notes: tuple[Notice, ...] = ()

    @property
    def label(self) -> str:
        """How headings and notes call it: `main (a1b2c3d)`, `a1b2c3d`, `workspace`."""
        return RevisionRef(self.name, self.commit).label

    @property
    def short(self) -> str:
        """How the head of a column calls it."""
        return self.name if len(self.name) <= 16 and not self.commit.startswith(self.name) else self.commit[:7]

    @property
    def is_empty(self) -> bool:
        """Whether nothing to compare is even declared."""
        return not (self.metrics or self.parameters or self.data or self.stages or self.unread)


def differing(base: Snapshot, head: Snapshot) -> frozenset[str]:
    """The paths of data whose content differs, is not known, or is on one side only; files of metrics are left out."""
    by_value = base.metrics.keys() | head.metrics.keys()
    return frozenset(
        path
        for path in (base.data.keys() | head.data.keys()) - by_value
        if not _is_same(base.data.get(path), head.data.get(path))
    )


def _is_same(old: Data | None, new: Data | None) -> bool:
    digests = [each.digest for each in (old, new) if each is not None]
    return len(digests) > 1 and digests[0] is not None and digests[1] is not None and digests[0].md5 == digests[1].md5
