"""Answers requests with a released model, and follows what is in production."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.system import installation
from mlgit.commands import served
from mlgit.commands.notes import Note, unheard
from mlgit.errors import MlgitError
from mlgit.serving import listening, load, log_index, release
from mlgit.serving.addresses import Addresses
from mlgit.serving.deployment import Deployment
from mlgit.serving.log_writer import hash_key, key_in
from mlgit.serving.supervisor import Follow, Ready
from mlgit.serving.worker_options import WorkerOptions

_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line says of a server, and nothing else may: where it listens, whom it answers, whom it trusts.

    `access_log` is an open file, -1 for none; `seconds` are between two looks at the tags; `log_path` is '' where the release
    says where answers are written down, `log_key` where a key of this server's own is good enough.
    """

    addresses: Addresses
    n_workers: int = 1
    token_file: str = ""
    no_auth: bool = False
    trust: tuple[str, ...] = ()
    predictor: str = ""
    allow_version_mismatch: bool = False
    self_test_rtol: float = 1e-9
    log_path: str = ""
    log_key: str = ""
    access_log: int = -1
    seconds: float = 30.0
    follow: bool = True
    remote: str = ""
    offline: bool = False
    grace: float = 30.0


def serve(reference: str, *, options: ServeOptions, ready: Ready, note: Note = unheard) -> None:
    """Serve what NAME, NAME@VERSION or NAME#ENVIRONMENT means, and follow its tags, until a signal ends it.

    Raises MlgitError where nothing can be served; what comes later and cannot be is told to `note`, and what is served stays.
    """
    _require_extra()
    with_code = bool(options.predictor)
    follower = served.follow(reference, remote=options.remote, asks=not options.offline, with_code=with_code, note=note)
    try:
        deployment = follower.look(anew=True)
        assert deployment is not None
        project = follower.project
        follow = Follow(follower.look, follower.keep, options.seconds if options.follow else None)
        _serve(
            deployment,
            folder=project.root,
            state=project.own_folder / "serving",
            options=options,
            follow=follow,
            ready=ready,
            note=note,
        )
    finally:
        follower.close()


def serve_folder(folder: Path, *, options: ServeOptions, ready: Ready, note: Note = unheard) -> None:
    """Serve the release in a folder, as `mlgit package` writes one; no repository is needed, and nothing is followed."""
    _require_extra()
    if not (folder / release.NAME).is_file():
        raise MlgitError(f"{folder}: no {release.NAME}, so no release", "`mlgit package NAME@VERSION -o DIR` writes one")
    here = Path.cwd()
    state = Path(options.log_path or "logs")
    _serve(Deployment(folder.absolute()), folder=here, state=state, options=options, follow=Follow(), ready=ready, note=note)


def _serve(
    deployment: Deployment,
    *,
    folder: Path,
    state: Path,
    options: ServeOptions,
    follow: Follow,
    ready: Ready,
    note: Note,
) -> None:
    """Serve; relative paths of a release are in `folder`, and what has to be kept between two servers in `state`."""
    from mlgit.serving import server  # it needs the extra

    token = _token(options)
    key = key_in(Path(options.log_key)) if options.log_key else hash_key(state)
    log = _log_folder(deployment, folder, options)
    if log is not None:
        log_index.keep_indexed(log)
    server.run(
        deployment,
        addresses=options.addresses,
        n_workers=options.n_workers,
        options=WorkerOptions(
            listen=-1,
            folder=str(folder),
            log_path=options.log_path,
            log_key=key.hex(),
            token=token.hex(),
            access_log=options.access_log,
            trust=options.trust,
            predictor=options.predictor,
            allow_version_mismatch=options.allow_version_mismatch,
            self_test_rtol=options.self_test_rtol,
            grace=options.grace,
        ),
        token=token,
        follow=follow,
        note=note,
        ready=ready,
    )


def _log_folder(deployment: Deployment, folder: Path, options: ServeOptions) -> Path | None:
    """Where answers are written down, None where none are; a new folder is no matter for Git, whatever is in it.

    One that cannot be made is told by the worker.
    """
    try:
        settings = load.read(deployment.champion).serving.log
    except MlgitError:
        return None
    if settings.level == "off":
        return None
    path = folder / (options.log_path or settings.path)
    with suppress(OSError):
        path.mkdir(parents=True)
        (path / ".gitignore").write_text("*\n")
    return path


def _require_extra() -> None:
    if installation.lacks("serve"):
        raise MlgitError("serving needs packages that are not installed", f"type `{installation.adding_extra('serve')}`")


def _token(options: ServeOptions) -> bytes:
    """The token that requests have to bring, b'' for none.

    Raises MlgitError where others than this machine could ask without one.
    """
    if options.token_file:
        try:
            with open(options.token_file, "rb") as stream:
                token = stream.read(4096).strip()
        except OSError as error:
            raise MlgitError(f"--token-file {options.token_file}: cannot be read: {error.strerror}") from error
        if len(token) < _SHORTEST_TOKEN or any(each <= 32 or each >= 127 for each in token):
            raise MlgitError(
                f"--token-file {options.token_file}: a token is at least {_SHORTEST_TOKEN} visible characters of ASCII",
                f"openssl rand -hex 32 > {options.token_file}",
            )
        return token
    if not options.no_auth and not listening.is_loopback(options.addresses.host):
        raise MlgitError(
            f"--host {options.addresses.host}: others can reach it, and no token is asked for",
            "--token-file FILE asks for one; --no-auth where something before it does",
        )
    return b""
