"""Addresses of the scheme `mlgit`: which repository, and which artifacts in it.

`mlgit://` is the repository of the current folder, `mlgit:///srv/shop` that of a folder. Below it, `/+runs/ID`, `/+models/ID`
and `/+registry/NAME/VERSION` are artifacts. They are made when they are asked for, and never stored: a clone has another path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from mlgit.errors import MlgitError

SCHEME = "mlgit"
Kind = Literal["runs", "models", "registry"]
_PLACE = re.compile(r"(?P<root>.*?)/\+(?P<kind>runs|models|registry)/(?P<rest>.*)", re.DOTALL)
_HINT = "write mlgit:// for the repository of the current folder, or mlgit:///path/of/repository"


@dataclass(frozen=True, slots=True)
class ArtifactAddress:
    """Whose artifacts are meant, and the path among them ('' for all). `owner` is a run, a logged model, or a model's name.

    `version` is the registry's, '' for the others. `folder` is the repository.
    """

    folder: str
    kind: Kind
    owner: str
    version: str = ""
    path: str = ""


def folder_of(uri: str | None) -> str:
    """The folder that the address of a store names; '' for the current one.

    Raises MlgitError for what is no such address.
    """
    parts = urlsplit(uri or f"{SCHEME}://")
    if parts.scheme != SCHEME or parts.query or parts.fragment:
        raise MlgitError(f"'{uri}' is not the address of a repository", _HINT)
    if parts.netloc:
        raise MlgitError(f"'{uri}': '{parts.netloc}' would be a host, and a repository is a folder of this machine", _HINT)
    path = unquote(parts.path)
    return "" if path.strip("/") == "" and not path.startswith("//") else path


def of_repository(folder: str) -> str:
    """The address of a repository."""
    return f"{SCHEME}://{quote(folder)}"


def artifacts_of(folder: str, kind: Kind, owner: str, version: str = "") -> str:
    """The address of all artifacts of a run, a logged model, or a version of the registry."""
    return f"{of_repository(folder)}/{artifact_path(kind, owner, version)}"


def artifact_path(kind: Kind, owner: str, version: str = "") -> str:
    """The part of such an address below the repository."""
    return "/".join([f"+{kind}", quote(owner, safe="=@"), *([quote(version, safe="")] if version else [])])


def parse_artifacts(uri: str, path: str | None = None) -> ArtifactAddress:
    """Whose artifacts an address names, with a path below it.

    Raises MlgitError for what is no such address, and for a path that leads out of the artifacts.
    """
    parts = urlsplit(uri)
    found = _PLACE.fullmatch("/".join([parts.path.rstrip("/"), *([path.strip("/")] if path else [])]))
    if parts.scheme != SCHEME or parts.netloc or parts.query or parts.fragment or found is None:
        raise MlgitError(f"'{uri}' names no artifacts", "take the address from `run.info.artifact_uri`")
    kind: Kind = found["kind"]  # type: ignore[assignment]
    owner, _, rest = found["rest"].partition("/")
    version = ""
    if kind == "registry":
        version, _, rest = rest.partition("/")
    return ArtifactAddress(unquote(found["root"]), kind, unquote(owner), unquote(version), inside(rest))


def inside(path: str | None) -> str:
    """A path below the artifacts of one owner, in its shortest form.

    Raises MlgitError for one that leads out of them.
    """
    steps = [step for step in (path or "").split("/") if step not in ("", ".")]
    if ".." in steps or (path or "").startswith("/") or "\0" in (path or "") or "\\" in (path or ""):
        raise MlgitError(f"'{path}' is no path of an artifact", "give one relative to the run, without `..`")
    return "/".join(steps)
