"""Somebody else's repository: asked for its refs, and one commit of it fetched and read, without trust in either.

Nothing is checked out, so no filter, hook, link or submodule comes into play; every call of Git has a time limit and
limits on what it may write and keep in memory, and only plain protocols are spoken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git
from mlgit.adapters.system import files, process
from mlgit.adapters.system.process import Bounds, Completed
from mlgit.errors import MlgitError

# What one call of Git may take: a pack as large as a repository of templates with their history may well be.
NETWORK = Bounds(seconds=120, file_size=256 << 20)
# A listing: ten thousand files, with long names. A tree that holds another one twice, and that one twice, comes to it at once.
LISTING = Bounds(seconds=10, file_size=2 << 20)

PROTOCOLS = ("https", "http", "ssh", "file", "git")

# Settings of a user that have no place here: hooks, maintenance, and threads, each with memory of its own.
_SETTINGS = (
    *("-c", "core.hooksPath=/dev/null", "-c", "maintenance.auto=false", "-c", "gc.auto=0", "-c", "fetch.unpackLimit=1"),
    *("-c", "fetch.recurseSubmodules=false", "-c", "pack.threads=1", "-c", "core.bigFileThreshold=16m"),
    *("-c", "fetch.writeCommitGraph=false", "-c", "transfer.bundleURI=false"),
)

# What a server says that gives no commit by its id, or only the whole history.
_REFUSES_IDS = ("not our ref", "unadvertised object", "does not support shallow", "dumb http")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A repository somewhere else: its URL as it may be shown, and the user and password that open it, '' for none."""

    url: str
    login: str = field(default="", repr=False)


