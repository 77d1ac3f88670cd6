"""How files of the workspace stand to the objects of the cache: copies, clones of their blocks, hard or symbolic links.

The types are tried in the order of `cache.type`, by DVC's rules. Two of these are not the same: what is restored gets the
first type that is possible there, while of a folder that was stored, files stay as they are where one of the types
configured allows it.
"""

from __future__ import annotations

import errno
import os
import stat as stats
from contextlib import suppress
from pathlib import Path

from mlgit.adapters.dvc.objects import Objects
from mlgit.errors import MlgitError

# With these DVC goes on to the next type; EMLINK: the object has all the names that a file can have.
_CANNOT = {
    errno.EPERM,
    errno.EOPNOTSUPP,
    errno.EXDEV,
    errno.ENOTTY,
    errno.ENOSYS,
    errno.EINVAL,
    errno.EAGAIN,
    errno.EMLINK,
}


class NoLinkError(MlgitError):
    """None of the configured links is possible where a file lies."""


class Links:
    """The link types of one project. A plain file that is made has `plain_mode`; `spare` is a folder for what is on its way."""

    def __init__(self, types: tuple[str, ...], *, objects: Objects, plain_mode: int, spare: str = "") -> None:
        self.types = types
        self.plain_mode = plain_mode
        self._objects = objects
        self._spare = spare
        self._possible: dict[tuple[str, int], bool] = {}

    @property
    def are_links(self) -> bool:
        """Whether a file of the workspace can become a link into the cache."""
        return "hardlink" in self.types or "symlink" in self.types

    @property
    def leaves_copies(self) -> bool:
        """Whether a plain file inside a folder may stay one when the folder is stored."""
        return "copy" in self.types or "reflink" in self.types

    @property
    def links_what_is_new(self) -> bool:
        """Whether, although copies may stay, what the cache did not have becomes a hard link: DVC moves it there."""
        return self.types[:1] == ("hardlink",) and self.leaves_copies

    def first(self, folder: str) -> str | None:
        """The type that what is restored into a folder gets, None where none is possible."""
        return next((kind for kind in self.types if self.is_possible(kind, folder)), None)

    def is_possible(self, kind: str, folder: str) -> bool:
        """Whether files in a folder of the workspace can be linked to the cache in this way; it is tried out once."""
        if kind == "copy":
            return True
        if kind == "reflink" and self.types[self.types.index(kind) + 1 :][:1] == ("copy",):
            return self._objects.has_reflink  # where that is not known yet, it makes no difference to what a file looks like
        return self._is_tried(kind, folder)

    def can_clone(self, folder: str) -> bool:
        """Whether files can share their blocks with objects, whatever is configured."""
        return self._is_tried("reflink", folder)

    def _is_tried(self, kind: str, folder: str) -> bool:
        if kind == "reflink" and not self._objects.has_reflink:
            return False
        key = (kind, os.stat(folder).st_dev)
        if key not in self._possible:
            self._possible[key] = self._try(kind, folder)
        return self._possible[key]

    def _try(self, kind: str, folder: str) -> bool:
        source = self._objects.temporary()
        target = self._objects.temporary(self.place_beside(folder))
        try:
            try:
                self._objects.make_folder(self._objects.folder)
                Path(source).write_bytes(b"x")
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EROFS):
                    raise
                return True  # a cache that may only be read: the first object will tell
            return self.make(kind, source, target, size=1)
        finally:
            for path in (source, target):
                with suppress(FileNotFoundError):
                    os.unlink(path)

    def refuse_impossible(self, target: str, *, stays: bool = False) -> None:
        """Raise NoLinkError when no type is possible where `target` lies; `stays`: it is no single file, for all we know."""
        if "copy" in self.types or (stays and self.leaves_copies):
            return
        folder = os.path.dirname(target)
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        if self.first(folder) is None:
            raise self.impossible(target)

    def impossible(self, path: str) -> NoLinkError:
        """The error for a file that cannot be linked to the cache in any way that is configured."""
        types = ",".join(self.types)
        return NoLinkError(
            f"'{os.path.relpath(path)}': no link to the cache in {self._objects.folder} is possible (cache.type: {types})",
            f"allow copies too: `dvc config cache.type {types},copy`",
        )

    def place_beside(self, folder: str) -> str:
        """A folder on the same file system, where a leftover would not become part of an output."""
        if self._spare:
            os.makedirs(self._spare, exist_ok=True)
            if os.stat(self._spare).st_dev == os.stat(folder).st_dev:
                return self._spare
        return folder

    def make(self, kind: str, source: str, target: str, *, size: int) -> bool:
        """Make `target` a link of a kind (but copy) to `source`; False where that is not possible."""
        try:
            if kind == "symlink":
                os.symlink(source, target)
            elif kind == "reflink":
                return self._clone(source, target)
            elif size == 0:  # DVC never links empty files: all of them would be one
                os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            else:
                os.link(source, target)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            return False
        return True

    def _clone(self, source: str, target: str) -> bool:
        with open(source, "rb") as origin, open(target, "xb") as copy:
            if self._objects.clone(origin.fileno(), copy.fileno()):
                return True
        os.unlink(target)
        return False

    def is_right(self, path: str, source: str, *, mode: int | None = None) -> bool:
        """Whether a file is what restoring the object `source` would make it; `mode` is that of a plain one."""
        found = os.lstat(path)
        kind = self.first(os.path.dirname(path))
        is_symlink = stats.S_ISLNK(found.st_mode)
        if kind == "symlink":
            return is_symlink and os.readlink(path) == source
        if kind == "hardlink" and found.st_size > 0:
            return not is_symlink and found.st_nlink > 1 and _is_same(found, os.stat(source))
        is_plain = not is_symlink and found.st_nlink == 1
        return is_plain and stats.S_IMODE(found.st_mode) == (self.plain_mode if mode is None else mode)

    def is_to_relink(self, path: str, source: str) -> bool:
        """Whether DVC links a folder's file anew after the folder was stored."""
        found = os.lstat(path)
        is_symlink = stats.S_ISLNK(found.st_mode)
        if is_symlink:
            found = os.stat(path)
        for kind in self.types:
            if kind in ("copy", "reflink") and not is_symlink and found.st_nlink == 1:
                return False
            if kind == "hardlink" and found.st_nlink > 1:
                return not _is_same(found, os.stat(source))
            if kind == "symlink" and is_symlink:
                return os.readlink(path) != source
        return True


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def last_of_each(folder: str, wanted: dict[str, str]) -> set[str]:
    """Of files (path below `folder` -> md5), the last one of each md5 in the order in which the system lists them.

    It is the one that DVC makes the object of the cache.
    """
    last: dict[str, str] = {}
    for at, _, names in os.walk(folder):
        below = "" if at == folder else f"{os.path.relpath(at, folder)}/"
        last |= {wanted[below + name]: below + name for name in names if below + name in wanted}
    return set(last.values())


def is_plain(path: str) -> bool:
    """Whether a file is no link and has no other name."""
    found = os.lstat(path)
    return not stats.S_ISLNK(found.st_mode) and found.st_nlink == 1


def make_executable(path: str) -> None:
    """Let the owner execute a file; it may be a link to an object of another user, which stays as it is."""
    with suppress(PermissionError):
        os.chmod(path, os.stat(path).st_mode | stats.S_IEXEC)


def unprotect(target: str, *, mode: int, objects: Objects) -> None:
    """Make a file, or those of a folder, plain ones of this mode: no links into the cache, and not read-only."""
    if not os.path.lexists(target):
        return
    inside = os.walk(target) if os.path.isdir(target) else ()
    paths = [os.path.join(at, name) for at, _, names in inside for name in names] if inside else [target]
    for path in paths:
        if not os.path.exists(path):
            continue  # a link to nothing: whatever runs now may mend it
        if not is_plain(path):
            _replace_by_copy(path, objects.temporary(os.path.dirname(path)))
        os.chmod(path, mode)


def _replace_by_copy(path: str, temporary: str) -> None:
    import shutil

    try:
        shutil.copyfile(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
