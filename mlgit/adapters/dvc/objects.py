"""DVC's object store on disk: files named by the md5 of their bytes, never seen half-written.

Objects are read-only (mode 0444) once their content is known to match their name; an object with another mode is
checked before it is believed, and removed when it is wrong. What is being written carries a name that says by whom:
`.mlgit-MACHINE-PROCESS-NUMBER.tmp`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
import re
import stat as stats
import sys
import zlib
from collections.abc import Iterable
from contextlib import suppress

from mlgit.adapters.system import files, fork_pool
from mlgit.errors import MlgitError

VERIFIED = 0o444
_FICLONE = 0x40049409  # linux/fs.h
_CHUNK = 1 << 20
_MANY = 4096
_LARGEST_LISTING = 1 << 30  # bytes: twelve million files
_NO_REFLINK = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM}
_TEMPORARY = re.compile(r"\.mlgit-([0-9a-f]{8})-([0-9]+)-[0-9]+\.tmp")


def file_md5(path: str) -> str:
    """The md5 of a file's bytes."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(files.open_regular(path), "rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def machine() -> str:
    """This machine, in the names of temporary files."""
    return f"{zlib.crc32(os.uname().nodename.encode()):08x}"


def writer_of(name: str) -> tuple[str, int] | None:
    """The machine and process that write, or wrote, a temporary file of this name; None for other names."""
    match = _TEMPORARY.fullmatch(name)
    return (match[1], int(match[2])) if match else None


