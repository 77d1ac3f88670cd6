"""The DVC remotes of a project: which there are, and one more, that answers and can be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.dvc import dvc_command, settings
from mlgit.adapters.dvc.cloud_store import NOBODYS
from mlgit.adapters.dvc.remote import Store, open_store
from mlgit.adapters.dvc.remote_errors import Address, is_secret, without_secrets
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.project import Project


@dataclass(frozen=True, slots=True)
class RemoteAdded:
    """A remote that was written into DVC's configuration `file`; `is_writable` is None where it was not asked or cannot be."""

    name: str
    url: str
    file: str
    is_default: bool
    is_checked: bool
    is_writable: bool | None

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        return {
            "schema": 1,
            "name": self.name,
            "url": self.url,
            "file": self.file,
            "default": self.is_default,
            "checked": self.is_checked,
            "writable": self.is_writable,
        }


@dataclass(frozen=True, slots=True)
class ListedRemote:
    """A remote of the configuration; `trouble` says why it did not answer, '' where it did, None where it was not asked."""

    name: str
    url: str
    is_default: bool
    trouble: str | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class RemoteList:
    """The remotes of a project."""

    remotes: tuple[ListedRemote, ...]

    @property
    def exit_code(self) -> int:
        """No where one that was asked did not answer."""
        return errors.EXIT_NO if any(each.trouble for each in self.remotes) else errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        rows = [
            {
                "name": each.name,
                "url": each.url,
                "default": each.is_default,
                "answers": None if each.trouble is None else not each.trouble,
                "trouble": each.trouble or "",
                "hint": each.hint,
            }
            for each in self.remotes
        ]
        return {"schema": 1, "remotes": rows}


def add_remote(
    name: str,
    url: str,
    *,
    options: Sequence[str] = (),
    default: bool = False,
    local: bool = False,
    force: bool = False,
    check: bool = True,
) -> RemoteAdded:
    """Write a DVC remote into `.dvc/config`, or with `local` into `.dvc/config.local`, as `dvc remote add` does.

    `options` are settings of the remote as KEY=VALUE. Unless `check` is off, the remote has to answer and to take a file, else
    nothing is written. The first remote of a project is its default. Raises MlgitError.
    """
    project = projects.find()
    current, known = settings.remotes(project.dvc_folder)
    if name in known and not force:
        hint = f"take another name, or replace it: `mlgit remote add --force {name} URL`"
        raise MlgitError(f"a DVC remote is called '{name}' already: {without_secrets(known[name]['url'])}", hint)
    pairs = [_option(each, is_local=local) for each in options]
    _refuse_secrets(name, url)
    is_default = default or not current
    config = project.dvc_folder / ("config.local" if local else "config")
    before = config.read_bytes() if config.exists() else None
    level = ["--local"] if local else []
    try:
        dvc_command.remote(
            Path.cwd(),
            "add",
            "--quiet",
            *level,
            *(["--default"] if is_default else []),
            *(["--force"] if force else []),
            name,
            url,
        )
        for key, value in pairs:
            dvc_command.remote(Path.cwd(), "modify", "--quiet", *level, name, key, value)
        writable = _try(project, name) if check else None
    except BaseException:
        _restore(config, before)
        raise
    shown = settings.remotes(project.dvc_folder)[1][name]["url"]
    where = f".dvc/{config.name}"
    return RemoteAdded(name, shown, where, is_default, is_checked=check, is_writable=writable)


def _option(text: str, *, is_local: bool) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise MlgitError(f"'{text}' is not KEY=VALUE", "as in `--option endpointurl=https://storage.example`")
    if is_secret(key) and not is_local:
        raise MlgitError(f"{key} would be committed with .dvc/config", "add `--local`, which writes .dvc/config.local")
    return key, value


def _refuse_secrets(name: str, url: str) -> None:
    try:
        parts = urlsplit(url) if "://" in url else None
    except ValueError as error:
        raise MlgitError(
            f"{without_secrets(url)}: no URL: {error}", "write SCHEME://HOST/PATH, or the path of a folder"
        ) from error
    if parts and (parts.password is not None or (parts.username and parts.scheme.lower() not in ("ssh", "sftp", "hdfs"))):
        hint = f"leave it out of the URL, and then: `dvc remote modify --local {name} password VALUE`"
        raise MlgitError("the URL holds a user or a password, which would be committed", hint)
    if parts and parts.query and parts.scheme.lower() in ("http", "https", "azure"):
        raise MlgitError("what stands behind `?` in the URL may be a secret, which would be committed", "leave it out")


def _try(project: Project, name: str) -> bool | None:
    """Whether the remote takes a file; None where that cannot be tried. Raises RemoteUnreachableError where it does not."""
    store = _opened(project, name)
    if store.try_writing():
        return True
    store.found([NOBODYS])
    return None


def _opened(project: Project, name: str) -> Store:
    return open_store(project.dvc_folder, Cache(settings.load(project.dvc_folder)), name)[1]


def _restore(config: Path, before: bytes | None) -> None:
    if before is None:
        config.unlink(missing_ok=True)
    elif config.read_bytes() != before:
        files.write_atomic(config, before)


def list_remotes(*, check: bool = False) -> RemoteList:
    """The DVC remotes that are configured here; with `check` each is asked."""
    project = projects.find()
    default, known = settings.remotes(project.dvc_folder)
    return RemoteList(tuple(_listed(project, name, known[name]["url"], name == default, check) for name in known))


def _listed(project: Project, name: str, url: str, is_default: bool, check: bool) -> ListedRemote:
    shown = without_secrets(Address(name, url).url)
    if not check:
        return ListedRemote(name, shown, is_default)
    try:
        _opened(project, name).found([NOBODYS])
    except MlgitError as error:
        return ListedRemote(name, shown, is_default, error.message, error.hint)
    return ListedRemote(name, shown, is_default, "")
