"""Files and folders: reading with clear errors, and writing that is never half done."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mlgit.adapters.system.fsync import settle_file
from mlgit.errors import MlgitError


def read_text(path: Path, *, name: str = "") -> str:
    """The text of a UTF-8 file; `name` is how messages call it (default: the path)."""
    shown = name or str(path)
    return decode(read_bytes(path, name=shown), name=shown)


def decode(content: bytes, *, name: str) -> str:
    """The text in the bytes of a file called `name`; MlgitError with line and offset where they are not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MlgitError(
            f"{name}: line {line}: not UTF-8 text (byte 0x{content[error.start]:02x} at offset {error.start})",
            "save the file as UTF-8",
        ) from error


def read_bytes(path: Path, *, name: str = "") -> bytes:
    """The bytes of a file; a missing or unreadable file is the user's to mend."""
    shown = name or str(path)
    try:
        with open(open_regular(str(path), name=shown), "rb") as stream:
            return stream.read()
    except FileNotFoundError as error:
        raise MlgitError(f"{shown}: no such file") from error
    except OSError as error:
        raise MlgitError(f"{shown}: cannot be read: {error.strerror}") from error


def open_regular(path: str, *, name: str = "") -> int:
    """A descriptor to read a file by. A commit can bring a link to a device that never ends; a pipe would be waited for.

    Raises MlgitError for what is there and is no file, OSError for what cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):  # of a folder, reading says so
        return descriptor
    os.close(descriptor)
    raise MlgitError(f"{name or path}: a device, pipe or socket, or a link to one", "put a file in its place")


def write_atomic(path: Path, content: str | bytes, *, mode: int | None = None, durable: bool = False) -> None:
    """Write beside the file, then replace it, so that a reader sees all of it or nothing.

    `mode` are the permission bits; without it an existing file keeps its own and a new one follows the umask. A `durable`
    one is all there, or as it was, after a loss of power too.
    Raises MlgitError when it cannot be written; what was there before is then still there.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        _replace(_behind(path) if path.is_symlink() else path, data, mode=mode, durable=durable)
    except OSError as error:
        raise MlgitError(f"{path}: cannot be written: {error.strerror}") from error


def leads_out(path: Path, *, of: Path) -> bool:
    """Whether a path leads, by a symbolic link, out of the repository that a folder is in; never where it is in none."""
    folder = of.resolve()
    above = next((each for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), None)
    return above is not None and not path.resolve().is_relative_to(above)


def _behind(link: Path) -> Path:
    """The file that a link leads to. A commit can bring a link to any file of the user: none out of its repository is followed.

    Raises MlgitError for such a link, and for one to a device, pipe or folder, in whose place a file would be put.
    """
    target = link.resolve()
    if leads_out(link, of=link.parent):
        message = f"{link}: a symbolic link out of the repository, which mlgit does not follow to write"
        raise MlgitError(message, "put a file in the place of the link")
    if target.exists() and not target.is_file():
        raise MlgitError(f"{link}: a symbolic link to something that is not a file", "put a file in the place of the link")
    return target


def _replace(path: Path, data: bytes, *, mode: int | None, durable: bool) -> None:
    if mode is None:
        mode = _mode_for(path)
    # a part of the name says whose it is; all of it could be too long with what is added
    temporary = f"{path.parent}/.{path.name[:50]}.{os.urandom(8).hex()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            if durable:
                stream.flush()
                settle_file(stream.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode_for(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o666 & ~current_umask()


_umask: int | None = None


def current_umask() -> int:
    """The process's umask, read once: reading it means setting it for an instant."""
    global _umask
    if _umask is None:
        _umask = os.umask(0o077)
        os.umask(_umask)
    return _umask


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; a missing one is no error, nor one below what is no folder."""
    if path.is_dir() and not path.is_symlink():
        import shutil

        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


def read_folder(
    folder: Path, *, name: str = "", admit: Callable[[Mapping[str, int]], None] = lambda _sizes: None
) -> dict[str, bytes]:
    """Every regular file below `folder`: path with '/' -> content, sorted; Python's `__pycache__` is passed over.

    `admit` is given their sizes before any is read, and raises what it has against them.
    Raises MlgitError for a symbolic link or any other thing that is no file: what it would read is not in the folder.
    """
    shown = name or str(folder)
    sizes: dict[str, int] = {}
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        for entry in os.scandir(folder / prefix):
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting += [] if entry.name == "__pycache__" else [f"{path}/"]
            elif entry.is_file(follow_symlinks=False):
                sizes[path] = entry.stat(follow_symlinks=False).st_size
            else:
                raise MlgitError(f"{shown}/{path}: a symbolic link or special file", "put a regular file in its place")
    admit(sizes)
    return {path: read_bytes(folder / path, name=f"{shown}/{path}") for path in sorted(sizes)}


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder outside the project that is gone afterwards."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix=f"mlgit-{prefix}-") as folder:
        yield Path(folder)
