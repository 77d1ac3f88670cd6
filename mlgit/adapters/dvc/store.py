"""DVC's cache on disk: objects by md5, the run cache, and links between cache and workspace, laid out as DVC does.

What is restored is checked on the way: an object that is not what its name says is removed, never handed out.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat as stats
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mlgit.adapters.dvc import hashing, ingest
from mlgit.adapters.dvc.links import Links, is_plain, last_of_each, make_executable, unprotect
from mlgit.adapters.dvc.objects import Objects, refuse_changed
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.system import files, fork_pool, stat_signature, state_files
from mlgit.adapters.system.digests import Content, Member
from mlgit.errors import MlgitError

_MANY = 1000
_VERSION = 2


class DamagedObjectError(MlgitError):
    """An object of the cache that was wrong or gone when it was to be restored; it is removed."""


class Cache:
    """The cache of a project. With `memo`, a file, it remembers between commands what it has found in order.

    One that `pulls` brings what it lacks from elsewhere; by md5, `damaged` is what it found there and did not take.
    """

    pulls = False
    damaged: Mapping[str, MlgitError] = MappingProxyType({})

    def __init__(self, settings: Settings, *, memo: Path | None = None) -> None:
        self.root = str(settings.cache_folder)
        umask = files.current_umask()
        self.objects = Objects(f"{self.root}/files/md5", folder_mode=0o2775 if settings.shared else 0o777 & ~umask, strip=umask)
        self.file_mode = 0o664 if settings.shared else 0o666 & ~umask
        plain_mode, spare = 0o666 & ~umask, str(memo.parent) if memo else ""
        self.links = Links(settings.link_types, objects=self.objects, plain_mode=plain_mode, spare=spare)
        self._copies = Links(("copy",), objects=self.objects, plain_mode=plain_mode, spare=spare)
        self._memo_file = memo
        self._memo: dict[str, dict[str, Any]] | None = None
        self._memo_changed = False

    @property
    def _remembered(self) -> dict[str, dict[str, Any]]:
        """`complete`: folder objects with all members, by the state of the store; `sound`: stamps of large objects;
        `linked`: the link types that a folder of the workspace was linked by.
        """
        if self._memo is None:
            self._memo = _load(self._memo_file)
        return self._memo

    def save(self) -> None:
        """Keep what was found in order for the next command, where that can be written: without it only time is lost."""
        if self._memo_file is not None and self._memo_changed:
            with suppress(MlgitError):
                state_files.write(str(self._memo_file), marshal.dumps((_VERSION, self._memo)))
            self._memo_changed = False

    def path(self, md5: str) -> str:
        """Where the object with this md5 lies, or would lie."""
        return self.objects.path(md5)

    def lying(self, md5: str) -> str:
        """Where the object lies: where DVC 2 had it, when it is there alone."""
        path, old = self.path(md5), f"{self.root}/{md5[:2]}/{md5[2:]}"
        return old if not os.path.exists(path) and os.path.exists(old) else path

    def folders(self) -> list[str]:
        """The folders that hold objects."""
        return self.objects.folders()

    def has(self, md5: str) -> bool:
        """Whether the object is there and is what its name says; a corrupt one is removed."""
        return self.objects.has(md5)

    def has_all(self, md5: str) -> bool:
        """Whether an object is there; for a folder also every file of it."""
        if not md5.endswith(".dir"):
            return self.has(md5)
        if not self.has(md5):
            return False
        state = self._state()
        if state is not None and self._remembered["complete"].get(md5) == state:
            return True
        members = self.members(md5)
        if members is None or self.objects.missing(member.md5 for member in members):
            return False
        self._remember_complete(md5, len(members))
        return True

    def _remember_complete(self, md5: str, members: int) -> None:
        state = self._state() if members >= _MANY else None
        if state is not None:
            self._remembered["complete"][md5] = state
            self._memo_changed = True

    def _state(self) -> bytes | None:
        """A digest that changes whenever an object comes or goes; None while that cannot be told by times."""
        if self._memo_file is None:
            return None
        now = time.time_ns()
        seen = [stat_signature.of(f"{self.objects.folder}/{number:02x}") for number in range(256)]
        if any(each is not None and stat_signature.is_racy(each, now) for each in seen):
            return None
        return hashlib.md5(marshal.dumps(seen), usedforsecurity=False).digest()

    def members(self, md5: str) -> list[Member] | None:
        """The files of a cached folder, or None when its object is missing or broken; a broken one is removed."""
        try:
            content = self.objects.listing(md5)
        except (OSError, ValueError):
            return None
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
            self.objects.drop(md5)
            return None
        try:
            return hashing.parse_listing(content)
        except ValueError:
            return None

    def add_file(self, source: str, md5: str) -> None:
        """Place a file's bytes under its md5, unless they are there.

        Raises MlgitError when the file does not have this md5 any more.
        """
        if self.has(md5):
            return
        taken, _ = ingest.take(source, self.objects)
        if taken.hex() != md5:
            raise refuse_changed(source)

    def add_folder(
        self, source: str, members: list[Member], content: Content, *, listing: bytes | None = None, placed: bool = False
    ) -> set[str]:
        """Place every file of a folder that is not there yet, then the list of them (`listing`, if it is at hand).

        `placed`: the files have all been placed by this process. Returns the md5s of the files that were not there.

        Raises MlgitError when the folder is no longer what `content` says.
        """
        listing = listing or hashing.listing(members)
        if hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir" != content.md5:
            raise refuse_changed(source)
        missing = set() if placed else set(self.objects.missing(member.md5 for member in members))
        left = set(missing)
        for path, md5 in members if missing else ():
            if md5 in left:
                self.add_file(f"{source}/{path}", md5)
                left.discard(md5)
        self.objects.place(listing, content.md5)
        self._remember_complete(content.md5, len(members))
        return missing

    @property
    def on_the_way(self) -> Objects | None:
        """Where files are placed while they are hashed; None where it has to be known which ones are new to the cache."""
        return None if self.links.links_what_is_new else self.objects

    def checkout(self, content: Content, target: str, *, as_copy: bool = False) -> None:
        """Make a path hold the cached content, linked as the configuration says; what lay there is replaced.

        `as_copy` is for what Git tracks: a link into the cache would be committed, or could not be written to.
        Raises DamagedObjectError, with the path half made, when an object is not what its name says, and MlgitError,
        with nothing touched, where none of the configured links is possible.
        """
        links = self._copies if as_copy else self.links
        links.refuse_impossible(target)
        files.remove(Path(target))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not content.md5.endswith(".dir"):
            self._restore([(target, content.md5)], links)
            if content.isexec:
                make_executable(target)
            return
        members = self.members(content.md5)
        if members is None:
            raise _damaged([content.md5])
        os.mkdir(target)
        for folder in sorted({os.path.dirname(member.path) for member in members}):
            os.makedirs(f"{target}/{folder}", exist_ok=True)
        self._restore([(f"{target}/{member.path}", member.md5) for member in members], links)

    def _restore(self, rows: list[tuple[str, str]], links: Links) -> None:
        pieces = _pieces(rows)
        answers = fork_pool.spread(len(pieces), lambda number: self._restore_each(pieces[number], links))
        damaged = [md5 for bad, _ in answers for md5 in bad]
        for _, sound in answers:
            self._remember_sound(sound)
        if damaged:
            raise _damaged(damaged)

    def _restore_each(
        self, rows: list[tuple[str, str]], links: Links
    ) -> tuple[list[str], list[tuple[str, tuple[int, int, int]]]]:
        damaged: list[str] = []
        sound: list[tuple[str, tuple[int, int, int]]] = []
        for path, md5 in rows:
            try:
                sound += self._link(md5, path, links)
            except DamagedObjectError:
                damaged.append(md5)
                self.objects.drop(md5)
        return damaged, sound

    def _link(self, md5: str, target: str, links: Links, *, shown: str = "") -> list[tuple[str, tuple[int, int, int]]]:
        """Make `target` hold the object; which large objects were found sound on the way.

        Raises DamagedObjectError when it is not what its name says, and MlgitError where it cannot be linked.
        """
        source, folder = self.path(md5), os.path.dirname(shown or target)
        for kind in links.types:
            if kind == "copy":
                if not ingest.copy_checked(source, target, md5):
                    raise _damaged([md5])
                return []
            if links.is_possible(kind, folder):
                size, sound = self._check(md5, source)
                if links.make(kind, source, target, size=size):
                    return sound
        raise links.impossible(shown or target)

    def _check(self, md5: str, path: str) -> tuple[int, list[tuple[str, tuple[int, int, int]]]]:
        """The size of an object whose bytes are right, and its stamp if it is so large that it is worth keeping."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise _damaged([md5]) from error
        try:
            found = os.fstat(descriptor)
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            is_large = found.st_size > ingest.LARGE
            if is_large and self._remembered["sound"].get(md5) == stamp:
                return found.st_size, []
            if is_large:
                digest = ingest.hash_rest(descriptor)
            else:
                digest = hashlib.md5(os.read(descriptor, found.st_size + 1), usedforsecurity=False)
        finally:
            os.close(descriptor)
        if digest.hexdigest() != md5:
            raise _damaged([md5])
        return found.st_size, [(md5, stamp)] if is_large else []

    def _remember_sound(self, rows: Iterable[tuple[str, tuple[int, int, int]]]) -> None:
        for md5, stamp in rows:
            self._remembered["sound"][md5] = stamp
            self._memo_changed = True

    def relink(
        self,
        content: Content,
        members: list[Member],
        target: str,
        *,
        linked: Collection[str] | None = None,
        new: Collection[str] = (),
        restored: bool = False,
        as_copy: bool = False,
    ) -> bool:
        """After storing: make the workspace's files what DVC makes of them; whether anything was replaced.

        Of a folder's files, `linked` are those that are links or have several names, if that is known, and `new` the md5s
        that the cache did not have. `restored`: the folder was found as it was to be restored, so all are to be as
        restoring them would leave them.
        """
        links = self._copies if as_copy else self.links
        if not content.md5.endswith(".dir"):
            return self._relink_file(content, target, links)
        taken = self._taken(target, members, new) if links.links_what_is_new else set()
        if links.leaves_copies and linked is not None and not restored:
            suspects = taken.union(linked)
            members = [member for member in members if member.path in suspects] if suspects else []
        pieces = _pieces([(f"{target}/{path}", md5) for path, md5 in members])
        forced = {f"{target}/{path}" for path in taken}

        def work(number: int) -> bool:
            return self._relink_each(pieces[number], links, forced=forced, restored=restored)

        changed = any(fork_pool.spread(len(pieces), work))
        self._remember_linked(target)
        return changed

    def is_linked(self, target: str) -> bool:
        """Whether a folder was linked as it is configured now, when it was stored last."""
        return bool(self._remembered["linked"].get(target) == self.links.types)

    def _remember_linked(self, target: str) -> None:
        if not self.is_linked(target):
            self._remembered["linked"][target] = self.links.types
            self._memo_changed = True

    def _taken(self, target: str, members: list[Member], new: Collection[str]) -> set[str]:
        """Those of a folder's files that DVC would have made the objects of the cache."""
        if not new or self.links.can_clone(target) or not self.links.is_possible("hardlink", target):
            return set()
        return last_of_each(target, {member.path: member.md5 for member in members if member.md5 in set(new)})

    def _relink_file(self, content: Content, path: str, links: Links) -> bool:
        # DVC puts a fresh file in place of a single one, which loses all bits but those of the umask and the owner's x,
        # or, where copies come first, gives it the mode that files of the cache have before they are protected.
        owner = stats.S_IEXEC if content.isexec else 0
        if links.types[:1] == ("copy",) and is_plain(path):
            if stats.S_IMODE(os.stat(path).st_mode) == self.file_mode | owner:
                return False
            with suppress(PermissionError):  # another user's file: it is replaced
                os.chmod(path, self.file_mode | owner)
                return True
        if links.is_right(path, self.path(content.md5), mode=links.plain_mode | owner):
            return False
        self._replace(path, content.md5, links, is_exec=content.isexec)
        return True

    def _relink_each(self, rows: list[tuple[str, str]], links: Links, *, forced: Collection[str], restored: bool) -> bool:
        wrong = [
            (path, md5)
            for path, md5 in rows
            if (restored or path in forced or links.is_to_relink(path, self.path(md5)))
            and not links.is_right(path, self.path(md5))
        ]
        for path, md5 in wrong:
            self._replace(path, md5, links, is_exec=False)
        return bool(wrong)

    def _replace(self, path: str, md5: str, links: Links, *, is_exec: bool) -> None:
        temporary = self.objects.temporary(links.place_beside(os.path.dirname(path)))
        try:
            self._link(md5, temporary, links, shown=path)
            if is_exec:
                make_executable(temporary)
            os.replace(temporary, path)
        finally:
            with suppress(FileNotFoundError):  # it stays when both are names of one file: the move does nothing then
                os.unlink(temporary)

    def unprotect(self, target: str) -> None:
        """Make a path that stays (`persist`) writable again: no link into the cache, no read-only mode."""
        unprotect(target, mode=self.file_mode, objects=self.objects)

    def newest_run(self, key: str) -> Path | None:
        """The file of the newest result that the run cache has for a key, or None."""
        folder = f"{self.root}/runs/{key[:2]}/{key}"
        try:
            names = [name for name in os.listdir(folder) if not name.endswith(".tmp")]
            newest = max(names, key=lambda name: os.path.getmtime(f"{folder}/{name}"), default=None)
            return None if newest is None else Path(folder, newest)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def runs(self) -> Iterator[bytes]:
        """What every file of the run cache says; one that cannot be read is left out."""
        for folder, _, names in os.walk(f"{self.root}/runs"):
            for name in names:
                with suppress(OSError):
                    yield Path(folder, name).read_bytes()

    def has_run(self, key: str, value: str) -> bool:
        """Whether the run cache has this very result."""
        return os.path.exists(f"{self.root}/runs/{key[:2]}/{key}/{value}")

    def add_run(self, key: str, value: str, text: str) -> None:
        """File a result in the run cache."""
        self.objects.write(f"{self.root}/runs/{key[:2]}/{key}/{value}", text.encode(), self.file_mode)


def _damaged(md5s: list[str]) -> DamagedObjectError:
    more = f" and {len(md5s) - 1} more" if len(md5s) > 1 else ""
    return DamagedObjectError(
        f"object {md5s[0]}{more} of the cache was damaged or gone", "`mlgit doctor --deep` looks for others"
    )


def _pieces(rows: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Rows in parts for several processes; one part for few."""
    size = max(1, len(rows)) if len(rows) < _MANY else max(64, -(-len(rows) // fork_pool.MOST_PARTS))
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def _load(file: Path | None) -> dict[str, dict[str, Any]]:
    empty: dict[str, dict[str, Any]] = {"complete": {}, "sound": {}, "linked": {}}
    note = state_files.read(str(file)) if file else None
    version, memo = marshal.loads(note) if note else (_VERSION, empty)  # noqa: S302 - sealed
    return memo if version == _VERSION else empty
