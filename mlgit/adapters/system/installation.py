"""How the running mlgit was installed: from where (PEP 610), and into what kind of environment."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlgit import __version__

_PUBLISHED = f"mlgit=={__version__}"
# The extras of mlgit, and the packages that each brings.
EXTRAS = {
    "dask": ("distributed",),
    "data": ("duckdb",),
    "mlflow": ("mlflow-skinny",),
    "serve": ("fastapi", "uvicorn[standard]", "orjson", "prometheus-client"),
    "sql": ("sqlalchemy",),
    "tpe": ("optuna",),
}
# What they are imported by, where that is another name; httptools and uvloop are what uvicorn's `standard` brings.
_IMPORTED = {
    "uvicorn[standard]": ("uvicorn", "httptools", "uvloop"),
    "prometheus-client": ("prometheus_client",),
    "mlflow-skinny": ("mlflow",),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """What brings this mlgit elsewhere, and the path it came from where that is on this machine only."""

    requirement: str
    local: str = ""


def source() -> Origin:
    """Where this mlgit came from, as a line of a requirements file that another machine can use.

    A wheel, checkout or address that only this machine or this user can read is told as `local`; the line is then that of
    the published version.
    """
    return source_of(_record())


def source_of(record: Any) -> Origin:
    """What a `direct_url.json` says; nothing or something unknown means the published version."""
    address = record.get("url") if isinstance(record, dict) else None
    if not isinstance(address, str):
        return Origin(_PUBLISHED)
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Origin(_PUBLISHED, local=unquote(parts.path))
    # what may be a secret of the one who installed it does not go into a file that others read
    if parts.password is not None or parts.query or (parts.username and parts.scheme != "ssh"):
        return Origin(_PUBLISHED, local=f"{parts.scheme}://{parts.hostname or ''}{parts.path}")
    below = f"#subdirectory={record['subdirectory']}" if isinstance(record.get("subdirectory"), str) else ""
    version_control = record.get("vcs_info")
    if isinstance(version_control, dict):
        kind, commit = version_control.get("vcs"), version_control.get("commit_id")
        return Origin(f"mlgit @ {kind}+{address}@{commit}{below}") if kind and commit else Origin(_PUBLISHED)
    archive = record.get("archive_info")
    hashes = archive.get("hashes") if isinstance(archive, dict) else None
    digest = f"#sha256={hashes['sha256']}" if isinstance(hashes, dict) and "sha256" in hashes else ""
    return Origin(f"mlgit @ {address}{digest or below}") if parts.scheme == "https" else Origin(_PUBLISHED, local=address)


def _record() -> Any:
    """The `direct_url.json` of the distribution that this package belongs to; None for one out of an index."""
    from importlib import metadata  # with what reads e-mail: a tenth of the time that most commands take

    package = Path(__file__).resolve().parents[2]
    try:
        distribution = metadata.distribution("mlgit")
        found = json.loads(distribution.read_text("direct_url.json") or "null")
        packages = Path(str(distribution.locate_file("mlgit"))).resolve()
    except (metadata.PackageNotFoundError, OSError, ValueError):
        found, packages = None, None
    address = found.get("url", "") if isinstance(found, dict) else ""
    checkout = unquote(urlsplit(address).path) if address.startswith("file:") else ""
    if packages == package or (checkout and package.parent == Path(checkout).resolve()):
        return found
    # not the installed one, but a checkout on the path
    return {"url": package.parent.as_uri()} if (package.parent / "pyproject.toml").is_file() else None


@cache
def is_tool() -> bool:
    """Whether this Python is an environment that uv or pipx made for one program: nobody's project."""
    prefix = Path(sys.prefix)
    if any((prefix / name).is_file() for name in ("uv-receipt.toml", "pipx_metadata.json")):
        return True
    # `uvx` keeps its environments in uv's cache, which is marked as one
    return prefix.parent.name.startswith(("archive-v", "environments-v")) and (prefix.parents[1] / "CACHEDIR.TAG").is_file()


def is_active() -> bool:
    """Whether the environment of this Python is the one that is activated."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX") or ""
    return bool(active) and os.path.realpath(active) == os.path.realpath(sys.prefix)


def adding(package: str) -> str:
    """The command that installs a package beside this mlgit, where it can import it."""
    prefix = Path(sys.prefix)
    if (prefix / "uv-receipt.toml").is_file():
        return f"uv tool install --with {shlex.quote(package)} mlgit"
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx inject mlgit {shlex.quote(package)}"
    return f"pip install {shlex.quote(package)}"


def lacks(extra: str) -> bool:
    """Whether this mlgit was installed without an extra of its own."""
    modules = [module for package in EXTRAS[extra] for module in _IMPORTED.get(package, (package,))]
    return any(importlib.util.find_spec(each) is None for each in modules)


def version_of(package: str) -> str:
    """The version of an installed package, '' where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def adding_extra(extra: str, *, prefix: Path | None = None) -> str:
    """The command that brings an extra of mlgit to this mlgit, from where that came from and with what lies beside it.

    `prefix` is the environment that it lives in, without it that of this Python.
    """
    prefix = prefix or Path(sys.prefix)
    if (prefix / "uv-receipt.toml").is_file():
        # what is not named anew, `uv tool install` takes away
        receipt = _receipt(prefix)
        own = sorted({extra, *(each for name, extras, _ in receipt if name == "mlgit" for each in extras)})
        beside = [
            word for name, extras, wanted in receipt if name != "mlgit" for word in ("--with", _line(name, extras) + wanted)
        ]
        return shlex.join(["uv", "tool", "install", *beside, _line("mlgit", own) + _place(source())])
    if (prefix / "pipx_metadata.json").is_file():
        return shlex.join(["pipx", "inject", "mlgit", *EXTRAS[extra]])
    # pip and uv leave an mlgit alone that is there, wherever it came from, and install what the extra needs
    return f"{_installer()} {shlex.quote(_line('mlgit', [extra]))}"


def _line(name: str, extras: Sequence[str]) -> str:
    return f"{name}[{','.join(extras)}]" if extras else name


def _place(origin: Origin) -> str:
    """Where mlgit came from, as the end of a requirement; of a published one no version, which would be kept for ever."""
    if origin.local:
        return f" @ {Path(origin.local).as_uri() if origin.local.startswith('/') else origin.local}"
    _, at, address = origin.requirement.partition(" @ ")
    return at + address


def _receipt(prefix: Path) -> list[tuple[str, list[str], str]]:
    """Name, extras and range of each package that `uv tool install` was asked for; nothing where that cannot be read."""
    import tomllib

    try:
        found = tomllib.loads((prefix / "uv-receipt.toml").read_text(encoding="utf-8"))["tool"]["requirements"]
        return [(str(each["name"]), list(each.get("extras", [])), str(each.get("specifier", ""))) for each in found]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _installer() -> str:
    """What installs into the environment of this Python, whichever is active."""
    own = os.path.join(sys.prefix, "bin")
    pip = shutil.which("pip")
    if pip is not None and os.path.realpath(os.path.dirname(pip)) == os.path.realpath(own):
        return "pip install"
    if importlib.util.find_spec("pip") is not None:
        return f"{shlex.quote(sys.executable)} -m pip install"
    if shutil.which("uv") is not None:
        return "uv pip install" if is_active() else f"uv pip install --python {shlex.quote(sys.executable)}"
    return "pip install"
