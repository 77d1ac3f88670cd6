"""A search as it was asked for: what is searched, how, from which state of the project; and how its trials ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mlgit.experiments.trial import Status

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

    def document(self) -> dict[str, Any]:
        """The search as JSON."""
        return {"schema": SCHEMA, **asdict(self)}


def read(document: Any) -> Sweep | None:
    """The search in a document that `Sweep.document` gave; None for another."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return None
    given = {each.name: document[each.name] for each in fields(Sweep) if each.name in document}
    for name in ("targets", "space"):
        given[name] = tuple(given.get(name, ()))
    try:
        return Sweep(**given)
    except TypeError:
        return None


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
    return TrialEnd(**document)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
