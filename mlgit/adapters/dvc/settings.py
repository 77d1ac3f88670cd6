"""DVC's configuration, as far as mlgit itself needs it: where the cache is and how the workspace is linked to it.

The files and their order are DVC's: system, user, `.dvc/config`, `.dvc/config.local`; the later wins.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from mlgit.adapters.system import files
from mlgit.errors import MlgitError

LINK_TYPES = ("reflink", "hardlink", "symlink", "copy")


class Settings(NamedTuple):
    """What a project's DVC configuration says; `cache_folder` is absolute."""

    cache_folder: Path
    link_types: tuple[str, ...] = ("reflink", "copy")
    shared: bool = False
    parsing: Mapping[str, str] = MappingProxyType({})
    versioned_remotes: bool = False
    autostage: bool = False
    no_scm: bool = False
    site_cache: str = ""


def load(dvc_folder: Path) -> Settings:
    """The settings of the project whose `.dvc` is given.

    Raises MlgitError for a cache type that DVC does not have.
    """
    sections: dict[str, dict[str, str]] = {}
    cache_folder = dvc_folder / "cache"
    for path, own in _levels(dvc_folder):
        for section, values in own.items():
            sections.setdefault(section, {}).update(values)
        if "dir" in own.get("cache", {}):
            cache_folder = path.parent / Path(own["cache"]["dir"]).expanduser()
    cache = sections.get("cache", {})
    types = tuple(word.strip() for word in cache.get("type", "reflink,copy").split(","))
    for word in types:
        if word not in LINK_TYPES:
            raise MlgitError(f".dvc/config: cache.type: '{word}' is not one of {', '.join(LINK_TYPES)}")
    remotes = [values for section, values in sections.items() if section.startswith("remote ")]
    return Settings(
        cache_folder=Path(os.path.normpath(cache_folder)),
        link_types=types,
        shared=_is_shared(cache),
        parsing=sections.get("parsing", {}),
        autostage=_flag(sections, "core", "autostage") and not _flag(sections, "core", "no_scm"),
        no_scm=_flag(sections, "core", "no_scm"),
        site_cache=sections.get("core", {}).get("site_cache_dir", ""),
        versioned_remotes=any(values.get(key) == "true" for values in remotes for key in ("version_aware", "worktree")),
    )


def _flag(sections: Mapping[str, Mapping[str, str]], section: str, key: str) -> bool:
    text = sections.get(section, {}).get(key, "false").lower()
    if text not in ("true", "false"):
        raise MlgitError(f".dvc/config: {section}.{key}: '{text}' is neither true nor false")
    return text == "true"


def _is_shared(cache: Mapping[str, str]) -> bool:
    text = cache.get("shared", "")
    if "shared" in cache and text.lower() != "group":
        raise MlgitError(f".dvc/config: cache.shared: '{text}' is not 'group', the only way to share there is")
    return "shared" in cache


def _levels(dvc_folder: Path, draft: tuple[Path, bytes] | None = None) -> Iterator[tuple[Path, dict[str, dict[str, str]]]]:
    for path in (*_outside_files(), dvc_folder / "config", dvc_folder / "config.local"):
        name = f".dvc/{path.name}" if path.parent == dvc_folder else str(path)
        if draft and path == draft[0]:
            yield path, parse(draft[1].decode(), name=name)
        elif path.is_file():
            yield path, parse(files.read_text(path, name=name), name=name)


def default_remote(dvc_folder: Path) -> tuple[str, dict[str, str]] | None:
    """The name and options of the remote that `dvc push` uses, or None; a URL that is a path is made absolute."""
    name, found = remotes(dvc_folder)
    return (name, found[name]) if name in found else None


def remotes(dvc_folder: Path, *, draft: tuple[Path, bytes] | None = None) -> tuple[str, dict[str, dict[str, str]]]:
    """The name of the default remote ('': none), and the options of all that have a URL, by name; names are in lower case.

    A URL that is a path is absolute; one that leads on from another remote (`remote://NAME/PATH`) has what that one has.
    A `draft` is a file of them and what is to be in it.
    """
    name = ""
    found: dict[str, dict[str, str]] = {}
    for path, own in _levels(dvc_folder, draft):
        name = own.get("core", {}).get("remote", name)
        for section, values in own.items():
            if "url" in values and "://" not in values["url"]:
                values["url"] = os.path.normpath(path.parent / Path(values["url"]).expanduser())
            if section.startswith("remote "):
                found.setdefault(_unquoted(section.removeprefix("remote ").strip()), {}).update(values)
    return name.lower(), {each: _resolved(found, each) for each, options in found.items() if options.get("url")}


def _resolved(found: Mapping[str, dict[str, str]], name: str, seen: tuple[str, ...] = ()) -> dict[str, str]:
    """The options of a remote, with those of the one that its URL leads on from."""
    options = found[name]
    scheme, _, rest = options["url"].partition("://")
    base, _, path = rest.partition("/")
    if scheme != "remote" or base.lower() in seen or not found.get(base.lower(), {}).get("url"):
        return options
    under = _resolved(found, base.lower(), (*seen, name))
    return {**under, **options, "url": f"{under['url'].rstrip('/')}/{path}"}


def files_of(dvc_folder: Path) -> list[Path]:
    """The files that are there of those that the settings come from."""
    return [path for path in (*_outside_files(), dvc_folder / "config", dvc_folder / "config.local") if path.is_file()]


def _outside_files() -> list[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        system, user = Path("/Library/Application Support/dvc"), home / "Library/Application Support/dvc"
    else:
        system = Path(os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")[0]) / "dvc"
        user = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "dvc"
    chosen = (os.environ.get("DVC_SYSTEM_CONFIG_DIR") or system, os.environ.get("DVC_GLOBAL_CONFIG_DIR") or user)
    return [Path(folder) / "config" for folder in chosen]


def parse(text: str, *, name: str) -> dict[str, dict[str, str]]:
    """Sections of a DVC configuration file: `[core]`, `['remote "name"']`; keys are in lower case, values without quotes.

    Raises MlgitError, with the file's name and the line, for what is neither a section nor a setting.
    """
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for number, row in enumerate(map(str.strip, text.splitlines()), 1):
        if not row or row[0] in "#;":
            continue
        header = _SECTION.fullmatch(row)
        if header:
            section = _unquoted(header[1].strip()).lower()
            if section in sections:  # DVC reads no such file
                raise MlgitError(f"{name}: line {number}: [{section}] stands there twice", "make one section of the two")
            current = sections.setdefault(section, {})
        else:
            key, equals, value = row.partition("=")
            if not equals or not key.strip() or row[0] == "[":
                raise MlgitError(f"{name}: line {number}: neither [section] nor key = value: '{row}'", "correct the line")
            found = _VALUE.fullmatch(value.strip())
            current[key.strip().lower()] = _unquoted((found[1] if found else value).strip())
    return sections


_SECTION = re.compile(r"\[(.*)\]\s*(?:#.*)?")
# A value is quoted as a whole or ends where a comment begins, as configobj has it.
_VALUE = re.compile(r"""("[^"]*"|'[^']*'|[^#"']*)\s*(?:#.*)?""")


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
