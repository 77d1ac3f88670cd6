"""Proposes a model that was trained anew as one pull request, when the gates see a gain."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlgit import __version__
from mlgit import project as projects
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.adapters.forge.http import HttpError
from mlgit.adapters.git import branches
from mlgit.commands import ci_changes, proposal_branch, retrain_state
from mlgit.commands.ci_run import FOLDER, run_of
from mlgit.commands.clients import ConnectedForge, ForgeAccess
from mlgit.commands.proposal_branch import ProposalBranch
from mlgit.commands.retrain_state import ModelInProduction, RetrainPulls, WindowsOfVersion
from mlgit.commands.review import review_change
from mlgit.errors import MlgitError
from mlgit.gate.improvement import Gain, gain
from mlgit.gate.review import Review
from mlgit.monitoring.triggers import RetrainDecision
from mlgit.project import Project
from mlgit.report import build, markdown, retrain_text
from mlgit.report.build import Context
from mlgit.report.document import Side
from mlgit.report.proposal import Proposal, Proposed, propose, withdraw
from mlgit.revision import collect
from mlgit.revision.revisions import Revisions

_INTRODUCTION = (
    "Made by `mlgit ci propose`, which writes this text and its branch anew: commits of people belong elsewhere.\n\n"
)
_LONGEST = 60_000
_RETRAIN_LABEL = "retrain"
_SAME = Gain(False, "nothing differs from the last commit")
_BRANCH, _TITLE = "mlgit/retrain", "Retrain the model"


@dataclass(frozen=True, slots=True)
class ProposeResult:
    """Whether there is a gain to propose, what differs from the last commit, and what became of the pull request.

    `what` and its `number` are empty where nothing was proposed, or with `dry_run` would be. `decision` says what asked for
    the retraining of a model; None where the command line did.
    """

    gain: Gain
    paths: tuple[str, ...] = ()
    body: str = ""
    dry_run: bool = False
    what: str = ""
    number: int = 0
    decision: RetrainDecision | None = None

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        found = {
            "schema": 1,
            "gain": self.gain.is_there,
            "reason": self.gain.reason,
            "paths": list(self.paths),
            "pull_request": self.number or None,
            "what": self.what,
            "dry_run": self.dry_run,
            "body": self.body,
        }
        return found | ({"retrain": self.decision.document()} if self.decision else {})


@dataclass(frozen=True, slots=True)
class DueProposals:
    """What became of each model with triggers, by name; `notes` say of which nothing could be told."""

    models: Mapping[str, ProposeResult]
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The results as JSON: schema 1."""
        found = [{"model": name, **each.document()} for name, each in self.models.items()]
        return {"schema": 1, "models": found, "notes": list(self.notes)}


def ci_propose(
    job: CiJob,
    *,
    branch: str = "",
    base: str = "",
    labels: Sequence[str] = (),
    title: str = "",
    remote: str = "origin",
    kind: str | None = None,
    api: str = "",
    repository: str = "",
    dry_run: bool = False,
    retrain: str = "",
    reason: str = "",
) -> ProposeResult:
    """Propose what lies in the workspace after a run, where the gates see a gain: data, a commit, and one pull request.

    `kind`, `api` and `repository` say what hosts it (without them the job's). Index, branch and files here stay as they are.
    With `retrain`, a model that is in production (NAME or NAME#ENVIRONMENT), it is judged beside the version there, and only
    if one of its triggers fired, or for a person's `reason`; an open pull request that is no longer a gain is closed.
    Raises MlgitError where it cannot be told whether there is a gain.
    """
    asked = ForgeAccess(job, kind, api, repository)
    with Revisions(retrain_state.project_of(retrain) if retrain else projects.find()) as revisions:
        project = revisions.project
        if retrain:
            model = retrain_state.in_production(revisions, retrain)
            wanted = ProposalBranch(branch or model.branch, base, remote, title or f"Retrain {model.name}")
            named = tuple(labels) or (_RETRAIN_LABEL,)
            return _retrained(revisions, model, _checked(project, wanted), asked, labels=named, dry_run=dry_run, reason=reason)
        wanted = _checked(project, ProposalBranch(branch or _BRANCH, base, remote, title or _TITLE))
        tree, paths = _workspace(project)
        if not paths:
            return ProposeResult(_SAME)
        found, review = _judged(revisions, tuple(labels))
        body = _body(revisions, job, review) if found.is_there else ""
        if dry_run or not found.is_there:
            return ProposeResult(found, paths, body, dry_run)
        done = _published(revisions, tree, wanted, asked.connect(), body, tuple(labels))
        return ProposeResult(found, paths, body, what=done.what, number=done.number)


def propose_due(asked: ForgeAccess, *, base: str = "", remote: str = "origin", dry_run: bool = False) -> DueProposals:
    """Propose a successor of each model whose triggers, in mlgit.yaml of the default branch, have fired.

    One that was not released yet, or of which it cannot be told, keeps no other from its own. Raises MlgitError where that is
    so of all, and where no triggers are declared.
    """
    with Revisions(projects.find()) as revisions:
        names = retrain_state.with_triggers(revisions)
    if not names:
        raise MlgitError("mlgit.yaml declares no triggers", "add `monitoring: {NAME: {triggers: {drift: page}}}`")
    found: dict[str, ProposeResult] = {}
    failed: list[MlgitError] = []
    for name in names:
        try:
            found[name] = ci_propose(
                asked.job,
                base=base,
                remote=remote,
                kind=asked.kind,
                api=asked.api,
                repository=asked.repository,
                dry_run=dry_run,
                retrain=name,
            )
        except HttpError:
            raise
        except MlgitError as error:
            failed.append(error)
    if failed and not found:
        raise failed[0]
    return DueProposals(found, tuple(each.message for each in failed))


