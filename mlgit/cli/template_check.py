"""`mlgit template check`: whether a template is fit to be given away."""

from __future__ import annotations

import json

import click

from mlgit.cli.format_options import json_option
from mlgit.render.text import count, plain


@click.command(
    "check",
    short_help="Look for faults in a template.",
    epilog="Examples: `mlgit template check .`, `mlgit template check templates/churn --json`.",
)
@click.argument("folder", metavar="FOLDER")
@json_option()
def command(folder: str, *, as_json: bool) -> int:
    """Look for faults in the template in FOLDER, as its authors would want to know them.

    It is rendered with its defaults, with each feature and choice, with all features together, and with texts that break
    files: quotes, line breaks, brackets. What tools read (YAML, JSON, TOML, Python, mlgit.yaml, dvc.yaml, workflows) is read.
    Questions and features that change nothing, conditions that never hold, programs that would be plain files, and a version
    that was not raised are told. Exit code 0 when there is nothing, 1 when there is, 2 when FOLDER holds no template.
    """
    from mlgit.commands.template_check import check_template

    result = check_template(folder)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return result.exit_code
    for fault in result.faults:
        click.echo(plain(str(fault)))
    for note in result.notes:
        click.echo(f"note: {plain(note)}", err=True)
    tried = f"{count(result.n_files, 'file')}, tried with {count(result.n_cases, 'set')} of answers"
    click.echo(f"{count(len(result.faults), 'fault')} in {plain(folder)}: {tried}.")
    return result.exit_code
