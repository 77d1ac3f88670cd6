"""Which files the paths of windows name: files, folders and patterns, in the workspace or as DVC recorded them."""

from __future__ import annotations

import fnmatch
import glob
import os
import posixpath
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlgit.errors import MlgitError
from mlgit.revision import data_files, fetching, recorded_paths
from mlgit.revision.revision import Revision
from mlgit.tables import formats

_MAGIC = re.compile(r"[*?\[]")
_PARTITION = re.compile(r"[^=/]+=[^=/]*")
# What Hive writes for a missing value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_MOST_FILES = 200_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file with rows: where it lies, what it is called, and the columns that its folders tell (`day=2026-05-03`)."""

    place: str
    name: str
    partition: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """What one path names, or one match of a pattern: a file, or the files of a folder."""

    name: str
    files: tuple[SourceFile, ...]


def of_project(workspace: Revision, paths: Sequence[str]) -> tuple[SourceFiles, ...]:
    """What the paths of mlgit.yaml name. What DVC recorded and is not here is fetched into its cache.

    Raises MlgitError for a path out of the project, one that names nothing, and for data that cannot be had.
    """
    return tuple(source for path in paths for source in _named(workspace, path))


def of_command_line(path: str) -> tuple[SourceFiles, ...]:
    """What a path that somebody typed names, wherever it is. Raises MlgitError where that is nothing."""
    base = path if os.path.exists(path) or not _MAGIC.search(path) else ""
    if base and not os.path.exists(base):
        raise _no_such(path)
    matches = [base] if base else sorted(each for each in glob.iglob(path, recursive=True))
    groups = _groups((each for match in matches for each in _walked(match)), matches)
    found = [
        _source(name, [(each, each) for each in files if _is_table(each, alone=each == path)]) for name, files in groups.items()
    ]
    return _refuse_nothing(found, path)


def _walked(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path] if os.path.exists(path) else []
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)


def _groups(files: Iterable[str], matches: Iterable[str]) -> dict[str, list[str]]:
    """Files by the shortest match that is one of them, or a folder above."""
    names = {each.rstrip("/") for each in matches}
    found: dict[str, list[str]] = {}
    for file in dict.fromkeys(files):
        above = [file[:end] for end, char in enumerate(file) if char == "/"]
        name = next((each for each in (*above, file) if each in names), "")
        if name:
            found.setdefault(name, []).append(file)
    return found


def _named(workspace: Revision, path: str) -> tuple[SourceFiles, ...]:
    given, path = path, posixpath.normpath(path)
    if not (recorded_paths.is_inside(given) and recorded_paths.is_inside(path)):
        raise MlgitError(
            f"{given}: not in the project", "name a path below its folder, or type `mlgit monitor run --current PATH`"
        )
    has_magic = bool(_MAGIC.search(path)) and not workspace.has(path)
    base = _fixed(path) if has_magic else path
    _bring(workspace, base or ".")
    if not has_magic and not _is_there(workspace, path):
        raise _no_such(path)
    listed = _below(workspace, base)
    if len(listed) > _MOST_FILES:
        raise MlgitError(f"{path}: more than {_MOST_FILES} files", "name the folder with those of one model")
    groups = _groups(listed, _matches(listed, path)) if has_magic else {path: listed}
    found = []
    for name, files in groups.items():
        _refuse_links(workspace, files)
        tables = [each for each in files if _is_table(each, alone=each == path)]
        found.append(_source(name, [(_place(workspace, each), each) for each in tables]))
    return _refuse_nothing(found, path)


def _is_there(workspace: Revision, path: str) -> bool:
    return workspace.has(path) or any(each == path or each.startswith(f"{path}/") for each in workspace.recorded)


def _no_such(path: str) -> MlgitError:
    return MlgitError(
        f"{path}: no such file or folder", "there is nothing to judge before rows lie there: a server makes its log"
    )


def _refuse_nothing(found: Sequence[SourceFiles], path: str) -> tuple[SourceFiles, ...]:
    kept = tuple(each for each in found if each.files)
    if not kept:
        raise MlgitError(f"{path}: no table there", f"tables end in {formats.LISTED}; `mlgit pull` brings what DVC recorded")
    return kept


def _fixed(pattern: str) -> str:
    """The folders of a pattern before the first part that is one."""
    parts = pattern.split("/")
    first = next(place for place, part in enumerate(parts) if _MAGIC.search(part))
    return "/".join(parts[:first])