def _checked(project: Project, wanted: ProposalBranch) -> ProposalBranch:
    found = replace(wanted, base=wanted.base or proposal_branch.current(project))
    proposal_branch.check(project, found)
    return found


def _workspace(project: Project) -> tuple[str, tuple[str, ...]]:
    """The tree that is proposed, and the paths in which it differs from the last commit."""
    tree = branches.tree_of_workspace(project.git_root, folder=project.prefix, without=(f"{project.prefix}{FOLDER}",))
    return tree, tuple(branches.changed(project.git_root, tree))


def _retrained(
    revisions: Revisions,
    model: ModelInProduction,
    wanted: ProposalBranch,
    asked: ForgeAccess,
    *,
    labels: tuple[str, ...],
    dry_run: bool,
    reason: str,
) -> ProposeResult:
    """One pull request for a model in production. With `dry_run` the forge is asked only where there is a token."""
    forge = asked.connect(is_needed=not dry_run)
    pulls = retrain_state.pulls(forge, model, branch=wanted.branch) if forge else RetrainPulls()
    judged = retrain_state.windows(revisions, model, remote=wanted.remote)
    decision = retrain_state.decide(revisions, model, judged, pulls, reason=reason)
    if (refused := _not_due(model, decision, pulls)) is not None:
        return ProposeResult(refused, decision=decision, dry_run=dry_run)
    tree, paths = _workspace(revisions.project)
    found, body = _SAME, ""
    if paths:
        found, review = _judged(revisions, labels, model=model)
        if found.is_there:
            body = _body(revisions, asked.job, review, introduction=_heading(model, decision, judged))
    if dry_run or not forge:
        return ProposeResult(found, paths, body, dry_run, decision=decision)
    if found.is_there:
        done = _published(revisions, tree, wanted, forge, body, labels)
    elif pulls.open:
        comment = retrain_text.not_better(found.reason, version=model.label)
        done = withdraw(forge.client, pulls.open, title=wanted.title, comment=comment)
    else:
        return ProposeResult(found, paths, decision=decision)
    return ProposeResult(found, paths, body, what=done.what, number=done.number, decision=decision)


def _not_due(model: ModelInProduction, decision: RetrainDecision, pulls: RetrainPulls) -> Gain | None:
    """Why nothing is proposed, whatever the gates would say; None where something may be. Raises where it cannot be told."""
    if decision.is_due or (decision.fired and pulls.open):
        return None
    if decision.is_due is None:
        raise MlgitError(
            f"it cannot be told whether {model.label} is to be trained anew: {'; '.join(decision.unknown)}",
            "a person may ask for it: `--reason TEXT`",
        )
    return Gain(
        False, decision.held or f"nothing asks for a new {model.name}: {model.label} is as it was; `--reason TEXT` does"
    )


def _judged(revisions: Revisions, labels: tuple[str, ...], *, model: ModelInProduction | None = None) -> tuple[Gain, Review]:
    """The workspace beside the last commit, or beside the version of a model that is in production, by the rules of today."""
    stale = collect.collect(revisions.workspace).stale
    if stale:
        raise MlgitError(f"stages are stale: {', '.join(stale)}", "`mlgit run` first: what is proposed has to be what was made")
    pull = ci_changes.has_remote(revisions)
    base = model.version.commit if model else "HEAD"
    into = model.deciding.name if model else None
    review = review_change(revisions, base=base, into=into, labels=labels, today=datetime.date.today(), pull=pull)
    found = gain(review)
    if not found.is_known:
        raise MlgitError(found.reason, f"`mlgit gate {base[:10]}` tells more; nothing was proposed")
    return found, review


def _heading(model: ModelInProduction, decision: RetrainDecision, judged: WindowsOfVersion) -> str:
    verdicts = [each.verdict for each in judged.windows]
    return retrain_text.heading(model.marker(decision), decision.fired, verdicts, environment=model.environment)


def _body(revisions: Revisions, job: CiJob, review: Review, *, introduction: str = _INTRODUCTION) -> str:
    found = ci_changes.read(revisions, "HEAD", review)
    context = Context(__version__, head=Side("", "the workspace"), run=run_of(job))
    report = build.report(context, review=review, diff=found.diff, card=found.card, plots=found.plots)
    return introduction + markdown.summary(report, limit=_LONGEST - len(introduction.encode()))


def _published(
    revisions: Revisions, tree: str, wanted: ProposalBranch, forge: ConnectedForge, body: str, labels: tuple[str, ...]
) -> Proposed:
    proposal = Proposal(forge.repository, wanted.branch, wanted.base, wanted.title, body, labels)
    tell = functools.partial(propose, forge.client, proposal)
    return proposal_branch.publish(revisions, tree, wanted, forge.token, tell=tell)
