"""One pull request for a branch: opened where there is none, else brought up to date."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from mlgit.adapters.forge.forge import Forge, Pull
from mlgit.adapters.forge.http import HttpError, UnclearError
from mlgit.monitoring import retrain_marker

# GitHub's answer, and that of the others, where there is a pull request from the branch.
_THERE_ALREADY = (409, 422)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the pull request is to say, and from where to where it goes."""

    repository: str
    branch: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposed:
    """What became of it."""

    number: int
    what: Literal["opened", "updated", "closed"]


def propose(forge: Forge, wanted: Proposal) -> Proposed:
    """See that there is one open pull request from the branch, and that it says what is wanted.

    One from a fork's branch of the same name is somebody else's. Raises HttpError when the forge refuses.
    """
    found, what = _own(forge, wanted), "updated"
    if found is None:
        try:
            found = forge.open_pull(branch=wanted.branch, base=wanted.base, title=wanted.title, body=wanted.body)
            what = "opened"
        except HttpError as error:
            if not isinstance(error, UnclearError) and error.status not in _THERE_ALREADY:
                raise
            found = _own(forge, wanted)  # it may be there all the same, or another was faster
            if found is None:
                raise
            what = "opened" if isinstance(error, UnclearError) else "updated"
    forge.update_pull(found.number, title=wanted.title, body=wanted.body, labels=wanted.labels)
    return Proposed(found.number, "opened" if what == "opened" else "updated")


def withdraw(forge: Forge, pull: Pull, *, title: str, comment: str) -> Proposed:
    """Close a pull request that mlgit opened, with a comment, and a mark in its text that no person closed it.

    The mark comes first: what is killed between both leaves one that is open, which the next run closes or writes anew.
    """
    forge.update_pull(pull.number, title=title, body=retrain_marker.closed_by_mlgit(pull.body), labels=())
    with suppress(UnclearError):  # said once or twice, it is closed
        forge.create_comment(pull.number, comment)
    forge.close_pull(pull.number)
    return Proposed(pull.number, "closed")


def _own(forge: Forge, wanted: Proposal) -> Pull | None:
    found = [each for each in forge.pulls(branch=wanted.branch) if each.head_repository.lower() == wanted.repository.lower()]
    there = [each for each in found if each.base_branch == wanted.base]
    if found and not there:
        raise HttpError(
            f"#{found[0].number} takes {wanted.branch} to {found[0].base_branch}, not to {wanted.base}",
            "close it, or name its base",
        )
    return min(there, key=lambda each: each.number) if there else None
