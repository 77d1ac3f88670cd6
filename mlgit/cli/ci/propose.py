"""`mlgit ci propose`: a model that was trained anew becomes one pull request, when the gates see a gain."""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass

import click

from mlgit import __version__, errors
from mlgit import project as projects
from mlgit.adapters.dvc import dvc_command
from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge.ci_env import Job
from mlgit.adapters.git import branches, git
from mlgit.commands import ci_changes, clients
from mlgit.commands.ci_run import FOLDER
from mlgit.commands.review import review_change
from mlgit.errors import MlgitError
from mlgit.gate.improvement import Gain, gain
from mlgit.gate.review import Review
from mlgit.project import Project
from mlgit.render.text import plain
from mlgit.report import build, markdown
from mlgit.report.build import Context
from mlgit.report.document import Run, Side
from mlgit.report.proposal import Proposal, propose
from mlgit.revision import collect
from mlgit.revision.revisions import Revisions

_TRAILER = "Mlgit-Proposal: "
_INTRODUCTION = (
    "Made by `mlgit ci propose`, which writes this text and its branch anew: commits of people belong elsewhere.\n\n"
)
_LONGEST = 60_000


@dataclass(frozen=True, slots=True)
class _Wish:
    branch: str
    base: str
    remote: str
    title: str


@click.command(
    epilog="Examples: `mlgit run && mlgit ci propose --dry-run`, `mlgit ci propose --branch mlgit/retrain --label retrain`.",
    short_help="Open or update one pull request for a better model.",
)
@click.option("--branch", default="mlgit/retrain", show_default=True, help="The branch to propose from; mlgit keeps it.")
@click.option("--base", default="", help="The branch to propose to (default: the current one).")
@click.option("--label", "labels", multiple=True, help="A label of the pull request, also for rules with `when`; repeatable.")
@click.option("--title", default="Retrain the model", show_default=True, help="The title of commit and pull request.")
@click.option("--remote", default="origin", show_default=True, help="The Git remote to push to.")
@click.option("--forge", "kind", type=click.Choice(sorted(clients.KINDS)), help="What hosts it (default: the job's).")
@click.option("--api", default="", help="The address of its API (default: the job's).")
@click.option("--repository", default="", metavar="OWNER/NAME", help="The repository (default: the job's).")
@click.option("--dry-run", is_flag=True, help="Say what would be proposed, and push nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    branch: str,
    *,
    base: str,
    labels: tuple[str, ...],
    title: str,
    remote: str,
    kind: str | None,
    api: str,
    repository: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Propose what lies in the workspace after a run, beside the last commit: results, and the card.

    The gates decide. Where a rule of the kind `better` applies it has to be proven, else one metric has to be proven
    better; and no rule may fail. Then the data go to the DVC remote, the commit to the branch, and one pull request is
    opened or brought up to date. Index, branch and files here stay as they are.

    Exit code 0 when it was proposed and when there is nothing to propose, 2 when that cannot be told.
    """
    revisions, job = Revisions(projects.find()), ci_env.read(os.environ)
    project = revisions.project
    wish = _Wish(branch, base or _current(project), remote, title)
    _check_branch(project, wish)
    tree = branches.tree_of_workspace(project.git_root, folder=project.prefix, without=(f"{project.prefix}{FOLDER}",))
    paths = branches.changed(project.git_root, tree)
    if not paths:
        return _say(Gain(False, "nothing differs from the last commit"), [], as_json=as_json)
    found, review = _judged(revisions, labels)
    body = _body(revisions, job, review) if found.is_there else ""
    if dry_run or not found.is_there:
        return _say(found, paths, body=body, as_json=as_json, dry_run=dry_run)
    place = clients.place(job, kind=kind, api=api, repository=repository)
    token = ci_env.token(os.environ, place.kind)
    if not token:
        names = " or ".join(ci_env.token_names(os.environ, place.kind))
        raise MlgitError("there is no token to open a pull request with", f"set {names}")
    forge = clients.make(place, token=token)
    _push(revisions, tree, wish, token)
    done = propose(forge, Proposal(place.repository, branch, wish.base, title, body, labels))
    return _say(found, paths, body=body, as_json=as_json, what=done.what, number=done.number)


def _current(project: Project) -> str:
    found = git.current_branch(project.git_root) or (git.default_branch(project.git_root) or "").removeprefix("origin/")
    if not found:
        raise MlgitError("it is not known which branch to propose to", "name it: `--base main`")
    return found


def _check_branch(project: Project, wish: _Wish) -> None:
    if git.run(project.git_root, "check-ref-format", "--branch", wish.branch, check=False).code or wish.branch == wish.base:
        raise MlgitError(f"--branch {wish.branch}: not a branch to propose from", "name another, such as mlgit/retrain")


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


def _body(revisions: Revisions, job: Job, review: Review) -> str:
    found = ci_changes.read(revisions, "HEAD", review)
    run = Run(job.run, job.attempt, str(job.run or ""), job.url)
    context = Context(__version__, head=Side("", "the workspace"), run=run)
    report = build.report(context, review=review, diff=found.diff, card=found.card, plots=found.plots)
    return _INTRODUCTION + markdown.summary(report, limit=_LONGEST)


def _push(revisions: Revisions, tree: str, wish: _Wish, token: str) -> None:
    """Data first, so that nobody sees a commit whose data are nowhere; then the branch, if it is still mlgit's own."""
    project = revisions.project
    root = project.git_root
    tip = branches.tip(root, wish.remote, wish.branch, token=token)
    if tip.commit and _TRAILER not in tip.message:
        raise MlgitError(
            f"the last commit of {wish.branch} is not by `mlgit ci propose`",
            "merge or rename that branch, or name another: `--branch NAME`",
        )
    if ci_changes.has_remote(revisions):
        dvc_command.push_data(project.root)
    if (tip.tree, tip.parents) == (tree, (git.resolve(root, "HEAD"),)):
        return
    made = branches.commit(root, tree, message=f"{wish.title}\n\n{_TRAILER}mlgit {__version__}\n")
    branches.push(root, wish.remote, wish.branch, commit=made, expected=tip.commit, token=token)


def _say(
    found: Gain,
    paths: list[str],
    *,
    as_json: bool,
    body: str = "",
    dry_run: bool = False,
    what: str = "",
    number: int = 0,
) -> int:
    if as_json:
        said = {"gain": found.is_there, "reason": found.reason, "paths": paths, "pull_request": number or None, "what": what}
        click.echo(json.dumps({"schema": 1, **said, "dry_run": dry_run, "body": body}, indent=2))
    elif not found.is_there:
        click.echo(plain(f"nothing to propose: {found.reason}"))
    else:
        click.echo(plain(f"would propose: {found.reason}" if dry_run else f"#{number} {what}: {found.reason}"))
        for path in paths:
            click.echo(f"  {plain(path)}")
        if dry_run:
            click.echo(f"\n{body}", nl=False)
    return errors.EXIT_YES
