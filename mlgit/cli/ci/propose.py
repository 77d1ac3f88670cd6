"""`mlgit ci propose`: a model that was trained anew becomes one pull request, when the gates see a gain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.render.text import plain

if TYPE_CHECKING:
    from mlgit.commands.ci_propose import DueProposals, ProposeResult


@click.command(
    epilog="Examples: `mlgit run && mlgit ci propose --dry-run`, `mlgit ci propose --branch mlgit/retrain --label retrain`, "
    "`mlgit ci propose --retrain churn`, `mlgit ci propose --retrain churn --reason 'new sensor'`, `mlgit "
    "ci propose --due`.",
    short_help="Open or update one pull request for a better model.",
)
@click.option(
    "--retrain", default="", metavar="NAME", help="Propose a successor of this model, beside the version that is in production."
)
@click.option(
    "--due", is_flag=True, help="The same for each model whose triggers have fired, as `mlgit monitor trigger` tells."
)
@click.option("--reason", default="", metavar="TEXT", help="With --retrain: why, where no trigger of mlgit.yaml asks for it.")
@click.option(
    "--branch", default="", help="The branch to propose from; mlgit keeps it. Default: mlgit/retrain, of a model retrain/NAME."
)
@click.option("--base", default="", help="The branch to propose to (default: the current one).")
@click.option(
    "--label",
    "labels",
    multiple=True,
    help="A label of the pull request, also for rules with `when`; repeatable. With --retrain the default is retrain.",
)
@click.option("--title", default="", help="The title of commit and pull request; default: Retrain the model, or its name.")
@click.option("--remote", default="origin", show_default=True, help="The Git remote to push to.")
@click.option("--forge", "kind", type=click.Choice(["gitea", "github", "gitlab"]), help="What hosts it (default: the job's).")
@click.option("--api", default="", help="The address of its API (default: the job's).")
@click.option("--repository", default="", metavar="OWNER/NAME", help="The repository (default: the job's).")
@click.option("--dry-run", is_flag=True, help="Say what would be proposed, and push nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    retrain: str,
    *,
    due: bool,
    reason: str,
    branch: str,
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

    The gates decide. Where a rule of the kind `better` applies it has to be shown to hold, else one metric has to be shown
    to be better; and no rule may fail. Then the data go to the DVC remote, the commit to the branch, and one pull request is
    opened or brought up to date. Index, branch and files here stay as they are.

    With --retrain the challenger is judged beside the version of the model that is in its environment, on the same rows, and
    only if a trigger under `monitoring:` has fired. One pull request is open at a time; one whose challenger is no longer
    shown to be better is closed with a comment. What people close stays closed until there is another version, or until the
    cool-down is over.

    Exit code 0 when it was proposed and when there is nothing to propose, 2 when that cannot be told.
    """
    if reason and not retrain:
        raise click.UsageError("--reason goes with --retrain NAME")
    if due and (retrain or branch or title or labels):
        raise click.UsageError("--due names models, branches, titles and labels itself")
    from mlgit.commands.ci_propose import ci_propose, propose_due
    from mlgit.commands.ci_run import current_job

    if due:
        from mlgit.commands.clients import ForgeAccess

        asked = ForgeAccess(current_job(), kind, api, repository)
        return _show_all(propose_due(asked, base=base, remote=remote, dry_run=dry_run), as_json=as_json)
    result = ci_propose(
        current_job(),
        branch=branch,
        base=base,
        labels=labels,
        title=title,
        remote=remote,
        kind=kind,
        api=api,
        repository=repository,
        dry_run=dry_run,
        retrain=retrain,
        reason=reason,
    )
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result)
    return errors.EXIT_YES


def _show_all(found: DueProposals, *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
        return errors.EXIT_YES
    for name, result in found.models.items():
        click.echo(plain(f"{name}:"))
        _show(result)
    for note in found.notes:
        click.echo(plain(f"note: {note}"))
    return errors.EXIT_YES


def _show(result: ProposeResult) -> None:
    reason, dry_run = result.gain.reason, result.dry_run
    for fired in result.decision.fired if result.decision else ():
        click.echo(plain(f"{fired.kind}: {fired.reason}"))
    if not result.gain.is_there and result.what:
        click.echo(plain(f"#{result.number} {result.what}: {reason}"))
        return
    if not result.gain.is_there:
        click.echo(plain(f"nothing to propose: {reason}"))
        return
    click.echo(plain(f"would propose: {reason}" if dry_run else f"#{result.number} {result.what}: {reason}"))
    for path in result.paths:
        click.echo(f"  {plain(path)}")
    if dry_run:
        click.echo(f"\n{result.body}", nl=False)
