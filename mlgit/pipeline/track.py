"""Data put under DVC's care: hashed, placed in the cache, named by a `.dvc` file and ignored by Git, as `dvc add` does.

Everything that can be refused is refused before anything is touched; `.dvc` files and ignore lines are written last,
all of them or none.
"""

from __future__ import annotations

import functools
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.dvc import gitignore, internals, state_db
from mlgit.adapters.dvc.hashing import Content, Fingerprints, Fresh, Member
from mlgit.adapters.dvc.links import NoLinkError
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.formats import documents
from mlgit.adapters.git import git
from mlgit.adapters.system import files, fork_pool, fsync, locks
from mlgit.errors import MlgitError
from mlgit.pipeline import dvc_file
from mlgit.pipeline.graph import Graph
from mlgit.pipeline.model import Digest

_WAIT_FOR_DVC = 30.0
Watcher = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Tracked:
    """A path that is tracked now, and the `.dvc` file that says so (both from the root); `written` are files changed.

    `unlinked`: why the path stays as it was, although the configuration asks for links into the cache.
    """

    path: str
    file: str
    digest: Digest
    written: tuple[str, ...] = ()
    unlinked: MlgitError | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A path to track: its `.dvc` file, and that file's text when there is one."""

    path: str
    file: str
    text: str | None
    by_dvc: bool = False


