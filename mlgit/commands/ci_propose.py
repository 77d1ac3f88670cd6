"""Proposes a model that was trained anew as one pull request, when the gates see a gain."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import __version__
from mlgit import project as projects
from mlgit.adapters.dvc import dvc_command
from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.adapters.git import branches, git, refs
from mlgit.commands import ci_changes, clients
from mlgit.commands.ci_run import FOLDER, run_of
from mlgit.commands.review import review_change
from mlgit.errors import MlgitError
from mlgit.gate.improvement import Gain, gain
from mlgit.gate.review import Review
from mlgit.project import Project
from mlgit.report import build, markdown
from mlgit.report.build import Context
from mlgit.report.document import Side
from mlgit.report.proposal import Proposal, propose
from mlgit.revision import collect
from mlgit.revision.revisions import Revisions

_TRAILER = "Mlgit-Proposal: "
_INTRODUCTION = (
    "Made by `mlgit ci propose`, which writes this text and its branch anew: commits of people belong elsewhere.\n\n"
)
_LONGEST = 60_000


@dataclass(frozen=True, slots=True)
class ProposeResult:
    """Whether there is a gain to propose, what differs from the last commit, and what became of the pull request.

    `what` and its `number` are empty where nothing was proposed, or with `dry_run` would be.
    """

    gain: Gain
    paths: tuple[str, ...] = ()
    body: str = ""
    dry_run: bool = False
    what: str = ""
    number: int = 0

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "gain": self.gain.is_there,
            "reason": self.gain.reason,
            "paths": list(self.paths),
            "pull_request": self.number or None,
            "what": self.what,
            "dry_run": self.dry_run,
            "body": self.body,
        }


@dataclass(frozen=True, slots=True)
class _ProposalBranch:
    branch: str
    base: str
    remote: str
    title: str


def ci_propose(
    job: CiJob,
    *,
    branch: str = "mlgit/retrain",
    base: str = "",
    labels: Sequence[str] = (),
    title: str = "Retrain the model",
    remote: str = "origin",
    kind: str | None = None,
    api: str = "",
    repository: str = "",
    dry_run: bool = False,
) -> ProposeResult:
    """Propose what lies in the workspace after a run, where the gates see a gain: data, a commit, and one pull request.

    `kind`, `api` and `repository` say what hosts it (without them the job's). Index, branch and files here stay as they are.
    Raises MlgitError where it cannot be told whether there is a gain.
    """
    with Revisions(projects.find()) as revisions:
        project = revisions.project
        wanted = _ProposalBranch(branch, base or _current(project), remote, title)
        _check_branch(project, wanted)
        tree = branches.tree_of_workspace(project.git_root, folder=project.prefix, without=(f"{project.prefix}{FOLDER}",))
        paths = tuple(branches.changed(project.git_root, tree))
        if not paths:
            return ProposeResult(Gain(False, "nothing differs from the last commit"))
        found, review = _judged(revisions, tuple(labels))
        body = _body(revisions, job, review) if found.is_there else ""
        if dry_run or not found.is_there:
            return ProposeResult(found, paths, body, dry_run)
        place = clients.place(job, kind=kind, api=api, repository=repository)
        token = ci_env.token(os.environ, place.kind)
        if not token:
            names = " or ".join(ci_env.token_names(os.environ, place.kind))
            raise MlgitError("there is no token to open a pull request with", f"set {names}")
        forge = clients.make(place, token=token)
        _push(revisions, tree, wanted, token)
        done = propose(forge, Proposal(place.repository, branch, wanted.base, title, body, tuple(labels)))
        return ProposeResult(found, paths, body, what=done.what, number=done.number)


def _current(project: Project) -> str:
    found = git.current_branch(project.git_root) or (refs.default_branch(project.git_root) or "").removeprefix("origin/")
    if not found:
        raise MlgitError("it is not known which branch to propose to", "name it: `--base main`")
    return found


def _check_branch(project: Project, wanted: _ProposalBranch) -> None:
    if (
        git.run(project.git_root, "check-ref-format", "--branch", wanted.branch, check=False).code
        or wanted.branch == wanted.base
    ):
        raise MlgitError(f"--branch {wanted.branch}: not a branch to propose from", "name another, such as mlgit/retrain")


def _judged(revisions: Revisions, labels: tuple[str, ...]) -> tuple[Gain, Review]:
    stale = collect.collect(revisions.workspace).stale
    if stale:
        raise MlgitError(f"stages are stale: {', '.join(stale)}", "`mlgit run` first: what is proposed has to be what was made")
    pull = ci_changes.has_remote(revisions)
    review = review_change(revisions, base="HEAD", labels=labels, today=datetime.date.today(), pull=pull)
    found = gain(review)
    if not found.is_known:
        raise MlgitError(found.reason, "`mlgit gate HEAD` tells more; nothing was proposed")
    return found, review


def _body(revisions: Revisions, job: CiJob, review: Review) -> str:
    found = ci_changes.read(revisions, "HEAD", review)
    context = Context(__version__, head=Side("", "the workspace"), run=run_of(job))
    report = build.report(context, review=review, diff=found.diff, card=found.card, plots=found.plots)
    return _INTRODUCTION + markdown.summary(report, limit=_LONGEST)


def _push(revisions: Revisions, tree: str, wanted: _ProposalBranch, token: str) -> None:
    """Data first, so that nobody sees a commit whose data are nowhere; then the branch, if it is still mlgit's own."""
    project = revisions.project
    root = project.git_root
    tip = branches.tip(root, wanted.remote, wanted.branch, token=token)
    if tip.commit and _TRAILER not in tip.message:
        raise MlgitError(
            f"the last commit of {wanted.branch} is not by `mlgit ci propose`",
            "merge or rename that branch, or name another: `--branch NAME`",
        )
    if ci_changes.has_remote(revisions):
        dvc_command.push_data(project.root)
    if (tip.tree, tip.parents) == (tree, (git.resolve(root, "HEAD"),)):
        return
    made = branches.commit(root, tree, message=f"{wanted.title}\n\n{_TRAILER}mlgit {__version__}\n")
    branches.push(root, wanted.remote, wanted.branch, commit=made, expected=tip.commit, token=token)
