"""Where a template comes from: mlgit itself, a folder, or a Git repository at a tag, branch or commit.

`minimal`, `./our-template`, `https://host/org/templates.git@v1.2.0#templates/churn`. A repository is fetched into a
temporary folder and its files are read as objects, never checked out; what is found is pinned to a full commit id.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from mlgit.adapters.git import foreign
from mlgit.adapters.git.foreign import PROTOCOLS, Fetched, Foreign, TreeEntry
from mlgit.adapters.system import files
from mlgit.errors import MlgitError, near_miss
from mlgit.scaffold import library, manifest
from mlgit.scaffold.library import PARTS, Stored
from mlgit.scaffold.limits import check_sizes
from mlgit.scaffold.manifest import Template
from mlgit.scaffold.state import BUILTIN

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>/.*)?", re.DOTALL)
# user@host:path, where Git takes a colon before the first slash for ssh
_SCP = re.compile(r"(?P<authority>(?:[^/@:]+@)?(?:\[[^\]/]+\]|[^/@:\[]+)):(?P<path>.+)", re.DOTALL)
_TRANSPORT = re.compile(r"[A-Za-z0-9+.-]+::")
# What Git takes for the name of a ref, but for patterns and for what asks it a question.
_REF = re.compile(r"(?!-)(?!.*(?:\.\.|@\{|//|/$|\.$))[^\s~^:?*\[\\\x00-\x20\x7f]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_INNER_AT = re.compile(r"(?<=[^/:])@")
_NUMBER = "(0|[1-9][0-9]{0,8})"
_VERSION = re.compile(rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")

_EXAMPLE = "for example https://host/org/template.git@v1.2.0"


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """Where a template comes from: `where` is its name, the folder's path, or a URL without password.

    `ref` is the tag, branch or commit, `subfolder` the template's folder in the repository, `commit` what is pinned.
    `login` is what a URL said before the host's name: used to fetch, never stored nor shown.
    """

    kind: Literal["builtin", "folder", "url"]
    where: str
    ref: str = ""
    subfolder: str = ""
    commit: str = ""
    login: str = field(default="", repr=False, compare=False)

    @property
    def name(self) -> str:
        """The source without its ref."""
        return BUILTIN if self.kind == "builtin" else str(replace(self, ref=""))

    def __str__(self) -> str:
        """What `-t` takes, and `parse` reads."""
        return self.where + (f"@{self.ref}" if self.ref else "") + (f"#{self.subfolder}" if self.subfolder else "")


class TemplateVersion(NamedTuple):
    """A version of a template: the tag that names it and the tag's commit; '' for a template that is in no repository."""

    tag: str
    commit: str


class LoadedTemplate(NamedTuple):
    """A template and its source, in which `ref` and `commit` are what was found there."""

    template: Template
    source: TemplateSource


def parse(text: str) -> TemplateSource:
    """What `-t` was given: a name, a folder (with a slash) or a Git URL. Raises MlgitError for what is none of these."""
    if text.startswith("-") or any(ord(char) < 32 or ord(char) == 127 for char in text) or not text:
        raise MlgitError(f"{text!r} is no template", f"a name, a folder or a Git URL; {_EXAMPLE}")
    if _TRANSPORT.match(text):
        raise MlgitError(f"{text}: a program of Git's, which a template's address cannot name", _EXAMPLE)
    url, scp = _URL.fullmatch(text), _SCP.fullmatch(text)
    if url:
        scheme = url["scheme"].lower()
        if scheme not in PROTOCOLS:
            raise MlgitError(f"{scheme}: no protocol that templates come by: {', '.join(PROTOCOLS)}", _EXAMPLE)
        return _address(f"{scheme}://", url["authority"], url["path"] or "", is_web=scheme in ("http", "https"))
    if scp:
        return _address("", scp["authority"], f":{scp['path']}", is_web=False)
    if os.sep in text or text in (".", ".."):
        return TemplateSource("folder", text)
    return TemplateSource("builtin", text)


