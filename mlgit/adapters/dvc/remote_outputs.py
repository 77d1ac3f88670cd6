"""Outputs that were made on other machines: known by their digest, and brought in when they are needed or at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.dvc import hashing, remote
from mlgit.adapters.dvc.cloud_store import NOBODYS
from mlgit.adapters.dvc.hashing import Content, Fingerprints
from mlgit.adapters.dvc.ingest import Tick
from mlgit.adapters.dvc.objects import Objects
from mlgit.adapters.dvc.remote import DamagedRemoteError, Remote, RemoteUnreachableError, Routes
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.system import files
from mlgit.errors import MlgitError


@dataclass(frozen=True, slots=True)
class RemoteOutputs:
    """What a run on other machines works on instead of cache and workspace alone."""

    remote: Remote
    cache: RemoteCache
    awaited: Awaited


def connect(
    root: Path, configured: Settings, cache: Cache, *, ignored: Callable[[str, bool], bool] | None, routes: Routes = ((), {})
) -> RemoteOutputs:
    """The project's remotes, and cache and workspace as they are together with them.

    Raises MlgitError when the project has no default remote, and for outputs that name one that is not configured.
    """
    remote.configured(root / ".dvc")
    there = remote.connect(root / ".dvc", cache, routes=routes)
    assert there is not None
    there.refuse_unconfigured()
    awaited = Awaited(root, root / ".dvc/tmp/mlgit", cache=cache, remote=there, ignored=ignored)
    return RemoteOutputs(there, RemoteCache(configured, there), awaited)


class RemoteCache(Cache):
    """A cache that looks in the remotes for what it does not have.

    A remote that could not be asked has lost nothing: that is raised, and kept in `troubles` by its name, unless what is
    missing may be computed anew (`may_compute`). It is not asked again. `notes` are what the user should know of objects
    that did not come. With `runs` it looks for results of stages there, too.
    """

    def __init__(self, settings: Settings, remote: Remote, *, may_compute: bool = False, runs: bool = False) -> None:
        super().__init__(settings)
        self._remote = remote
        self.pulls = runs
        self.may_compute = may_compute
        self.troubles: dict[str, RemoteUnreachableError] = {}
        self.notes: dict[str, None] = {}
        self.damaged: dict[str, MlgitError] = {}

    def probe(self) -> None:
        """Raise RemoteUnreachableError where a remote does not answer, unless what is missing may be computed."""
        self.has_all(NOBODYS)

    def refuse(self, what: str) -> None:
        """Raise MlgitError for what could not be fetched, unless it may be computed anew; then it is noted."""
        if not self.may_compute:
            raise MlgitError(what, "`dvc pull` says more; or compute it: --compute-if-unreachable")
        self.notes[f"{what}; it is computed"] = None

    def has_all(self, md5: str) -> bool:
        """Whether an object is there, or was in the remote and now is; for a folder also every file of it.

        Raises RemoteUnreachableError.
        """
        if super().has_all(md5):
            return True
        self._ask(lambda: self._remote.fetch([md5], without=self.troubles), of=md5)
        return super().has_all(md5)

    def newest_run(self, key: str) -> Path | None:
        """The newest result for a key; those of the remote are brought here first, and are newer than those that were here.

        Raises RemoteUnreachableError.
        """
        if self.pulls:
            self._ask(lambda: self._bring_runs(key))
        return super().newest_run(key)

    def _bring_runs(self, key: str) -> None:
        for name, text in self._remote.runs(key, without=self.troubles).items():
            if not self.has_run(key, name):
                self.add_run(key, name, text.decode(errors="replace"))

    def _ask(self, what: Callable[[], None], *, of: str = "") -> None:
        """Ask the remotes. Raises RemoteUnreachableError where one does not answer and nothing may be computed anew."""
        if self.may_compute or not self.troubles:
            try:
                what()
            except DamagedRemoteError as error:
                self.damaged[of] = error
                self.notes[f"{error.message}; {error.hint}"] = None
            except RemoteUnreachableError as error:
                self.troubles[error.remote] = error
                if self.may_compute:
                    self.notes[f"{error.message}; what is missing is computed"] = None
        if self.troubles and not self.may_compute:
            raise next(iter(self.troubles.values()))


class Awaited(Fingerprints):
    """Digests of what lies in the workspace, and of outputs that are still elsewhere."""

    def __init__(
        self, root: Path, folder: Path, *, cache: Cache, remote: Remote, ignored: Callable[[str, bool], bool] | None
    ) -> None:
        super().__init__(root, folder, ignored=ignored)
        self._cache = cache
        self._remote = remote
        self._awaited: dict[str, Content] = {}
        self._above: dict[str, int] = {}

    def expect(self, path: str, content: Content, contents: Mapping[str, tuple[bytes, bool]] | None = None) -> None:
        """An output was made elsewhere. It is in the remote, unless its files (path in it -> bytes, executable) came along."""
        if contents is not None:
            self._place(path, content, contents)
            return
        if path not in self._awaited:
            for folder in _folders_above(path):
                self._above[folder] = self._above.get(folder, 0) + 1
        self._awaited[path] = content
        os.makedirs(os.path.dirname(f"{self.root}/{path}"), exist_ok=True)

    def digest(self, path: str, *, into: Objects | None = None, tick: Tick | None = None) -> Content | None:
        """The content of a path; a path that is part of an awaited output, or holds one, is brought in first."""
        if path in self._awaited:
            return self._awaited[path]
        if self._awaited:
            self.need(path)
        return super().digest(path, into=into, tick=tick)

    def need(self, path: str) -> None:
        """See that a path lies in the workspace as it is known."""
        if path in self._awaited:
            self.bring([path])
        elif path in self._above:
            self.bring([each for each in self._awaited if each.startswith(f"{path}/")])
        else:
            self.bring([each for each in _folders_above(path) if each in self._awaited])

    def bring(self, paths: Iterable[str] | None = None) -> None:
        """Fetch awaited outputs (default: all) and put them into the workspace.

        Raises MlgitError for one that the remote does not have.
        """
        wanted = {path: self._awaited[path] for path in (list(self._awaited) if paths is None else paths)}
        if not wanted:
            return
        missing = remote.bring(self._remote, self._cache, wanted.values())
        for path, content in wanted.items():
            if content in missing:
                raise MlgitError(
                    f"output '{path}' was made on a worker, and is not in the DVC remote", "see the remote, and run again"
                )
            self._cache.checkout(content, f"{self.root}/{path}")
            self._arrived(path)
            if content.nfiles is None:
                self.remember(path, content)

    def _arrived(self, path: str) -> None:
        del self._awaited[path]
        for folder in _folders_above(path):
            self._above[folder] -= 1
            if not self._above[folder]:
                del self._above[folder]

    def _place(self, path: str, content: Content, contents: Mapping[str, tuple[bytes, bool]]) -> None:
        target = Path(self.root, path)
        files.remove(target)
        for name, (each, isexec) in contents.items():
            full = target / name if name else target
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_bytes(each)
            if isexec:
                full.chmod(full.stat().st_mode | 0o100)
        if content.nfiles == 0:
            target.mkdir()

    def objects(self, path: str) -> dict[str, bytes]:
        """The bytes of a file, or of a folder's files and their list, by md5."""
        content = self.digest(path)
        if content is None:
            return {}
        self.need(path)
        full = Path(self.root, path)
        if content.nfiles is None:
            return {content.md5: files.read_bytes(full, name=path)}
        names = sorted(os.path.relpath(os.path.join(at, name), full) for at, _, names in os.walk(full) for name in names)
        found = {name: files.read_bytes(full / name) for name in names}
        members = [hashing.Member(name, hashing.file_md5(str(full / name))) for name in names]
        return {content.md5: hashing.listing(members), **{member.md5: found[member.path] for member in members}}


def _folders_above(path: str) -> list[str]:
    return [path[:end] for end, char in enumerate(path) if char == "/"]
