"""`mlgit serve`: a released model behind HTTP."""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from mlgit import errors
from mlgit.cli.format_options import json_option
from mlgit.render.text import plain
from mlgit.serving.addresses import Addresses

_EXAMPLES = (
    "Examples: `mlgit serve tumor`, `mlgit serve 'tumor#staging' --port 9000 --workers 2`, `mlgit serve tumor@v1.2.0`, "
    "`mlgit serve --release DIR --host 0.0.0.0 --token-file token`."
)


@click.command(epilog=_EXAMPLES, short_help="Answer requests with a released model.")
@click.argument("reference", metavar="[NAME[@VERSION|#ENVIRONMENT]]", required=False)
@click.option("--release", "folder", metavar="DIR", type=click.Path(), help="Serve a folder that `mlgit package` wrote.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address that predictions are asked at.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Its port; 0 for any.")
@click.option("--admin-host", default="127.0.0.1", show_default=True, help="The address of metrics and documents.")
@click.option("--admin-port", type=click.IntRange(0, 65535), help="Its port (default: the one after --port).")
@click.option(
    "--workers", "n_workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that answer."
)
@click.option("--token-file", default="", metavar="FILE", help="Answer only requests that bring the token in FILE.")
@click.option("--no-auth", is_flag=True, help="Ask for no token, whoever can reach the server.")
@click.option("--trust", multiple=True, metavar="TYPE", help="A type that the model file may make; once for each.")
@click.option(
    "--predictor", default="", metavar="MODULE:FUNCTION", help="Run this code of the released commit in the model's place."
)
@click.option("--allow-version-mismatch", is_flag=True, help="Serve with other libraries than the release was made with.")
@click.option(
    "--self-test-rtol", default=1e-9, show_default=True, type=click.FloatRange(0), help="How near recorded scores have to be."
)
@click.option("--log-path", default="", metavar="DIR", help="Where answers are written down (default: what the release says).")
@click.option(
    "--log-key",
    default="",
    metavar="FILE",
    help="Hash private columns in the log by the key in FILE (default: one of its own).",
)
@click.option(
    "--access-log", default="", metavar="FILE", help="Write a line of JSON for each request to FILE; - is standard output."
)
@click.option(
    "--poll",
    "seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds between two looks at the tags.",
)
@click.option("--remote", default="", metavar="NAME", help="The Git remote to ask (default: origin, or the only one).")
@click.option("--offline", is_flag=True, help="Ask no remote: go by the tags of this clone.")
@click.option("--no-follow", is_flag=True, help="Stay with what is in production now.")
@click.option(
    "--grace", default=30.0, show_default=True, type=click.FloatRange(0), help="Seconds for open requests at the end."
)
@json_option()
def command(
    reference: str | None,
    *,
    folder: str | None,
    host: str,
    port: int,
    admin_host: str,
    admin_port: int | None,
    n_workers: int,
    token_file: str,
    no_auth: bool,
    trust: tuple[str, ...],
    predictor: str,
    allow_version_mismatch: bool,
    self_test_rtol: float,
    log_path: str,
    log_key: str,
    access_log: str,
    seconds: float,
    remote: str,
    offline: bool,
    no_follow: bool,
    grace: float,
    as_json: bool,
) -> int:
    """Answer requests with what is in production, and change over when that does.

    NAME is what is in the last of the declared environments; #ENVIRONMENT another one, @VERSION one version for ever. Two
    protocols are spoken: MLflow's (POST /invocations) and the Open Inference Protocol 2 (/v2/models/NAME/infer). Every answer
    is written down before it leaves. Metrics, documents and POST /-/reload are on the second port. SIGTERM lets requests that
    have come be answered. Exit code 2 where it cannot begin.
    """
    from mlgit.commands.serve import ServeOptions, serve, serve_folder

    if (reference is None) == (folder is None):
        raise click.UsageError("name a model, or a folder with --release")
    wanted = ServeOptions(
        Addresses(host, port, admin_host, admin_port),
        n_workers=n_workers,
        token_file=token_file,
        no_auth=no_auth,
        trust=trust,
        predictor=predictor,
        allow_version_mismatch=allow_version_mismatch,
        self_test_rtol=self_test_rtol,
        log_path=log_path,
        log_key=log_key,
        access_log=_opened(access_log),
        seconds=seconds,
        follow=not no_follow,
        remote=remote,
        offline=offline,
        grace=grace,
    )
    say, ready = functools.partial(_say, as_json=as_json), functools.partial(_tell_ready, as_json=as_json)
    if folder is not None:
        serve_folder(Path(folder), options=wanted, ready=ready, note=say)
    elif reference is not None:
        serve(reference, options=wanted, ready=ready, note=say)
    return errors.EXIT_YES


def _say(text: str, *, as_json: bool) -> None:
    click.echo(json.dumps({"note": text}) if as_json else plain(text), err=True)


def _tell_ready(url: str, admin_url: str, supervisor: Any, *, as_json: bool) -> None:
    status = supervisor.document()
    if as_json:
        click.echo(json.dumps({"schema": 1, "url": url, "admin_url": admin_url, **status}))
    else:
        for role, said in status["serves"].items():
            repeated = said["self_tested"]
            tested = f"{repeated} recorded answers repeated" if repeated else f"not tried: {said['untested']}"
            click.echo(plain(f"{role}: {said['model']} {said['version']} ({said['commit'][:10]}); {tested}"))
        click.echo(f"predictions at {url}, metrics and documents at {admin_url}/docs")
    sys.stdout.flush()


def _opened(name: str) -> int:
    if not name:
        return -1
    if name == "-":
        return sys.stdout.fileno()
    try:
        return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    except OSError as error:
        raise errors.MlgitError(f"--access-log {name}: cannot be written: {error.strerror}") from error