class TreeEntry(NamedTuple):
    """What a tree holds under a path: Git's mode and kind, the object's id, and a blob's size in bytes."""

    mode: str
    kind: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """One commit of somebody else's repository, in a repository of its own."""

    root: Path
    commit: str
    url: str

    def entries(self, folder: str, *paths: str) -> list[tuple[str, TreeEntry]]:
        """What stands in a folder of the commit ('' for its top): path from there -> entry, a path for each time it is there.

        With `paths` only these and all below them, folders too. Raises MlgitError where there is no such folder.
        """
        args = ["-l", "-z", *(("-r", "-t") if paths else ()), f"{self.commit}:{folder}", *(("--", *paths) if paths else ())]
        try:
            done = _bounded(self.root, ["ls-tree", *args], LISTING)
        except process.OutOfBoundsError as error:
            raise MlgitError(
                f"{self.url}: too many files below '{folder or '.'}'", "a template holds some hundred files"
            ) from error
        if done.code:
            raise MlgitError(f"{self.url}: no folder '{folder}' in commit {self.commit[:10]}")
        rows = (row.split("\t", 1) for row in done.text.split("\0") if row)
        return [(path, _entry(head)) for head, path in rows]

    def read(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs by id."""
        return {oid: content for oid, (_, content) in git.read_objects(self.root, oids).items()}


def _entry(head: str) -> TreeEntry:
    mode, kind, oid, size = head.split()
    return TreeEntry(mode, kind, oid, int(size) if size.isdigit() else 0)


def refs(foreign: Foreign, *patterns: str) -> dict[str, str]:
    """The refs of the repository that match the patterns, as `git ls-remote` says it: name -> commit, a tag's being peeled.

    Raises MlgitError when it cannot be reached.
    """
    with files.temporary_folder("refs") as folder:
        done = _ask(foreign, folder, ["ls-remote", "--quiet", "--", foreign.url, *patterns])
    if done.code:
        raise _unreachable(foreign, done)
    rows = (row.partition("\t") for row in done.text.splitlines())
    plain: dict[str, str] = {}
    peeled: dict[str, str] = {}
    for oid, _, ref in rows:
        if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", oid):
            (peeled if ref.endswith("^{}") else plain)[ref.removesuffix("^{}")] = oid
    return plain | peeled


@contextmanager
def fetched(foreign: Foreign, commit: str, *, ref: str = "") -> Iterator[Fetched]:
    """A commit (its full id) of a repository, read for as long as the block runs; `ref` is where it was last seen.

    Raises MlgitError when it cannot be reached, does not have the commit, or sends more than a template can be.
    """
    with files.temporary_folder("fetch") as folder:
        kind = "sha256" if len(commit) == 64 else "sha1"
        git.run(folder, "init", "--bare", "--quiet", "--template=", f"--object-format={kind}")
        done = _fetch(foreign, folder, "--depth=1", commit)
        if done.code and any(said in done.stderr.decode(errors="replace") for said in _REFUSES_IDS):
            done = _fetch(foreign, folder, "--depth=1", ref) if ref else done
            if done.code or _kind(folder, commit) == "":
                done = _fetch(foreign, folder, "+refs/*:refs/*")
        found = _kind(folder, commit)
        if done.code and not found:
            raise _unreachable(foreign, done)
        if not found:
            raise MlgitError(f"{foreign.url}: commit {commit} is not there, or no longer", "name a tag or branch that is")
        if found != "commit":
            raise MlgitError(f"{foreign.url}: {ref or commit} is a {found}, no commit")
        yield Fetched(folder, commit, foreign.url)


def _kind(root: Path, oid: str) -> str:
    return git.run(root, "cat-file", "-t", oid, check=False).text.strip()


def _fetch(foreign: Foreign, folder: Path, *what: str) -> Completed:
    options = [each for each in what if each.startswith("--")]
    specs = [each for each in what if not each.startswith("--")]
    plain = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance"]
    return _ask(foreign, folder, ["fetch", *plain, *options, "--", foreign.url, *specs])


def _ask(foreign: Foreign, folder: Path, args: list[str]) -> Completed:
    most = NETWORK.file_size
    oversized = MlgitError(f"{foreign.url}: sends more than {most >> 20} MiB, more than templates take")
    try:
        done = _bounded(folder, args, NETWORK, env=_access(foreign, folder))
    except process.OutOfBoundsError as error:
        if "took" not in error.message:
            raise oversized from error
        hint = "is the address right, and does the host answer? Try again, or clone it and give the folder"
        raise MlgitError(f"{foreign.url}: no answer within {NETWORK.seconds:g} s", hint) from error
    # what Git unpacks with is ended by the bound without a word
    if done.code and any(path.stat().st_size >= most for path in folder.rglob("tmp_pack_*")):
        raise oversized
    return done


def _bounded(folder: Path, args: list[str], bounds: Bounds, *, env: Mapping[str, str] | None = None) -> Completed:
    allowed = {"GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS), "GIT_NO_LAZY_FETCH": "1"}
    whole = {**git.environment(), **allowed, **(env or {})}
    return process.run_bounded(["git", *_SETTINGS, *args], cwd=folder, env=whole, bounds=bounds)


def _access(foreign: Foreign, folder: Path) -> dict[str, str]:
    """Variables that let Git in, and ask nobody: a login goes by a setting, not by the command line, which others may see."""
    env = git.environment()
    found: dict[str, str] = {}
    if foreign.login and foreign.url.startswith("http"):
        scheme, _, rest = foreign.url.partition("://")
        number = int(env.get("GIT_CONFIG_COUNT") or 0)
        found = {
            "GIT_CONFIG_COUNT": str(number + 1),
            f"GIT_CONFIG_KEY_{number}": f"url.{scheme}://{foreign.login}@{rest}.insteadOf",
            f"GIT_CONFIG_VALUE_{number}": foreign.url,
        }
    if not {"GIT_SSH_COMMAND", "GIT_SSH"} & env.keys():
        own = git.run(folder, "config", "core.sshCommand", check=False).text.strip()
        found["GIT_SSH_COMMAND"] = own or "ssh -o BatchMode=yes"
    return found


def _unreachable(foreign: Foreign, done: Completed) -> MlgitError:
    lines = done.stderr.decode(errors="replace").splitlines()
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or [
        line for line in lines if line.strip()
    ]
    said = (told[0] if told else f"git ended with code {done.code}")[:500]
    if foreign.login:
        said = said.replace(foreign.login, "***").replace(foreign.login.partition(":")[2] or foreign.login, "***")
    return MlgitError(
        f"{foreign.url}: cannot be fetched: {said}",
        f"does `git ls-remote {foreign.url}` work? Templates that come with mlgit and folders need no network, and a project "
        "that was made from this template goes on without it",
    )
