"""What a trial is: the pipeline with other parameters, recorded as one commit on `refs/exps` in DVC's format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["queued", "running", "finished", "failed", "killed"]

SPACE = "refs/exps/"
# Refs that DVC keeps below the same folder for itself.
RESERVED = ("stash", "apply", "celery", "exec", "temp")
LONGEST_NAME = 60
_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9._-]{1,60}(?<!\.lock)(?<!\.)")
_REF = re.compile(r"refs/exps/(?P<start>[0-9a-f]{2})/(?P<rest>[0-9a-f]{38}|[0-9a-f]{62})/(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class TrialFacts:
    """What mlgit knows of a trial and DVC has no word for; it stands in the commit's message (`trial_message`).

    `changes` are the parameters that were set, `[FILE:]KEY` -> value. `sweep` is the search that asked for the trial ('' for
    none), `number` its place in it from 1, `space` what was searched, as it was typed, and `n_trials` how many were asked for
    (None where a grid said it). `objective` is what the search was about, with its direction. `started` is in seconds since
    1970; `seconds` is how long it took; `stages` counts them by how they ended.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    sweep: str = ""
    number: int = 0
    sampler: str = ""
    space: tuple[str, ...] = ()
    n_trials: int | None = None
    seed: int | None = None
    objective: str = ""
    direction: str = ""
    started: float | None = None
    seconds: float | None = None
    stages: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial as commands show it.

    `params` and `metrics` are flat: `KEY` -> value, and `FILE:KEY` where another file than the first declared has it too.
    `ref` and `commit` are '' while it is not recorded in Git (queued, running, failed, killed); `message` says why it failed,
    `log` is where it was told, and `folder` the working tree that a running one has for itself. `notes` say what could not be
    read of a recorded one, and `committed` when that was, in seconds since 1970.
    """

    name: str
    baseline: str
    status: Status
    ref: str = ""
    commit: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    facts: TrialFacts = TrialFacts()
    message: str = ""
    log: str = ""
    folder: str = ""
    notes: tuple[str, ...] = ()
    committed: int | None = None

    def document(self) -> dict[str, Any]:
        """The trial as JSON, as `exp list`, `show` and `run` print it."""
        facts = self.facts
        return {
            "name": self.name,
            "ref": self.ref,
            "commit": self.commit,
            "status": self.status,
            "params": dict(self.params),
            "changes": dict(facts.changes),
            "metrics": dict(self.metrics),
            "started": facts.started,
            "seconds": facts.seconds,
            "sampler": facts.sampler,
            "sweep": facts.sweep,
            "number": facts.number,
            "message": self.message,
        }


def is_name(text: str) -> bool:
    """Whether a trial may be called so: what Git, DVC and file systems take alike."""
    return _NAME.fullmatch(text) is not None


def ref_of(baseline: str, name: str) -> str:
    """The full name of a trial's ref."""
    return f"{SPACE}{baseline[:2]}/{baseline[2:]}/{name}"


def of_ref(ref: str) -> tuple[str, str] | None:
    """The baseline and name of a trial's ref; None for another ref, as those that DVC keeps for itself."""
    found = _REF.fullmatch(ref)
    return (found["start"] + found["rest"], found["name"]) if found else None
