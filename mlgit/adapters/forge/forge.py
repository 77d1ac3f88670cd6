"""What mlgit asks of the place that hosts a repository: pull requests, their comments, and the checks of a commit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from mlgit.adapters.forge.http import HttpError

Conclusion = Literal["success", "failure", "neutral"]

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a pull request, with the login of who wrote it."""

    id: int
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Pull:
    """An open pull request: the repository and commit of its head, the branches it goes from and to."""

    number: int
    head_repository: str
    head_commit: str
    head_branch: str
    base_branch: str
    labels: tuple[str, ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class ClosedPull:
    """A pull request that is open no more: since when, whether it was merged, and its text."""

    number: int
    head_repository: str
    closed: datetime
    is_merged: bool
    body: str


@dataclass(frozen=True, slots=True)
class CheckRun:
    """The state of a commit as the forge shows it beside a pull request."""

    name: str
    conclusion: Conclusion
    title: str
    summary: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class JobRun:
    """The newest run of a job of CI for a pull request: its pipeline, commit and state, and the file that it left, if any."""

    pipeline: int
    commit: str
    state: str
    url: str = ""
    content: bytes | None = None


class Forge(Protocol):
    """A forge, for one repository. Every method raises HttpError."""

    longest_comment: int

    def login(self) -> str:
        """Who the token belongs to."""

    def comments(self, pull: int) -> list[Comment]:
        """All comments of a pull request, oldest first."""

    def create_comment(self, pull: int, body: str) -> Comment:
        """Write a comment."""

    def update_comment(self, pull: int, comment: int, body: str) -> None:
        """Write a comment anew."""

    def delete_comment(self, pull: int, comment: int) -> None:
        """Take a comment away."""

    def pull(self, number: int) -> Pull:
        """A pull request."""

    def pulls(self, *, branch: str = "") -> list[Pull]:
        """The open pull requests; with `branch` those from branches of this name."""

    def open_pull(self, *, branch: str, base: str, title: str, body: str) -> Pull:
        """Open a pull request between two branches of the repository."""

    def update_pull(self, number: int, *, title: str, body: str, labels: tuple[str, ...]) -> None:
        """Write a pull request's title and text anew, and see that it has these labels beside those it has."""

    def closed_pulls(self, *, branch: str, since: datetime) -> list[ClosedPull]:
        """The pull requests from branches of this name that were closed or merged since then, the last one first."""

    def close_pull(self, number: int) -> None:
        """Close a pull request without merging it; one that is closed stays so."""

    def set_check(self, commit: str, check: CheckRun) -> None:
        """Say how a commit has done."""


def check_repository(name: str) -> str:
    """The name of a repository, as it may stand in a path. Raises HttpError for anything else."""
    if not _REPOSITORY.fullmatch(name) or any(part in (".", "..") for part in name.split("/")):
        raise HttpError(f"'{name}' is not a valid repository name", "write it as OWNER/NAME")
    return name


def the_one(pulls: list[Pull], *, repository: str, commit: str) -> Pull:
    """The only open pull request from this repository whose head is this commit.

    Raises HttpError where there is none or more than one: a report must never be shown where it does not belong.
    """
    found = [each for each in pulls if each.head_commit == commit and each.head_repository.lower() == repository.lower()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise HttpError(
            f"no open pull request of {repository} has the head {commit[:10]}",
            "there is a newer commit, whose own run will report, or it was closed",
        )
    numbers = ", ".join(f"#{each.number}" for each in found)
    raise HttpError(f"{len(found)} pull requests have the head {commit[:10]}: {numbers}", "name one: `--pr NUMBER`")


def moment(value: Any) -> datetime:
    """A time as forges write it (ISO 8601 with a zone). Raises HttpError for anything else."""
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None:
            return found
    except (TypeError, ValueError):
        pass
    raise HttpError(f"the answer has {str(value)[:40]!r} where a time should be", "is this the address of the forge's API?")
