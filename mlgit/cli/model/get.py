"""`mlgit model get`: the bytes of a version."""

from __future__ import annotations

import json

import click

from mlgit import errors
from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import few, plain, size

_FROM = {"cache": "from the cache", "git": "from the commit", "remote": "from the DVC remote", "there": "was there already"}


@click.command(
    epilog="Examples: `mlgit model get churn`, `mlgit model get churn@v1.2.0 -o model.skops`, `mlgit model get 'churn#prod'`.",
    short_help="Bring the bytes of a version, digest checked.",
)
@click.argument("reference", metavar="NAME[@VERSION|#ENVIRONMENT]")
@click.option("-o", "--out", metavar="PATH", help="Where to put it (default: its own name, here); PATH/ is a folder.")
@click.option("--force", is_flag=True, help="Replace an existing file or folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@timeout_option()
def command(reference: str, *, out: str | None, force: bool, as_json: bool) -> int:
    """Bring the bytes of a model, by the digest that its version records: from DVC's cache, else from the commit or the
    default DVC remote.

    A bare NAME is its highest version. The model is never loaded. Exit code 2 when the bytes cannot be had or are others.
    """
    from mlgit.commands.model.get import get

    result = get(reference, out=out, force=force)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return errors.EXIT_YES
    found, model, delivered = result.resolved, result.model, result.delivered
    click.echo(plain(f"{delivered.path}: {found.name}, {size(delivered.size)}, {_FROM[delivered.place]}"))
    if not found.version.is_active:
        click.echo(plain(f"note: {found.name} was withdrawn; `mlgit model history {found.version.artifact}` tells why"))
    if model.executes_code:
        click.echo(plain(f"note: loading it can run code: {few(model.findings, most=3)}"))
    return errors.EXIT_YES