class Objects:
    """The objects in a folder. Folders made get `folder_mode`.

    `present` are those that this process has placed, or has found in order.
    """

    def __init__(self, folder: str, *, folder_mode: int, strip: int) -> None:
        self.folder = folder
        self.present: set[str] = set()
        self.has_reflink = sys.platform == "linux"
        self._folder_mode = folder_mode
        self._strips = bool(strip & VERIFIED)
        self._machine = machine()
        self._number = itertools.count()
        self._known_folders: set[str] = set()
        self._listed: set[str] | None = None

    def path(self, md5: str) -> str:
        """Where the object with this md5 lies, or would lie."""
        return f"{self.folder}/{md5[:2]}/{md5[2:]}"

    def has(self, md5: str) -> bool:
        """Whether the object is there and is what its name says; a corrupt one is removed."""
        path = self.path(md5)
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            return False
        if stats.S_IMODE(mode) & ~stats.S_IXUSR == VERIFIED:  # an output that is executable may be a link to the object
            return True
        if file_md5(path) != md5.removesuffix(".dir"):
            self.drop(md5)
            return False
        with suppress(OSError):  # a checkout that cannot be written to, or another user's object: it is checked again
            os.chmod(path, VERIFIED)
        return True

    def drop(self, md5: str) -> None:
        """Remove an object that is not what its name says."""
        self.present.discard(md5)
        with suppress(OSError):  # what cannot be removed is not believed, all the same
            os.unlink(self.path(md5))

    def listing(self, md5: str) -> bytes:
        """The bytes of a folder's object. Raises OSError where it cannot be read, ValueError where it is none by its size."""
        with open(os.open(self.path(md5), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            found = os.fstat(stream.fileno())
            if not stats.S_ISREG(found.st_mode) or found.st_size > _LARGEST_LISTING:
                raise ValueError("not the list of a folder's files")
            return stream.read()

    def missing(self, md5s: Iterable[str]) -> list[str]:
        """Which of the objects are not there, by stat; many are looked for by several processes."""
        wanted = [md5 for md5 in dict.fromkeys(md5s) if md5 not in self.present]
        size = max(_MANY, -(-len(wanted) // fork_pool.MOST_PARTS))
        pieces = [wanted[at : at + size] for at in range(0, len(wanted), size)]
        lost = [md5 for found in fork_pool.spread(len(pieces), lambda number: self._not_there(pieces[number])) for md5 in found]
        self.present.update(set(wanted).difference(lost))
        return lost

    def _not_there(self, md5s: list[str]) -> list[str]:
        return [md5 for md5 in md5s if not self.has(md5)]

    def temporary(self, folder: str = "") -> str:
        """A new name for a file on its way to the store, inside `folder` (default: the store's own)."""
        return f"{folder or self.folder}/.mlgit-{self._machine}-{os.getpid()}-{next(self._number)}.tmp"

    def make_folder(self, folder: str) -> None:
        """Make a folder and those above it, with the mode of the store."""
        if folder in self._known_folders:
            return
        missing = [folder]
        while missing:
            try:
                os.mkdir(missing[-1])
                os.chmod(missing[-1], self._folder_mode)
            except FileNotFoundError:
                missing.append(os.path.dirname(missing[-1]))
                continue
            except FileExistsError:  # or another process was faster
                if not os.path.isdir(missing[-1]):
                    raise
            missing.pop()
        self._known_folders.add(folder)

    def expect(self, files: int) -> None:
        """Prepare for `files` objects to place: where the store is not much larger, list it once instead of asking often."""
        names = [os.listdir(folder) for folder in self.folders()[:1]]
        if not names or len(names[0]) * 256 <= files + 1024:
            self._listed = {os.path.basename(folder) + name for folder in self.folders() for name in os.listdir(folder)}

    def folders(self) -> list[str]:
        """The folders that hold objects."""
        names = sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else []
        return [f"{self.folder}/{name}" for name in names if len(name) == 2]

    def place(self, content: bytes, md5: str) -> None:
        """Place an object whose bytes are at hand, unless it is there."""
        folder = f"{self.folder}/{md5[:2]}"
        target = f"{folder}/{md5[2:]}"
        if (os.access(target, os.F_OK) if self._listed is None else md5 in self._listed) and self.has(md5):
            return
        self._write(folder, target, content, VERIFIED)
        if self._listed is not None:
            self._listed.add(md5)

    def write(self, target: str, content: bytes, mode: int) -> None:
        """Write a file of the cache beside its place, and move it there."""
        self._write(os.path.dirname(target), target, content, mode)

    def _write(self, folder: str, target: str, content: bytes, mode: int) -> None:
        temporary = self.temporary(folder)
        descriptor = self.create(temporary, mode)
        try:
            try:
                written = os.write(descriptor, content)
                while written < len(content):
                    written += os.write(descriptor, content[written:])
            finally:
                os.close(descriptor)
            os.rename(temporary, target)
        except BaseException as error:
            os.unlink(temporary)
            if isinstance(error, OSError) and error.filename is None:
                error.filename = target  # a write tells no name
            raise

    def create(self, temporary: str, mode: int = VERIFIED) -> int:
        """Create a temporary file, open for reading and writing, with the mode it will keep."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            descriptor = os.open(temporary, flags, mode)
        except FileNotFoundError:
            self.make_folder(os.path.dirname(temporary))
            descriptor = os.open(temporary, flags, mode)
        if self._strips or mode != VERIFIED:
            os.fchmod(descriptor, mode)
        return descriptor

    def accept(self, temporary: str, md5: str) -> None:
        """Take over a finished temporary file that has this md5."""
        target = self.path(md5)
        if os.access(target, os.F_OK) and self.has(md5):
            os.unlink(temporary)
            return
        self.make_folder(os.path.dirname(target))
        os.rename(temporary, target)

    def clone(self, source: int, copy: int) -> bool:
        """Let an empty open file share the blocks of another; False where the file system cannot."""
        if not self.has_reflink:
            return False
        try:
            fcntl.ioctl(copy, _FICLONE, source)
        except OSError as error:
            self.has_reflink = error.errno not in _NO_REFLINK
            return False
        return True


def refuse_changed(path: str) -> MlgitError:
    """The error for a file that something wrote to while it was read."""
    return MlgitError(f"{path}: changed while it was stored", "wait until nothing writes to it, and run the command again")
