"""The values of a pipeline: stages and what they read and write. They know nothing of where they came from.

They are named tuples: thousands are made by every command, which takes a frozen dataclass four times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

Command = str | tuple[str, ...]
OutputKind = Literal["out", "metric", "plot"]

NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


class Dependency(NamedTuple):
    """A file or folder that a stage reads: its path as written and as seen from the project's root."""

    path: str
    target: str


class Parameters(NamedTuple):
    """The parameters that a stage reads from one file; no keys means the whole file.

    `normal` is how a lock calls the file where that is not `path` (`./my.yaml` is recorded as `my.yaml`).
    """

    path: str
    target: str
    keys: tuple[str, ...] = ()
    normal: str = ""

    @property
    def recorded(self) -> str:
        return self.normal or self.path


class Output(NamedTuple):
    """A file or folder that a stage writes.

    `remote` names the DVC remote that its content goes to, in lower case, as DVC looks it up ('': the default); content that
    is not to `push` goes to none.
    """

    path: str
    target: str
    kind: OutputKind = "out"
    cache: bool = True
    persist: bool = False
    remote: str = ""
    push: bool = True


class Digest(NamedTuple):
    """The content of a file or folder: its md5 (ending in `.dir` for a folder), size in bytes, and number of files."""

    md5: str
    size: int
    nfiles: int | None = None
    isexec: bool = False

    @property
    def is_folder(self) -> bool:
        return self.nfiles is not None


class Item(NamedTuple):
    """A dependency or output as a lock records it."""

    path: str
    digest: Digest


class Entry(NamedTuple):
    """What `dvc.lock` records of one stage: the command that ran, on what, and what it made."""

    cmd: Command
    deps: tuple[Item, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = NOTHING
    outs: tuple[Item, ...] = ()


class Stage(NamedTuple):
    """One step of a pipeline, with everything in it resolved.

    `file` is the dvc.yaml (or .dvc file) that declares it, relative to the project's root, and `wdir` the folder its
    command runs in ('' is the root). A stage without a name is a source: data that `dvc add` or an import tracks.
    `exotic` says why the stage has to go through DVC's own objects; '' for what mlgit runs by itself.
    """

    name: str
    file: str
    cmd: Command = ()
    wdir: str = ""
    deps: tuple[Dependency, ...] = ()
    params: tuple[Parameters, ...] = ()
    outs: tuple[Output, ...] = ()
    frozen: bool = False
    always_changed: bool = False
    desc: str = ""
    meta: Mapping[str, Any] = NOTHING
    exotic: str = ""

    @property
    def address(self) -> str:
        """How DVC and mlgit call the stage: `train`, `sub/dvc.yaml:train`, `data/raw.csv.dvc`."""
        if not self.name:
            return self.file
        return self.name if self.file == "dvc.yaml" else f"{self.file}:{self.name}"

    @property
    def is_source(self) -> bool:
        return not self.name

    @property
    def is_idle(self) -> bool:
        """Nothing to run, to look at or to record, as DVC takes an empty command without inputs and outputs."""
        looked_at = not self.frozen and (self.deps or self.params or self.always_changed)
        return not self.cmd and not self.is_source and not self.outs and not looked_at

    @property
    def is_callback(self) -> bool:
        """A command without dependencies and outputs: it runs every time."""
        return bool(self.cmd) and not (self.deps or self.params or self.outs)

    @property
    def commands(self) -> tuple[str, ...]:
        """The shell commands, one shell each: the items of a list, or the lines of a text (as DVC runs them)."""
        return tuple(self.cmd.splitlines()) if isinstance(self.cmd, str) else self.cmd

    def inputs(self) -> list[tuple[str, str]]:
        """Everything the stage reads, as (path as written, path from the root)."""
        return [(dep.path, dep.target) for dep in self.deps] + [(params.path, params.target) for params in self.params]

    @property
    def lock_file(self) -> str:
        return self.file.removesuffix(".yaml") + ".lock"