def _address(start: str, authority: str, path: str, *, is_web: bool) -> TemplateSource:
    login, at, host = authority.rpartition("@")
    user, colon, _ = login.partition(":")
    shown = f"{user}@" if at and not is_web else ""
    path, _, subfolder = path.partition("#")
    place, ref = _ref(path)
    if start:
        place = _INNER_AT.sub("%40", place)  # as a URL may spell it, so that it is not taken for a ref when it is read again
    where = f"{start}{shown}{host}{place}"
    if host.startswith("-") or user.startswith("-") or (not host and start != "file://") or len(place) < 2:
        raise MlgitError(f"{where}: no address of a Git repository", _EXAMPLE)
    if _INNER_AT.search(place):
        raise MlgitError(f"{where}: an @ in the path", f"write it as a URL, in which it is %40: ssh://{shown}{host}/...")
    if "?" in place:
        raise MlgitError(
            f"{where.partition('?')[0]}: an address with a query ('?')", "keep a token in a credential helper of Git's"
        )
    if (path.endswith("@") and not ref) or (ref and not _REF.fullmatch(ref)):
        raise MlgitError(
            f"{where}: {ref!r} names no tag, branch or commit", f"{_EXAMPLE}; an @ in the path itself is written %40"
        )
    if subfolder and any(part in ("", ".", "..", ".git") for part in subfolder.strip("/").split("/")):
        raise MlgitError(f"{where}: '{subfolder}' is no folder of a repository", f"{_EXAMPLE}#templates/churn")
    return TemplateSource("url", where, ref, subfolder.strip("/"), login=login if is_web or colon else "")


def _ref(path: str) -> tuple[str, str]:
    """The path of a repository, and what stands behind its @; one that begins a name (`/@org/x`) belongs to the path."""
    place, found, ref = path.partition(".git@")
    if found:
        return f"{place}.git", ref
    place, at, ref = path.rpartition("@")
    return (path, "") if not at or place[-1:] in ("/", ":", "") else (place, ref)


def versions(source: TemplateSource) -> tuple[TemplateVersion, ...]:
    """The versions that there are, the newest first: tags vX.Y.Z or X.Y.Z; pre-releases (X.Y.Z-rc.1) come last.

    A template of mlgit or in a folder has the one that it is. Raises MlgitError where a repository cannot be asked.
    """
    if source.kind != "url":
        return (TemplateVersion(read(source).template.manifest.version, ""),)
    return _sorted(foreign.refs(_foreign(source), "refs/tags/*"))


def _sorted(found: dict[str, str]) -> tuple[TemplateVersion, ...]:
    names = {ref.removeprefix("refs/tags/"): commit for ref, commit in found.items() if ref.startswith("refs/tags/")}
    known = {name: match for name in names if (match := _VERSION.fullmatch(name))}
    newest = sorted(known, key=lambda name: _precedence(known[name]), reverse=True)
    return tuple(TemplateVersion(name, names[name]) for name in newest)


def _precedence(match: re.Match[str]) -> tuple[object, ...]:
    """The order of semantic versions, in which what has no pre-release goes over everything that has one."""
    numbers = tuple(int(each) for each in match.groups()[:3])
    parts = [(0, int(part), "") if re.fullmatch("[0-9]{1,9}", part) else (1, 0, part) for part in (match[4] or "").split(".")]
    return (not match[4], numbers, parts)


def read(source: TemplateSource) -> LoadedTemplate:
    """The template at a source, and the source pinned to what it is now.

    Without `ref` the newest version is taken, without versions the default branch; a source with `commit` is that commit,
    wherever its ref has moved. Raises MlgitError for a source that is gone and for whatever is at fault in the template.
    """
    if source.kind != "url":
        return LoadedTemplate(library.load(source.where), source)
    pinned, ref = _pinned(source)
    with foreign.fetched(_foreign(pinned), pinned.commit, ref=ref) as repository:
        folder = pinned.subfolder
        above = folder.rpartition("/")[0] if folder else None
        beside = {} if above is None else _parts(repository, f"{above}/{PARTS}".lstrip("/"))
        return LoadedTemplate(library.understand(_stored(repository, folder), beside=beside), pinned)


def _foreign(source: TemplateSource) -> Foreign:
    return Foreign(source.where, source.login)