class Tracker:
    """Tracks paths of one project. `watch` is told how far the work on a path has come (0 to 1).

    `written` are the files changed so far.
    """

    def __init__(
        self,
        root: Path,
        *,
        graph: Graph,
        fingerprints: Fingerprints,
        cache: Cache,
        busy: locks.BusyPaths,
        ignored: Callable[[str, bool], bool] | None = None,
        site_cache: str = "",
        without_git: bool = False,
        watch: Watcher | None = None,
    ) -> None:
        self._root = root
        self._graph = graph
        self._fingerprints = fingerprints
        self._cache = cache
        self._busy = busy
        self._ignored = ignored
        self._site_cache = site_cache
        self._watch = watch
        self._without_git = without_git
        self._unlinked: dict[str, MlgitError] = {}
        self._telling: list[Callable[[], None]] = []
        self.written: set[str] = set()

    def add(self, targets: Sequence[str]) -> list[Tracked]:
        """Track paths given from the root.

        Raises MlgitError for a path that cannot be tracked, before anything is touched, and for what goes wrong later,
        with every `.dvc` and .gitignore file as it was.
        """
        self._fingerprints.listener = None if self._cache.links.are_links else self._tell
        wanted = [self._check(target) for target in dict.fromkeys(targets)]
        _refuse_nested(wanted)
        if not self._without_git:
            self._refuse_git(wanted)
        with self._announced(wanted):
            borrowed = self._add_by_dvc([each for each in wanted if each.by_dvc])
            own = [each for each in wanted if not each.by_dvc]
            digests = [self._store(each) for each in own]
            made = self._write(own, digests)
        found = {each.path: each for each in (*borrowed, *made)}
        self.written.update(file for each in found.values() for file in each.written)
        return [found[each.path] for each in wanted]

    def close(self) -> None:
        """Keep what was learnt about files for the next command."""
        self._fingerprints.save()
        self._cache.save()
        state_db.save(self._root, self._fingerprints.fresh, site_cache=self._site_cache)
        for wait in self._telling:
            wait()

    def _tell(self, fresh: list[Fresh]) -> bool:
        """Tell DVC of many files while the work goes on."""
        if not state_db.is_much(fresh):
            return False
        self._telling.append(fork_pool.beside(lambda: state_db.save(self._root, fresh, site_cache=self._site_cache)))
        return True

    def _check(self, target: str) -> _Wanted:
        dvc_file.refuse_name(target)
        full = f"{self._root}/{target}"
        if not os.path.lexists(full):
            raise MlgitError(f"'{target}' does not exist", "check the spelling; a path is seen from the current folder")
        if not os.path.exists(full):
            raise MlgitError(f"'{target}' is a link to nothing", "make what it points to, or remove it")
        self._refuse_place(target, full)
        if self._ignored and self._ignored(full, os.path.isdir(full)):
            raise MlgitError(f"'{target}' is left out by .dvcignore", "change .dvcignore, or add another path")
        found = dvc_file.owner(self._graph, target)
        if found is None:
            file = f"{target}.dvc"
            return _Wanted(target, file, None, by_dvc=os.path.lexists(f"{self._root}/{file}"))
        stage, out = found
        text = files.read_text(self._root / stage.file, name=stage.file)
        simple = out.target == target and dvc_file.is_simple(documents.parse_yaml(text, name=stage.file))
        return _Wanted(target, stage.file, text, by_dvc=not simple)

    def _refuse_place(self, target: str, full: str) -> None:
        parts = target.split("/")
        for end in range(1, len(parts)):
            folder = f"{self._root}/{'/'.join(parts[:end])}"
            if os.path.islink(folder):
                raise MlgitError(
                    f"'{target}' lies behind a link, '{'/'.join(parts[:end])}'", "DVC tracks no files in linked folders"
                )
            if os.path.isdir(f"{folder}/.dvc"):
                raise MlgitError(f"'{target}' lies in another project", f"`cd {'/'.join(parts[:end])}` and add it there")
        if os.path.isdir(full) and os.path.islink(full):
            raise MlgitError(f"'{target}' is a link to a folder", "DVC tracks no linked folders: add the folder itself")
        if os.path.isdir(f"{full}/.dvc"):
            raise MlgitError(f"'{target}' is a project of its own", f"`cd {target}` and add its data there")

    def _refuse_git(self, wanted: list[_Wanted]) -> None:
        gitignore.refuse_tracked(self._root, [each.path for each in wanted])
        new = [each.file for each in wanted if each.text is None]
        hidden = git.ignored(self._root, new) if new else set()
        if hidden:
            name = min(hidden)
            raise MlgitError(f"'{name}' would be ignored by Git, so nobody else would see it", "change .gitignore")

    @contextmanager
    def _announced(self, wanted: list[_Wanted]) -> Iterator[None]:
        """The paths stand in DVC's table of busy paths while they are worked on."""
        if any(each.by_dvc for each in wanted):
            yield
            return
        paths = [f"{self._root}/{each.path}" for each in wanted]
        self._busy.change(enter=[("add", (), paths)])
        try:
            yield
        finally:
            self._busy.change(leave=["add"])

    def _add_by_dvc(self, wanted: list[_Wanted]) -> list[Tracked]:
        if not wanted:
            return []
        before = {each.file: _read(self._root / each.file) for each in wanted}
        internals.add(self._root, [f"{self._root}/{each.path}" for each in wanted])
        found = []
        for each in wanted:
            now = _read(self._root / each.file) or b""
            row = documents.parse_yaml(now.decode(), name=each.file)["outs"][0]
            digest = Digest(row.get("md5", ""), row.get("size", 0), row.get("nfiles"), bool(row.get("isexec")))
            found.append(Tracked(each.path, each.file, digest, (each.file,) if now != before[each.file] else ()))
        return found

    def _store(self, wanted: _Wanted) -> Digest:
        path = wanted.path
        full = f"{self._root}/{path}"
        tick = functools.partial(self._watch, path) if self._watch else None
        content = self._fingerprints.digest(path, into=self._cache.on_the_way, tick=tick)
        if content is None:
            raise MlgitError(f"'{path}' vanished while it was added", "run the command again")
        if content.nfiles is None:
            self._cache.add_file(full, content.md5)
            if self._relink(path, content, [], set()):
                self._fingerprints.remember(path, content)
        elif not (self._fingerprints.is_kept(path) and self._cache.is_linked(full) and self._cache.has_all(content.md5)):
            self._store_folder(path, full, content)
        return Digest(*content)

    def _relink(self, path: str, content: Content, members: list[Member], new: set[str]) -> bool:
        """Link a path to the cache; whether anything was replaced. As with `dvc add`, it stays as it is where none can be."""
        if self._cache.links.are_links:
            # Nothing is taken from the workspace before the cache has it on the disk: it may be the only copy.
            fsync.settle(self._cache.root)
        linked = self._fingerprints.linked.get(path)
        try:
            return self._cache.relink(content, members, f"{self._root}/{path}", linked=linked, new=new)
        except NoLinkError as error:
            self._unlinked[path] = error
            return False

    def _store_folder(self, path: str, full: str, content: Content) -> None:
        members = self._fingerprints.members(path)
        new = self._cache.add_folder(
            full, members, content, listing=self._fingerprints.listing(path), placed=self._fingerprints.is_placed(path)
        )
        if self._relink(path, content, members, new):
            self._fingerprints.renew(path)

    def _write(self, wanted: list[_Wanted], digests: list[Digest]) -> list[Tracked]:
        texts = {each.file: _text(each, digest) for each, digest in zip(wanted, digests, strict=True)}
        texts = {file: text for file, text in texts.items() if _read(self._root / file) != text.encode()}
        missing = self._unignored([each.path for each in wanted])
        for each in wanted:
            if each.path in missing:
                file = posixpath.join(posixpath.dirname(each.path), ".gitignore")
                texts[file] = _with_line(texts.get(file) or gitignore.read(self._root / file), gitignore.line_for(each.path))
        if texts:
            fsync.settle(self._cache.root)
            with locks.held(self._root / ".dvc/tmp/lock", timeout=_WAIT_FOR_DVC, busy="a DVC command is at work here"):
                self._write_all(texts)
            fsync.settle(str(self._root))
        return [
            Tracked(
                each.path,
                each.file,
                digest,
                tuple(file for file in _files_of(each.path, each.file) if file in texts),
                self._unlinked.get(each.path),
            )
            for each, digest in zip(wanted, digests, strict=True)
        ]

    def _unignored(self, paths: list[str]) -> list[str]:
        """Which paths Git does not ignore yet."""
        missing = [] if self._without_git else gitignore.without_line(self._root, paths)
        if not missing:
            return []
        with gitignore.Rules(self._root) as rules:
            hidden, unsure = rules.settled(missing)
            return [path for path in missing if path not in hidden and not (path in unsure and rules.ignores(path))]

    def _write_all(self, texts: dict[str, str]) -> None:
        before: dict[Path, bytes | None] = {}
        try:
            for file, text in texts.items():
                path = self._root / file
                before[path] = _read(path)
                files.write_atomic(path, text.encode("utf-8", "surrogateescape"), durable=True)
        except BaseException:
            for path, content in before.items():
                if content is None:
                    path.unlink(missing_ok=True)
                elif _read(path) != content:
                    files.write_atomic(path, content)
            raise


