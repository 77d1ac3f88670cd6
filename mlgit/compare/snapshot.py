"""What one side of a comparison holds: the metrics, parameters, data and stages of a revision or of the workspace."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit.config import Config
from mlgit.pipeline import params
from mlgit.pipeline.model import Command, Digest, Parameters

Value = int | float | str | bool
DataKind = Literal["data", "out", "metric", "plot"]

# More values than a person or a comment could take in: such a file is no list of metrics, or an attack by YAML aliases.
MAX_VALUES = 100_000
MOST_NAMES = 6


@dataclass(frozen=True, slots=True)
class Point:
    """What to read: a commit with the name the user gave it; without `commit` the workspace."""

    name: str = "workspace"
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a comparison starts, and how that was found: the baseline if it has results.

    `rules` is the revision whose rules judge, the tip of the branch that was left: else a branch could begin where there were
    none. `is_alone` where there was nothing before it.
    """

    point: Point
    found: Literal["merge base", "named"]
    is_alone: bool = False
    rules: Point | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a table: its rows below the header, and the names of its columns."""

    rows: int
    columns: tuple[str, ...]


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
class Step:
    """A stage as it is declared, with the content of what it reads; `outs` are paths, their content is in the snapshot.

    Parameters are named as in `mlgit status`: `train.depth`, and `other.yaml:depth` for files other than params.yaml.
    """

    cmd: Command
    deps: Mapping[str, Digest | None] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    outs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something that could not be compared, or that a reader has to know about one side, and what to do about it."""

    message: str
    hint: str = ""


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
    stages: Mapping[str, Step] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    unread: frozenset[str] = frozenset()
    stale: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def label(self) -> str:
        """How headings and notes call it: `main (a1b2c3d)`, `a1b2c3d`, `workspace`."""
        if not self.commit:
            return self.name
        return self.commit[:7] if self.commit.startswith(self.name) else f"{self.name} ({self.commit[:7]})"

    @property
    def short(self) -> str:
        """How the head of a column calls it."""
        return self.name if len(self.name) <= 16 and not self.commit.startswith(self.name) else self.commit[:7]

    @property
    def is_empty(self) -> bool:
        """Whether nothing to compare is even declared."""
        return not (self.metrics or self.parameters or self.data or self.stages or self.unread)


def few(names: Sequence[str]) -> str:
    """Names in a row, cut where there are many."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"


def flatten(value: Any, *, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values in nested mappings with their dotted names; an empty mapping is a value."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flatten(inner, prefix=f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def metric_values(document: Any) -> dict[str, Value]:
    """The numbers, texts and truth values of a metrics file by dotted name; lists and nulls are no metrics, as in DVC.

    Raises ValueError for a file with too many of them, or with two of one name.
    """
    found = _few(document)
    return {name: settled(value) for name, value in found if isinstance(value, (int, float, str))}


def parameter_values(document: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    """The values below the declared keys by dotted name; the whole file when no key is declared.

    Raises ValueError for a file with too many of them, or with two of one name.
    """
    picked = params.pick(document, Parameters("", "", keys)) if keys or isinstance(document, Mapping) else {}
    return {name: settled(value) for name, value in _few(picked) if name}


def _few(document: Any) -> list[tuple[str, Any]]:
    found = list(itertools.islice(flatten(document), MAX_VALUES + 1))
    if len(found) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES} values")
    values: dict[str, Any] = {}
    for name, value in found:
        if not params.same(values.setdefault(name, value), value):
            raise ValueError(f"two values are called '{name}' (a key with a dot, and a key in a mapping)")
    return found


def settled(value: Any) -> Any:
    """A value of any file format in the types that JSON has; what it has no type for becomes text."""
    match value:
        case None | bool() | float() | str():
            return value
        case int():
            # Python refuses to print such a number in decimal
            return value if value.bit_length() <= 1024 else hex(value)
        case Mapping():
            return {str(key): settled(inner) for key, inner in value.items()}
        case list() | tuple():
            return [settled(inner) for inner in value]
        case set() | frozenset():
            return sorted(map(str, value))
        case _:
            return str(value)