def _pinned(source: TemplateSource) -> tuple[TemplateSource, str]:
    """The source with its ref and commit, and the full name of the ref; '' for a commit."""
    if source.commit or _COMMIT.fullmatch(source.ref):
        return replace(source, commit=source.commit or source.ref), ""
    if source.ref:
        names = [f"refs/tags/{source.ref}", f"refs/heads/{source.ref}"]
        found = foreign.refs(_foreign(source), *names, f"{names[0]}^{{}}")
        name = next((each for each in names if each in found), "")
        if not name:
            raise _missing(source)
        return replace(source, commit=found[name]), name
    found = foreign.refs(_foreign(source), "HEAD", "refs/tags/*")
    tags = _sorted(found)
    if tags:
        return replace(source, ref=tags[0].tag, commit=tags[0].commit), f"refs/tags/{tags[0].tag}"
    if "HEAD" not in found:
        raise MlgitError(f"{source.where}: no version is tagged there, and no default branch", "name a branch: URL@main")
    return replace(source, commit=found["HEAD"]), "HEAD"


def _missing(source: TemplateSource) -> MlgitError:
    tags = [version.tag for version in versions(source)]
    said = (
        "write a commit id in full"
        if re.fullmatch(r"[0-9a-f]{7,}", source.ref)
        else f"versions: {', '.join(tags[:10]) or 'none'}"
    )
    return MlgitError(f"{source.where}: no tag or branch '{source.ref}'{near_miss(source.ref, tags)}", said)


def _stored(repository: Fetched, folder: str) -> Stored:
    """What a folder of the commit keeps of a template. Raises MlgitError for what no template may hold, before it is read."""
    name = folder.rpartition("/")[2] or re.split(r"[/:]", repository.url.rstrip("/").removesuffix(".git"))[-1]
    found: dict[str, TreeEntry] = {}
    for path, entry in repository.entries(folder, manifest.NAME, manifest.FOLDER):
        if path in found or entry.mode not in ("100644", "100755", "100664", "040000"):
            kind = {"120000": "a symbolic link", "160000": "a submodule"}.get(entry.mode, "more than once in its folder")
            raise MlgitError(f"{name}/{path}: {kind}", "put a regular file in its place")
        found[path] = entry
    blobs = {path: entry for path, entry in found.items() if entry.kind == "blob"}
    if manifest.NAME not in blobs:
        raise MlgitError(f"{repository.url}: no template {f'in {folder}' if folder else 'at its top'}", _others(repository))
    inside = {path: entry for path, entry in blobs.items() if path.startswith(f"{manifest.FOLDER}/")}
    check_sizes({path: entry.size for path, entry in blobs.items()}, name=name)
    contents = repository.read(entry.oid for entry in blobs.values())
    text = files.decode(contents[blobs[manifest.NAME].oid], name=f"{name}/{manifest.NAME}")
    start = len(manifest.FOLDER) + 1
    return Stored(name, text, {path[start:]: contents[entry.oid] for path, entry in sorted(inside.items())})


def _parts(repository: Fetched, place: str) -> dict[str, Callable[[], Stored]]:
    above, _, name = place.rpartition("/")
    if not any(path == name and entry.kind == "tree" for path, entry in repository.entries(above)):
        return {}
    shelf = repository.entries(place)
    return {path: partial(_stored, repository, f"{place}/{path}") for path, entry in shelf if entry.kind == "tree"}


def _others(repository: Fetched) -> str:
    """Where templates are in a repository that has none at the place asked for."""
    try:
        every = repository.entries("", ".")
    except MlgitError:
        return "name the template's folder: URL@v1.2.0#FOLDER"
    places = [path.rpartition("/")[0] for path, _ in every if path.endswith(f"/{manifest.NAME}")]
    if not places:
        return f"a template is a folder with a {manifest.NAME}"
    return "name one of its folders: " + ", ".join(f"#{place}" for place in places[:10])


def recorded(source: TemplateSource, *, project: Path) -> str:
    """How the state file of a project names a source, without ref: a folder that was named from here is named from there."""
    if source.kind != "folder" or source.where.startswith(("/", "~")):
        return source.name
    path = Path(os.path.relpath(os.path.abspath(source.where), os.path.realpath(project))).as_posix()
    return path if path.startswith("..") else f"./{path}"


def remembered(text: str, *, template: str, ref: str, commit: str, project: Path) -> TemplateSource:
    """The source that the state file of a project names, as a path from here; the inverse of `recorded`."""
    if text == BUILTIN:
        return TemplateSource("builtin", template)
    found = parse(text)
    if found.kind == "url":
        return replace(found, ref=ref, commit=commit)
    return TemplateSource("folder", text if text.startswith("~") else os.path.join(project, text))
