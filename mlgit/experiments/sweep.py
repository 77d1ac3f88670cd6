"""A search as it was asked for: what is searched, how, from which state of the project; and how its trials ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mlgit.experiments.trial import Status, is_name

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Sweep:
    """One search. The same search from the same state of the project has the same `id`, so it goes on where it was.

    `baseline` is the commit that its trials hang on, `tree` what lay in the working tree (all tracked files), `prefix` the
    project's folder in the repository ('' or ending with '/'), `folder` the one in
    the project that `targets` are named from. `space` are the settings as they were typed; `n_trials` is None
    where all combinations of a grid are tried. `until` is a condition that ends the search, '' for none.
    """

    baseline: str
    tree: str
    prefix: str = ""
    folder: str = ""
    targets: tuple[str, ...] = ()
    space: tuple[str, ...] = ()
    sampler: str = "grid"
    n_trials: int | None = None
    seed: int = 0
    objective: str = ""
    direction: str = ""
    until: str = ""

    @property
    def id(self) -> str:
        """Eight hex digits of all that was asked for."""
        said = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:8]

    @property
    def state(self) -> str:
        """What a trial begins with: the tree, and the project and folder in it that settings and targets are named from."""
        where = [self.prefix, self.folder if self.targets else ""]
        return json.dumps([self.tree, *where]) if any(where) else self.tree

    def document(self) -> dict[str, Any]:
        """The search as JSON."""
        return {"schema": SCHEMA, **asdict(self)}


def read(document: Any) -> Sweep | None:
    """The search in a document that `Sweep.document` gave; None for another."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return None
    given = {each.name: document[each.name] for each in fields(Sweep) if each.name in document}
    for name in ("targets", "space"):
        given[name] = tuple(given[name]) if isinstance(given.get(name), list | tuple) else None
    try:
        sweep = Sweep(**given)
    except TypeError:
        return None
    return sweep if all(_fits(getattr(sweep, each.name), each.type) for each in fields(Sweep)) else None


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """How a trial of a search ended: recorded as `commit`, or not (`message` says why). `known`: it was there already."""

    number: int
    name: str
    status: Status
    commit: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    stages: Mapping[str, int] = field(default_factory=dict)
    message: str = ""
    log: str = ""
    known: bool = False

    def document(self) -> dict[str, Any]:
        """The end as JSON."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}


def read_end(document: Any) -> TrialEnd | None:
    """The end in a document that `TrialEnd.document` gave; None for another."""
    names = {each.name for each in fields(TrialEnd)}
    if not isinstance(document, dict) or not {"number", "name", "status"} <= document.keys() <= names:
        return None
    end = TrialEnd(**document)
    return end if all(_fits(getattr(end, each.name), each.type) for each in fields(TrialEnd)) and is_name(end.name) else None


def _fits(value: Any, declared: Any) -> bool:
    """Whether a value of a document is of the type that is declared for it: files can be edited, or of another version."""
    if isinstance(value, bool) or declared == "bool":
        return isinstance(value, bool) and declared == "bool"
    if declared.startswith("tuple"):
        return isinstance(value, tuple) and all(isinstance(each, str) for each in value)
    if declared.startswith("Mapping"):
        return isinstance(value, dict) and ("int" not in declared or all(type(each) is int for each in value.values()))
    if declared == "Status":
        return value in ("finished", "failed")
    plain: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "int | None": (int, type(None))}
    return isinstance(value, plain.get(declared, (str,)))


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