def _files_of(path: str, file: str) -> tuple[str, str]:
    return file, posixpath.join(posixpath.dirname(path), ".gitignore")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _with_line(text: str, line: str) -> str:
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"


def _text(wanted: _Wanted, digest: Digest) -> str:
    """What the `.dvc` file has to say: an existing one keeps its comments and whatever people added."""
    name = posixpath.basename(wanted.path)
    if wanted.text is None:
        return dvc_file.text(name, digest) or internals.dumps({"outs": [dvc_file.row(name, digest)]})
    document = documents.parse_yaml(wanted.text, name=wanted.file)
    new = dvc_file.renewed(document, digest)
    if new == document:
        return wanted.text
    old = document["outs"][0]
    before = Digest(old["md5"], old.get("size", 0), old.get("nfiles"), bool(old.get("isexec")))
    plain = dvc_file.text(old["path"], digest)
    if plain is not None and dvc_file.text(old["path"], before) == wanted.text:
        return plain
    return internals.renew(wanted.text, new)


def _refuse_nested(wanted: list[_Wanted]) -> None:
    paths = {each.path for each in wanted}
    for path in paths:
        above = next((path[:end] for end, char in enumerate(path) if char == "/" and path[:end] in paths), None)
        if above:
            raise MlgitError(f"'{path}' lies inside '{above}', which is to be added too", f"add '{above}' alone")
