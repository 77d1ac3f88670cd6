"""DVC's cache on disk: objects by md5, the run cache, and links between cache and workspace, laid out as DVC does.

Objects are read-only (mode 0444) once their content is known to match their name; an object with another mode is
checked before it is believed, and removed when it is wrong.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat as stats
import sys
from pathlib import Path

from mlgit.adapters import files, hashing
from mlgit.adapters.hashing import Content, Member
from mlgit.adapters.settings import Settings
from mlgit.errors import MlgitError

_VERIFIED = 0o444
_FICLONE = 0x40049409  # linux/fs.h
_SMALL = 1 << 20


class Cache:
    """The cache of a project."""

    def __init__(self, settings: Settings) -> None:
        self.root = str(settings.cache_folder)
        self._objects = f"{self.root}/files/md5"
        self._types = settings.link_types
        self._folder_mode = 0o2775 if settings.shared else 0o777 & ~files.current_umask()
        self.file_mode = 0o664 if settings.shared else 0o666 & ~files.current_umask()
        self._known_folders: set[str] = set()
        self._no_reflink = sys.platform != "linux"

    def path(self, md5: str) -> str:
        """Where the object with this md5 lies, or would lie."""
        return f"{self._objects}/{md5[:2]}/{md5[2:]}"

    def folders(self) -> list[str]:
        """The folders that hold objects."""
        try:
            return [entry.path for entry in os.scandir(self._objects) if entry.is_dir()]
        except FileNotFoundError:
            return []

    def has(self, md5: str) -> bool:
        """Whether the object is there and is what its name says; a corrupt one is removed."""
        path = self.path(md5)
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            return False
        if stats.S_IMODE(mode) == _VERIFIED:
            return True
        if hashing.file_md5(path) != md5.removesuffix(".dir"):
            os.unlink(path)
            return False
        os.chmod(path, _VERIFIED)
        return True

    def has_all(self, md5: str) -> bool:
        """Whether an object is there; for a folder also every file of it."""
        if not md5.endswith(".dir"):
            return self.has(md5)
        members = self.members(md5)
        return members is not None and all(self.has(member.md5) for member in members)

    def members(self, md5: str) -> list[Member] | None:
        """The files of a cached folder, or None when its object is missing or broken."""
        if not self.has(md5):
            return None
        try:
            return hashing.parse_listing(Path(self.path(md5)).read_bytes())
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def add_file(self, source: str, md5: str) -> None:
        """Place a file's bytes under its md5, unless they are there.

        Raises MlgitError when the file changes meanwhile.
        """
        target = self.path(md5)
        if self.has(md5):
            return
        temporary = self._temporary(target)
        try:
            self._copy(source, temporary)
            self._check_copy(source, temporary, md5)
            os.chmod(temporary, _VERIFIED)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _check_copy(self, source: str, copy: str, md5: str) -> None:
        # Reading a small copy again costs microseconds; what writes to a large file changes its size or times.
        size = os.path.getsize(copy)
        if size != os.path.getsize(source) or (size <= _SMALL and hashing.file_md5(copy) != md5):
            raise MlgitError(f"{source}: changed while it was stored", "wait until nothing writes to it, and run again")

    def add_folder(self, source: str, members: list[Member], content: Content) -> None:
        """Place every file of a folder, then the list of them.

        Raises MlgitError when the folder is no longer what `content` says.
        """
        if hashing.listing_md5(members) != content.md5:
            raise MlgitError(f"{source}: changed while it was stored", "wait until nothing writes to it, and run again")
        for member in members:
            self.add_file(f"{source}/{member.path}", member.md5)
        self.add_bytes(hashing.listing(members), content.md5)

    def add_bytes(self, content: bytes, md5: str) -> None:
        """Place an object whose bytes are at hand."""
        if not self.has(md5):
            self._write(self.path(md5), content, _VERIFIED)

    def _write(self, target: str, content: bytes, mode: int) -> None:
        temporary = self._temporary(target)
        with open(temporary, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, mode)
        os.replace(temporary, target)

    def _temporary(self, target: str) -> str:
        folder = os.path.dirname(target)
        if folder not in self._known_folders:
            self._make_folder(folder)
        return f"{folder}/.{secrets.token_urlsafe(12)}.tmp"

    def _make_folder(self, folder: str) -> None:
        missing = []
        current = folder
        while not os.path.isdir(current):
            missing.append(current)
            current = os.path.dirname(current)
        for each in reversed(missing):
            try:
                os.mkdir(each)
                os.chmod(each, self._folder_mode)
            except FileExistsError:
                pass  # another process was faster
        self._known_folders.add(folder)

    def _copy(self, source: str, target: str) -> None:
        if not self._no_reflink and self._reflink(source, target):
            return
        shutil.copyfile(source, target)

    def _reflink(self, source: str, target: str) -> bool:
        with open(source, "rb") as origin, open(target, "wb") as copy:
            try:
                fcntl.ioctl(copy.fileno(), _FICLONE, origin.fileno())
            except OSError as error:
                self._no_reflink = error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL)
                return False
        return True

    def checkout(self, content: Content, target: str) -> None:
        """Make a path hold the cached content, linked as the configuration says; what lay there is replaced."""
        files.remove(Path(target))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not content.md5.endswith(".dir"):
            self._link(content.md5, target)
            if content.isexec:
                os.chmod(target, os.stat(target).st_mode | stats.S_IEXEC)
            return
        os.mkdir(target)
        for member in self.members(content.md5) or ():
            path = f"{target}/{member.path}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._link(member.md5, path)

    def _link(self, md5: str, target: str) -> None:
        source = self.path(md5)
        empty = os.path.getsize(source) == 0
        for link_type in self._types:
            try:
                if link_type == "hardlink" and not empty:
                    os.link(source, target)
                elif link_type == "symlink":
                    os.symlink(source, target)
                elif link_type == "reflink":
                    if self._no_reflink or not self._reflink(source, target):
                        continue
                else:
                    shutil.copyfile(source, target)
                return
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
                    raise
        shutil.copyfile(source, target)

    def relink(self, content: Content, members: list[Member], target: str) -> bool:
        """After storing: replace the workspace's copy by the configured kind of link; whether anything was replaced.

        With copies or reflinks there is nothing to do, unless the command itself left a link.
        """
        paths = (
            [(target, content.md5)] if not content.md5.endswith(".dir") else [(f"{target}/{m.path}", m.md5) for m in members]
        )
        replaced = False
        for path, md5 in paths:
            if self._is_linked_right(path, md5):
                replaced |= not members and self.normalize_mode(path, content)
                continue
            mode = os.stat(path).st_mode
            os.unlink(path)
            self._link(md5, path)
            if mode & 0o111 and not content.md5.endswith(".dir"):
                os.chmod(path, os.stat(path).st_mode | stats.S_IEXEC)
            replaced = True
        return replaced

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
        for link_type in self._types:
            if link_type in ("copy", "reflink") and not symlink and not hardlink:
                return True
            if link_type == "hardlink" and (hardlink or found.st_size == 0):
                return found.st_size == 0 or found.st_ino == os.stat(self.path(md5)).st_ino
            if link_type == "symlink" and symlink:
                return os.readlink(path) == self.path(md5)
        return False

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
                temporary = f"{path}.{secrets.token_urlsafe(8)}.tmp"
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
        self._write(f"{self.root}/runs/{key[:2]}/{key}/{value}", text.encode(), self.file_mode)