def _matches(listed: Iterable[str], pattern: str) -> set[str]:
    """The files, and folders above them, that a pattern names."""
    wanted = tuple(pattern.split("/"))
    every = {file[:end] for file in listed for end, char in enumerate(file) if char == "/"} | set(listed)
    return {each for each in every if _fits(each.split("/"), wanted)}


def _fits(parts: Iterable[str], pattern: tuple[str, ...]) -> bool:
    """As shells have it: `*` stops at a slash, `**` stands for any folders, and neither names what begins with a dot."""
    at = _beyond({0}, pattern)
    for part in parts:
        stays = {each for each in at if each < len(pattern) and pattern[each] == "**" and not part.startswith(".")}
        goes_on = {each + 1 for each in at if each < len(pattern) and pattern[each] != "**" and _fits_part(part, pattern[each])}
        at = _beyond(stays | goes_on, pattern)
    return len(pattern) in at


def _beyond(at: set[int], pattern: tuple[str, ...]) -> set[int]:
    """The same places, and those behind a `**`, which may stand for no folder."""
    found = set(at)
    for place, part in enumerate(pattern):
        if place in found and part == "**":
            found.add(place + 1)
    return found


def _fits_part(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))


def _bring(workspace: Revision, base: str) -> None:
    """Fetch what DVC recorded at a path, below or above it, and does not lie here."""
    recorded = workspace.recorded.keys() - workspace.uncached
    near = (each for each in recorded if not base or f"{each}/".startswith(f"{base}/") or f"{base}/".startswith(f"{each}/"))
    lacking = sorted(each for each in near if not workspace.has(each))
    why = fetching.fetch(workspace, lacking) if lacking else ""
    if why:
        raise MlgitError(f"{lacking[0]}: recorded by DVC, and not here: {why}", "`mlgit pull` or `mlgit run` brings it")


def _below(workspace: Revision, base: str) -> list[str]:
    if base:
        return sorted(workspace.contents.files(base))
    root = workspace.project.root
    found = {os.path.relpath(each, root) for each in _walked(str(root))}
    return sorted(found | {each for known in workspace.recorded for each in workspace.contents.files(known)})


def _refuse_links(workspace: Revision, names: Sequence[str]) -> None:
    """A folder is looked at once, and a file where it is a link: there may be thousands."""
    root = workspace.project.root
    looked_at = dict.fromkeys(posixpath.dirname(each) or "." for each in names)
    looked_at |= dict.fromkeys(each for each in names if os.path.islink(root / each))
    if link := data_files.astray(workspace.project, looked_at):
        raise MlgitError(
            f"{link}: a symbolic link out of the repository, which mlgit does not follow", "put a file in the place of the link"
        )


def _is_table(name: str, *, alone: bool) -> bool:
    """Whether a file is read. Raises MlgitError for data that cannot be, and for a file that was named and is no table."""
    if posixpath.basename(name).startswith(".") and not alone:
        return False
    if formats.of(name) is None and (alone or formats.is_unread(name)):
        raise MlgitError(f"{name}: no table: it ends in none of {formats.LISTED}", "write it in one of these formats")
    return formats.of(name) is not None


def _place(workspace: Revision, name: str) -> str:
    try:
        place = workspace.contents.place(name)
    except MlgitError as error:
        raise MlgitError(error.message, "`mlgit pull` or `mlgit run` brings it") from error
    if place is None:
        raise MlgitError(f"{name}: no such file", "`mlgit pull` brings what DVC recorded, `mlgit run` what a stage makes")
    return place


def of_files(name: str, files: Iterable[tuple[str, str]]) -> SourceFiles:
    """What one path names, as files with what they are called. Raises MlgitError where none is a table."""
    found = [each for each in files if _is_table(each[1], alone=each[1] == name)]
    return _refuse_nothing([_source(name, found)], name)[0]


def _source(name: str, files: Iterable[tuple[str, str]]) -> SourceFiles:
    return SourceFiles(name, tuple(SourceFile(place, called, _partition(called)) for place, called in files))


def _partition(name: str) -> dict[str, str | None]:
    """The columns that the folders of a file tell, as Hive writes them."""
    parts = [part.partition("=") for part in name.split("/")[:-1] if _PARTITION.fullmatch(part)]
    return {key: None if value == _NO_VALUE else urllib.parse.unquote(value) for key, _, value in parts}
