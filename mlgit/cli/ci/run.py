"""`mlgit ci run`: the half that runs what was proposed, and leaves a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlgit.cli import error_boundary
from mlgit.cli.format_options import json_option
from mlgit.cli.remote_options import timeout_option

if TYPE_CHECKING:
    from mlgit.commands.ci_run import CiRunResult


@click.command(
    epilog="Examples: `mlgit ci run`, `mlgit ci run --no-run --base main`, `mlgit ci run -o /tmp/report`.",
    short_help="Run the pipeline, judge the change, and write a report.",
)
@click.option("--base", help="The revision to compare with (default: where this branch left the one it is to go to).")
@click.option(
    "--label", "labels", multiple=True, help="A label of the pull request, besides those the forge gives; repeatable."
)
@click.option("--key", default="default", show_default=True, help="Which comment it is, where a pull request has several.")
@click.option("--no-run", is_flag=True, help="Run no stage: judge what is there.")
@click.option("--force", is_flag=True, help="Run every stage, and believe no result that is recorded.")
@click.option("--compute-if-unreachable", is_flag=True, help="Run what is missing where the DVC remote cannot be asked.")
@timeout_option()
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Stages at once (default: the number of CPUs).")
@json_option()
@click.option(
    "-o", "--out", default="mlgit-report", show_default=True, help="The folder for report.json, report.md and report.html."
)
def command(
    base: str | None,
    labels: tuple[str, ...],
    key: str,
    *,
    no_run: bool,
    force: bool,
    compute_if_unreachable: bool,
    jobs: int | None,
    as_json: bool,
    out: str,
) -> int:
    """Bring the pipeline up to date, compare with the baseline, apply its gates, and write a report.

    What is missing is fetched from the default DVC remote, where there is one. In a job of GitHub, Gitea or GitLab the
    commit, the branch it is to go to and the labels are taken from the job; the step summary and annotations are written.

    Exit code 0 when the change passes (with or without warnings), 1 when a stage or a gate fails, 2 when the change could
    not be compared. The report is written in each case.
    """
    from mlgit.cli.ci import notices
    from mlgit.cli.run_screen import reporter, show_result
    from mlgit.commands.ci_run import ci_run, current_job, write_report
    from mlgit.commands.report import render_report
    from mlgit.report import markdown

    if no_run and force:
        raise click.UsageError("--no-run and --force exclude each other", click.get_current_context())
    job = current_job()
    with notices.muted("" if as_json else job.kind):
        result = ci_run(
            job,
            base=base,
            labels=labels,
            key=key,
            run_stages=not no_run,
            force=force,
            compute_if_unreachable=compute_if_unreachable,
            jobs=jobs,
            reporter=reporter(as_json=as_json),
            on_run=None if as_json else show_result,
        )
        if not as_json or result.trouble:
            _show(result)
    write_report(Path(out), result.report)
    if job.summary:
        notices.summarize(Path(job.summary), markdown.summary(result.report))
    if as_json:
        click.echo(render_report(result.report, form="json"), nl=False)
    else:
        notices.tell(job.kind, result.report)
        click.echo(f"the report is in {out}")
    return result.exit_code


def _show(result: CiRunResult) -> None:
    from mlgit.gate import table

    if result.trouble:
        error_boundary.complain(result.trouble.message, result.trouble.hint)
    elif result.review:
        click.echo(table.render(result.review, current="workspace", color=False))
