"""The DVC remotes of a project: which there are, and one more, that answers and can be written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.dvc import internals, settings
from mlgit.adapters.dvc.cloud_store import NOBODYS
from mlgit.adapters.dvc.remote import open_store
from mlgit.adapters.dvc.remote_errors import Address, RemoteUnreachableError, is_secret, without_secrets
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.project import Project

# Where a configuration may stand, and what DVC calls it.
LEVELS = {"project": "repo", "local": "local", "global": "global", "system": "system"}
_LOCALLY = "with `--local -o KEY=VALUE`"


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
    level: str = "project",
    force: bool = False,
    check: bool = True,
) -> RemoteAdded:
    """Write a DVC remote into `.dvc/config`, as `dvc remote add` does, or into the configuration of another level.

    `options` are settings of the remote as KEY=VALUE. Unless `check` is off, the remote has to answer and to take a file, and
    nothing is written before. The first remote of a project is its default. Raises MlgitError.
    """
    project = projects.find()
    current, known = settings.remotes(project.dvc_folder)
    if name.lower() in known and not force:
        hint = f"take another name, or replace it: `mlgit remote add --force {name} URL`"
        raise MlgitError(f"a DVC remote is called '{name}' already: {without_secrets(known[name.lower()]['url'])}", hint)
    is_committed = level == "project"
    pairs = [_option(each, is_committed=is_committed) for each in options]
    _refuse_secrets(url)
    is_default = default or not current
    chosen = {"url": url, **dict(pairs)}
    draft = internals.draft_remote(project.dvc_folder, name, chosen, level=LEVELS[level], default=is_default)
    store = open_store(project.dvc_folder, Cache(settings.load(project.dvc_folder)), name.lower(), draft=draft)
    try:
        with store.trial() if check else nullcontext() as writable:
            draft.path.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomic(draft.path, draft.content)
    except RemoteUnreachableError as error:
        raise _not_added(error, name) from error
    shown = settings.remotes(project.dvc_folder)[1][name.lower()]["url"]
    where = f".dvc/{draft.path.name}" if draft.path.parent == project.dvc_folder else str(draft.path)
    return RemoteAdded(name.lower(), shown, where, is_default, is_checked=check, is_writable=writable or None)


def _not_added(error: RemoteUnreachableError, name: str) -> MlgitError:
    """The error of a remote that is in no configuration: what is to be changed there is to be said when it is added again."""
    said = re.sub(rf"`dvc remote modify (--local )?{re.escape(name.lower())} url [^`]*`", "another URL", error.hint)
    said = re.sub(rf"`dvc remote modify (--local )?{re.escape(name.lower())} (\w+) ([^`]+)`", _again, said)
    return MlgitError(f"{error.message}; nothing was written", said.replace("of the remote in .dvc/config.local", _LOCALLY))


def _again(found: re.Match[str]) -> str:
    return f"`{found[1] or ''}-o {found[2]}={found[3]}`"


def _option(text: str, *, is_committed: bool) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise MlgitError(f"'{text}' is not KEY=VALUE", "as in `--option endpointurl=https://storage.example`")
    if is_secret(key) and is_committed:
        raise MlgitError(f"{key} would be committed with .dvc/config", "add `--local`, which writes .dvc/config.local")
    return key, value


def _refuse_secrets(url: str) -> None:
    try:
        parts = urlsplit(url) if "://" in url else None
    except ValueError as error:
        raise MlgitError(
            f"{without_secrets(url)}: no URL: {error}", "write SCHEME://HOST/PATH, or the path of a folder"
        ) from error
    if parts and (parts.password is not None or (parts.username and parts.scheme.lower() not in ("ssh", "sftp", "hdfs"))):
        hint = "leave it out of the URL: `--local -o user=NAME -o password=VALUE`"
        raise MlgitError("the URL holds a user or a password, which would be committed", hint)
    if parts and parts.query and parts.scheme.lower() in ("http", "https", "azure"):
        raise MlgitError("what stands behind `?` in the URL may be a secret, which would be committed", "leave it out")


def list_remotes(*, check: bool = False) -> RemoteList:
    """The DVC remotes that are configured here; with `check` each is asked."""
    project = projects.find()
    default, known = settings.remotes(project.dvc_folder)
    ask = [partial(_listed, project, name, known[name]["url"], name == default, check) for name in known]
    if not check or len(ask) < 2:
        return RemoteList(tuple(each() for each in ask))
    with ThreadPoolExecutor(max_workers=len(ask)) as pool:  # at the same time: several may be silent
        asked = [pool.submit(copy_context().run, each) for each in ask]
    return RemoteList(tuple(each.result() for each in asked))


def _listed(project: Project, name: str, url: str, is_default: bool, check: bool) -> ListedRemote:
    shown = without_secrets(Address(name, url).url)
    if not check:
        return ListedRemote(name, shown, is_default)
    try:
        open_store(project.dvc_folder, Cache(settings.load(project.dvc_folder)), name).found([NOBODYS])
    except MlgitError as error:
        return ListedRemote(name, shown, is_default, error.message, error.hint)
    return ListedRemote(name, shown, is_default, "")
