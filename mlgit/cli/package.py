"""`mlgit package`: a version as what others run."""

from __future__ import annotations

import json
import shlex

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import count, plain


@click.command(
    epilog="Examples: `mlgit package churn@v1.2.0`, `mlgit package 'churn#prod' -o image --image ghcr.io/team/churn:v1.2.0`, "
    "`mlgit package churn@v1.2.0 --oci churn.tar`, which "
    "`skopeo copy oci-archive:churn.tar docker://ghcr.io/team/churn:v1.2.0` publishes.",
    short_help="Write an image's context and manifests for a version.",
)
@click.argument("reference", metavar="NAME[@VERSION|#ENVIRONMENT]")
@click.option("-o", "--out", metavar="DIR", help="The folder to write (default: NAME-VERSION, here).")
@click.option("--oci", "layout", metavar="FILE", help="Write an image of the release alone, too; without -o nothing else.")
@click.option("--image", metavar="NAME", help="What the manifests call the image (default: NAME:VERSION).")
@click.option("--base", metavar="IMAGE@sha256:...", help="What the image is built on: one with Python 3.11 or newer.")
@click.option("--mlgit", metavar="REQUIREMENT|WHEEL", help="What brings mlgit into the image (default: this version of it).")
@click.option("--trust", multiple=True, metavar="TYPE", help="A type in the model that the server may load. Repeatable.")
@click.option("--predictor", metavar="MODULE:FUNCTION", help="What predicts, of the released commit's code.")
@click.option("--with-private", is_flag=True, help="Take rows with classified columns along, to test the server with.")
@click.option("--force", is_flag=True, help="Replace the folder if it is there.")
@json_option()
@timeout_option()
def command(
    reference: str,
    *,
    out: str | None,
    layout: str | None,
    image: str | None,
    base: str | None,
    mlgit: str | None,
    trust: tuple[str, ...],
    predictor: str | None,
    with_private: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Write what runs a version elsewhere, without a clone: a Dockerfile with all that it copies (the release, requirements),
    manifests for Kubernetes and KServe, a bill of materials, a statement of provenance, and the card.

    With --oci, an image that holds the release alone, in OCI's layout, is written without a program that builds images: the
    same bytes for the same version. Nothing is loaded or run. Exit code 2 when the version cannot be had, or no server would
    load it.
    """
    from mlgit.commands.package import PackageOptions, package

    options = PackageOptions(image or "", base or "", mlgit or "", trust, predictor or "", with_private)
    result = package(reference, out=out, layout=layout, options=options, force=force)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return result.exit_code
    if result.folder:
        click.echo(plain(f"{result.folder}: {result.resolved.name}, {count(len(result.files), 'file')} and the release"))
    if result.layout:
        click.echo(plain(f"{result.layout}: {result.resolved.name} as an image of the release alone, {result.digest}"))
    for each in result.notes:
        click.echo(f"note: {plain(each)}", err=True)
    if result.folder:
        click.echo(f"\nNext:\n  docker build --tag {result.packaged.image} {shlex.quote(result.folder)}")
    return result.exit_code
