"""Which revisions are read and compared, and how they were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RevisionRef:
    """What to read: a commit with the name the user gave it; without `commit` the workspace."""

    name: str = "workspace"
    commit: str = ""

    @property
    def label(self) -> str:
        """How headings and notes call it: `main (a1b2c3d)`, `a1b2c3d`, `workspace`."""
        if not self.commit:
            return self.name
        return self.commit[:7] if self.commit.startswith(self.name) else f"{self.name} ({self.commit[:7]})"


@dataclass(frozen=True, slots=True)
class ComparisonStart:
    """Where a comparison starts, and how that was found: the baseline if it has results.

    `rules` is the revision whose rules judge, the tip of the branch that was left: else a branch could begin where there were
    none. `is_alone` where there was nothing before it.
    """

    point: RevisionRef
    found: Literal["merge base", "named"]
    is_alone: bool = False
    rules: RevisionRef | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that could not be compared, or that a reader has to know about one side, and what to do about it."""

    message: str
    hint: str = ""


HowFound = Literal["merge base", "nearest ancestor", "named"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the current side is compared with, and how it was found.

    `distance` is the number of commits from it to the merge base that was wanted (0: it is the one), `age_days` that between
    its commit and the current one, `is_old` whether that is more than `gates.baseline.max_age`.
    """

    name: str
    commit: str
    found: HowFound
    distance: int = 0
    age_days: int = 0
    is_old: bool = False
