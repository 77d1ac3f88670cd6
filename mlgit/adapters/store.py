"""DVC's cache on disk: objects by md5, the run cache, and links between cache and workspace, laid out as DVC does.

What is restored is checked on the way: an object that is not what its name says is removed, never handed out.
"""

from __future__ import annotations

import errno
import hashlib
import marshal
import os
import stat as stats
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlgit.adapters import files, forks, hashing, intake, notes, stamps
from mlgit.adapters.digests import Content, Member
from mlgit.adapters.objects import Objects, refuse_changed
from mlgit.adapters.settings import Settings
from mlgit.errors import MlgitError

_NOT_THIS_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP)
_MANY = 1000
_VERSION = 1


class DamagedObjectError(MlgitError):
    """An object of the cache that was wrong or gone when it was to be restored; it is removed."""


class Cache:
    """The cache of a project. With `memo`, a file, it remembers between commands what it has found in order."""

    def __init__(self, settings: Settings, *, memo: Path | None = None) -> None:
        self.root = str(settings.cache_folder)
        umask = files.current_umask()
        self.objects = Objects(f"{self.root}/files/md5", folder_mode=0o2775 if settings.shared else 0o777 & ~umask, strip=umask)
        self.file_mode = 0o664 if settings.shared else 0o666 & ~umask
        self._types = settings.link_types
        self._memo_file = memo
        self._memo: dict[str, dict[str, Any]] | None = None
        self._memo_changed = False

    @property
    def _remembered(self) -> dict[str, dict[str, Any]]:
        """`complete`: folder objects with all members, by the state of the store; `sound`: stamps of large objects."""
        if self._memo is None:
            self._memo = _load(self._memo_file)
        return self._memo

    def save(self) -> None:
        """Keep what was found in order for the next command, where that can be written: without it only time is lost."""
        if self._memo_file is not None and self._memo_changed:
            with suppress(MlgitError):
                notes.write(str(self._memo_file), marshal.dumps((_VERSION, self._memo)))
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
        seen = [stamps.of(f"{self.objects.folder}/{number:02x}") for number in range(256)]
        if any(each is not None and stamps.is_racy(each, now) for each in seen):
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
        taken, _ = intake.take(source, self.objects)
        if taken.hex() != md5:
            raise refuse_changed(source)

    def add_folder(
        self, source: str, members: list[Member], content: Content, *, listing: bytes | None = None, placed: bool = False
    ) -> None:
        """Place every file of a folder that is not there yet, then the list of them (`listing`, if it is at hand).

        `placed`: the files have all been placed by this process.

        Raises MlgitError when the folder is no longer what `content` says.
        """
        listing = listing or hashing.listing(members)
        if hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir" != content.md5:
            raise refuse_changed(source)
        missing = set() if placed else set(self.objects.missing(member.md5 for member in members))
        for path, md5 in members if missing else ():
            if md5 in missing:
                self.add_file(f"{source}/{path}", md5)
                missing.discard(md5)
        self.objects.place(listing, content.md5)
        self._remember_complete(content.md5, len(members))

    def checkout(self, content: Content, target: str, *, as_copy: bool = False) -> None:
        """Make a path hold the cached content, linked as the configuration says; what lay there is replaced.

        `as_copy` is for what Git tracks: a link into the cache would be committed, or could not be written to.
        Raises DamagedObjectError, with the path half made, when an object is not what its name says.
        """
        types = ("copy",) if as_copy else self._types
        files.remove(Path(target))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not content.md5.endswith(".dir"):
            self._restore([(target, content.md5)], types)
            if content.isexec:
                os.chmod(target, os.stat(target).st_mode | stats.S_IEXEC)
            return
        members = self.members(content.md5)
        if members is None:
            raise _damaged([content.md5])
        os.mkdir(target)
        for folder in sorted({os.path.dirname(member.path) for member in members}):
            os.makedirs(f"{target}/{folder}", exist_ok=True)
        self._restore([(f"{target}/{member.path}", member.md5) for member in members], types)

    def _restore(self, rows: list[tuple[str, str]], types: Iterable[str]) -> None:
        pieces = _pieces(rows)
        answers = forks.spread(len(pieces), lambda number: self._restore_each(pieces[number], types))
        damaged = [md5 for bad, _ in answers for md5 in bad]
        for _, sound in answers:
            self._remember_sound(sound)
        if damaged:
            raise _damaged(damaged)

    def _restore_each(
        self, rows: list[tuple[str, str]], types: Iterable[str]
    ) -> tuple[list[str], list[tuple[str, tuple[int, int, int]]]]:
        damaged: list[str] = []
        sound: list[tuple[str, tuple[int, int, int]]] = []
        for path, md5 in rows:
            try:
                sound += self._link(md5, path, types)
            except DamagedObjectError:
                damaged.append(md5)
                self.objects.drop(md5)
        return damaged, sound

    def _link(self, md5: str, target: str, types: Iterable[str]) -> list[tuple[str, tuple[int, int, int]]]:
        """Make `target` hold the object; which large objects were found sound on the way.

        Raises DamagedObjectError when it is not what its name says.
        """
        source = self.path(md5)
        sound: list[tuple[str, tuple[int, int, int]]] = []
        for link_type in types:
            if link_type == "copy":
                break
            if link_type == "reflink" and not self.objects.has_reflink:
                continue
            size, sound = self._check(md5, source)
            try:
                if self._link_as(link_type, source, target, size=size):
                    return sound
            except OSError as error:
                if error.errno not in _NOT_THIS_LINK:
                    raise
                if error.errno != errno.EMLINK:  # the file systems cannot: no need to try again
                    self._types = tuple(each for each in self._types if each != link_type)
        if not intake.copy_checked(source, target, md5):
            raise _damaged([md5])
        return sound

    def _link_as(self, link_type: str, source: str, target: str, *, size: int) -> bool:
        if link_type == "symlink":
            os.symlink(source, target)
            return True
        if link_type == "hardlink":
            if size == 0:  # DVC never links empty files: all of them would be one
                os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            else:
                os.link(source, target)
            return True
        with open(source, "rb") as origin, open(target, "xb") as copy:
            if self.objects.clone(origin.fileno(), copy.fileno()):
                return True
        os.unlink(target)
        return False

    def _check(self, md5: str, path: str) -> tuple[int, list[tuple[str, tuple[int, int, int]]]]:
        """The size of an object whose bytes are right, and its stamp if it is so large that it is worth keeping."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise _damaged([md5]) from error
        try:
            found = os.fstat(descriptor)
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            is_large = found.st_size > intake.LARGE
            if is_large and self._remembered["sound"].get(md5) == stamp:
                return found.st_size, []
            if is_large:
                digest = intake.hash_rest(descriptor)
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

    @property
    def has_links(self) -> bool:
        """Whether what is stored is replaced in the workspace by links into the cache."""
        return self._types[:1] in (("hardlink",), ("symlink",))

    def relink(self, content: Content, members: list[Member], target: str, *, linked: Collection[str] | None = None) -> bool:
        """After storing: replace the workspace's copy by the configured kind of link; whether anything was replaced.

        With copies or reflinks there is nothing to do, but for files that are links: `linked`, if that is known.
        """
        if not content.md5.endswith(".dir"):
            if self._is_linked_right(target, content.md5):
                return self.normalize_mode(target, content)
            self._replace(target, content.md5, is_exec=content.isexec)
            return True
        if not self.has_links and linked is not None:
            suspects = set(linked)
            members = [member for member in members if member.path in suspects] if suspects else []
        pieces = _pieces([(f"{target}/{path}", md5) for path, md5 in members])
        return any(forks.spread(len(pieces), lambda number: self._relink_each(pieces[number])))

    def _relink_each(self, rows: list[tuple[str, str]]) -> bool:
        wrong = [(path, md5) for path, md5 in rows if not self._is_linked_right(path, md5)]
        for path, md5 in wrong:
            self._replace(path, md5, is_exec=False)
        return bool(wrong)

    def _replace(self, path: str, md5: str, *, is_exec: bool) -> None:
        temporary = f"{path}.{os.urandom(8).hex()}.tmp"
        try:
            self._link(md5, temporary, self._types)
            if is_exec:
                os.chmod(temporary, os.stat(temporary).st_mode | stats.S_IEXEC)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def normalize_mode(self, path: str, content: Content) -> bool:
        """Give a stored file the mode it has after DVC stores it; whether that changed anything.

        DVC puts a fresh copy in place of a single file, which loses all bits but those of the umask and the owner's x.
        """
        found = os.lstat(path)
        wanted = self.file_mode | (stats.S_IEXEC if content.isexec else 0)
        if stats.S_ISLNK(found.st_mode) or found.st_nlink > 1 or stats.S_IMODE(found.st_mode) == wanted:
            return False
        os.chmod(path, wanted)
        return True

    def _is_linked_right(self, path: str, md5: str) -> bool:
        found = os.lstat(path)
        symlink, hardlink = stats.S_ISLNK(found.st_mode), found.st_nlink > 1
        wanted = self._types[0] if self._types else "copy"
        if wanted == "symlink":
            return symlink and os.readlink(path) == self.path(md5)
        if wanted == "hardlink" and found.st_size > 0:
            return hardlink and not symlink and found.st_ino == os.stat(self.path(md5)).st_ino
        is_plain = not symlink and not hardlink
        return is_plain and (wanted != "hardlink" or stats.S_IMODE(found.st_mode) == self.file_mode)

    def unprotect(self, target: str) -> None:
        """Make a path that stays (`persist`) writable again: no link into the cache, no read-only mode."""
        if not os.path.lexists(target):
            return
        paths = (
            [target]
            if not os.path.isdir(target)
            else [os.path.join(at, name) for at, _, names in os.walk(target) for name in names]
        )
        for path in paths:
            if os.path.islink(path) or os.stat(path).st_nlink > 1:
                temporary = f"{path}.{os.urandom(8).hex()}.tmp"
                import shutil

                shutil.copyfile(path, temporary)
                os.replace(temporary, path)
            os.chmod(path, self.file_mode)

    def newest_run(self, key: str) -> Path | None:
        """The file of the newest result that the run cache has for a key, or None."""
        folder = f"{self.root}/runs/{key[:2]}/{key}"
        try:
            names = [name for name in os.listdir(folder) if not name.endswith(".tmp")]
            newest = max(names, key=lambda name: os.path.getmtime(f"{folder}/{name}"), default=None)
            return None if newest is None else Path(folder, newest)
        except (FileNotFoundError, NotADirectoryError):
            return None

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
    size = max(1, len(rows)) if len(rows) < _MANY else max(64, -(-len(rows) // forks.MOST_PARTS))
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def _load(file: Path | None) -> dict[str, dict[str, Any]]:
    empty: dict[str, dict[str, Any]] = {"complete": {}, "sound": {}}
    note = notes.read(str(file)) if file else None
    version, memo = marshal.loads(note) if note else (_VERSION, empty)  # noqa: S302 - sealed
    return memo if version == _VERSION else empty
