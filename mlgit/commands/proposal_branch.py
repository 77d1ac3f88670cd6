"""The branch that a proposal comes from: mlgit's own, moved only by who knows where it was, with the data pushed before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlgit import __version__
from mlgit.adapters.dvc import dvc_command
from mlgit.adapters.git import branches, git, refs
from mlgit.adapters.git.branches import Tip
from mlgit.adapters.system import backoff
from mlgit.commands import ci_changes
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.report.proposal import Proposed
from mlgit.revision.revisions import Revisions

_TRAILER = "Mlgit-Proposal: "
# As long as it takes until each of several runners that began at once has had its turn.
_PATIENCE = 120.0
_MOST_TURNS = 20


@dataclass(frozen=True, slots=True)
class ProposalBranch:
    """From where to where a proposal goes, and what its commit is called."""

    branch: str
    base: str
    remote: str
    title: str


def current(project: Project) -> str:
    """The branch to propose to where none is named. Raises MlgitError where that is not known."""
    found = git.current_branch(project.git_root) or (refs.default_branch(project.git_root) or "").removeprefix("origin/")
    if not found:
        raise MlgitError("it is not known which branch to propose to", "name it: `--base main`")
    return found


def check(project: Project, wanted: ProposalBranch) -> None:
    """Raises MlgitError for what cannot be a branch, and for the one that is proposed to."""
    done = git.run(project.git_root, "check-ref-format", "--branch", wanted.branch, check=False)
    if done.code or wanted.branch == wanted.base:
        raise MlgitError(f"--branch {wanted.branch}: not a branch to propose from", "name another, such as mlgit/retrain")


def publish(revisions: Revisions, tree: str, wanted: ProposalBranch, token: str, *, tell: Callable[[], Proposed]) -> Proposed:
    """Data first, so that nobody sees a commit whose data are nowhere; then the branch; then `tell`, which writes the text.

    Of several runners each moves the branch on from where it saw it, and the text is written by who has moved it last: who
    finds it moved by another after writing takes another turn. Raises MlgitError where it is not mlgit's own.
    """
    if ci_changes.has_remote(revisions):
        dvc_command.push_data(revisions.project.root)
    done: Proposed | None = None
    for _ in _turns():
        if not _moved(revisions, tree, wanted, token):
            continue
        done = tell()
        if _is_there(revisions, _tip(revisions, wanted, token), tree):
            return done
    if done is not None:
        return done  # the other runners go on writing: one of them is the last
    raise MlgitError(
        f"the branch {wanted.branch} was moved by others each time that it was to be pushed to {wanted.remote}", "try again"
    )


def _turns() -> Iterator[int]:
    for turn in backoff.turns(_PATIENCE):
        if turn > _MOST_TURNS:
            return
        yield turn


def _moved(revisions: Revisions, tree: str, wanted: ProposalBranch, token: str) -> bool:
    """Whether the branch has this tree now; False where another was faster."""
    root = revisions.project.git_root
    tip = _tip(revisions, wanted, token)
    if _is_there(revisions, tip, tree):
        return True
    made = branches.commit(root, tree, message=f"{wanted.title}\n\n{_TRAILER}mlgit {__version__}\n")
    try:
        branches.push(root, wanted.remote, wanted.branch, commit=made, expected=tip.commit, token=token)
    except MlgitError:
        if _tip(revisions, wanted, token).commit == tip.commit:
            raise  # nobody else: it is refused
        return False
    return True


def _tip(revisions: Revisions, wanted: ProposalBranch, token: str) -> Tip:
    found = branches.tip(revisions.project.git_root, wanted.remote, wanted.branch, token=token)
    if found.commit and _TRAILER not in found.message:
        raise MlgitError(
            f"the last commit of {wanted.branch} is not by `mlgit ci propose`",
            "merge or rename that branch, or name another: `--branch NAME`",
        )
    return found


def _is_there(revisions: Revisions, tip: Tip, tree: str) -> bool:
    return (tip.tree, tip.parents) == (tree, (git.resolve(revisions.project.git_root, "HEAD"),))
