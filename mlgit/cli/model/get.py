"""`mlgit model get`: the bytes of a version."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path

import click

from mlgit import errors
from mlgit.cli.model import lookup
from mlgit.cli.model.lookup import ResolvedVersion
from mlgit.cli.remote_options import timeout_option
from mlgit.registry import deliver
from mlgit.registry.deliver import Delivered
from mlgit.registry.facts import ModelFile
from mlgit.render.text import plain, size

_FROM = {"cache": "from the cache", "git": "from the commit", "remote": "from the DVC remote", "there": "was there already"}


@click.command(
    epilog="Examples: `mlgit model get churn`, `mlgit model get churn@v1.2.0 -o model.skops`, `mlgit model get 'churn#prod'`.",
    short_help="Bring the bytes of a version, digest checked.",
)
@click.argument("reference", metavar="NAME[@VERSION|#ENVIRONMENT]")
@click.option("-o", "--out", metavar="PATH", help="Where to put it (default: its own name, here); PATH/ is a folder.")
@click.option("--force", is_flag=True, help="Replace what lies there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@timeout_option()
def command(reference: str, *, out: str | None, force: bool, as_json: bool) -> int:
    """Bring the bytes of a model, by the digest that its version records: from DVC's cache, else from the commit or the
    default DVC remote.

    A bare NAME is its highest version. The model is never loaded. Exit code 2 when the bytes cannot be had or are others.
    """
    found = lookup.find(reference)
    model = lookup.model_of(found)
    delivered = deliver.deliver(found.revision, model, _target(out, model), force=force)
    if as_json:
        click.echo(json.dumps(_document(found, model, delivered), indent=2))
        return errors.EXIT_YES
    click.echo(plain(f"{delivered.path}: {found.name}, {size(delivered.size)}, {_FROM[delivered.place]}"))
    if not found.version.is_active:
        click.echo(plain(f"note: {found.name} was withdrawn; `mlgit model history {found.version.artifact}` tells why"))
    if model.executes_code:
        click.echo(plain(f"note: loading it can run code: {'; '.join(model.findings[:3])}"))
    return errors.EXIT_YES


def _target(out: str | None, model: ModelFile) -> Path:
    name = posixpath.basename(model.path)
    if out is None:
        return Path(name)
    into = Path(out)
    is_folder = out.endswith("/") or (into.is_dir() and not model.md5.endswith(".dir"))
    return into / name if is_folder else into


def _document(found: ResolvedVersion, model: ModelFile, delivered: Delivered) -> dict[str, object]:
    return {
        "schema": 1,
        "artifact": found.version.artifact,
        "version": found.version.name,
        "is_active": found.version.is_active,
        "path": str(delivered.path),
        "md5": delivered.md5,
        "sha256": delivered.sha256,
        "size": delivered.size,
        "from": delivered.place,
        "format": model.format,
        "executes_code": model.executes_code,
        "loader": model.loader,
    }
