"""What mlgit keeps for its next command, below `.dvc/tmp/mlgit` and `.git/mlgit`: believed only if this user's mlgit wrote it.

A clone, a commit or an archive can bring files of any content to these places, and whoever unpacks them owns them, so
neither owner nor format tells whose they are. Every note therefore begins with a seal: sizes and digests of what follows,
under a key that lies in the user's home and in no project. What another seal stands on is not read any further, however
large it is. To check costs a fraction of a millisecond, so the answer "nothing changed" can afford it; this module, too,
imports next to nothing. Losing notes, or the key, costs time only.
"""

from __future__ import annotations

import hashlib
import os

from mlgit.errors import MlgitError

FORMAT = 1  # another number is another mlgit's: its notes are passed over
_MAGIC = b"mlgit\0" + FORMAT.to_bytes(2, "big")
_DIGEST = 32
_SIZE = 8
_SEAL = len(_MAGIC) + 2 * (_SIZE + _DIGEST) + _DIGEST
_KEY = 32
_KIND, _REGULAR, _FOLDER, _LINK = 0o170000, 0o100000, 0o040000, 0o120000
# A pipe is not waited for, and a link not followed: neither is a note.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TOPS = (".dvc", ".git")


def read(path: str) -> bytes | None:
    """The first part of a note; None where there is none, or none that this user's mlgit wrote."""
    found = _read(path, whole=False)
    return found[0] if found else None


def read_whole(path: str) -> tuple[bytes, bytes] | None:
    """Both parts of a note, as `read`."""
    return _read(path, whole=True)


def _read(path: str, *, whole: bool) -> tuple[bytes, bytes] | None:
    try:
        descriptor = os.open(path, _READ)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(descriptor)
        if found.st_mode & _KIND != _REGULAR or found.st_size < _SEAL:
            return None
        seal = _up_to(descriptor, _SEAL)
        key = _key()
        if key is None or not seal.startswith(_MAGIC) or seal[-_DIGEST:] != _mark(seal[:-_DIGEST], key, path):
            return None
        (first, of_first), (rest, of_rest) = _part(seal, 0), _part(seal, 1)
        if found.st_size != _SEAL + first + rest:
            return None
        content = _up_to(descriptor, first)
        more = _up_to(descriptor, rest) if whole else b""
        return (content, more) if _digest(content) == of_first and (not whole or _digest(more) == of_rest) else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _up_to(descriptor: int, size: int) -> bytes:
    content = os.read(descriptor, size)
    while len(content) < size and (more := os.read(descriptor, size - len(content))):  # one call gives 2 GiB at most
        content += more
    return content


def _part(seal: bytes, number: int) -> tuple[int, bytes]:
    """The size and digest of a part, as the seal says."""
    at = len(_MAGIC) + number * (_SIZE + _DIGEST)
    return int.from_bytes(seal[at : at + _SIZE], "big"), seal[at + _SIZE : at + _SIZE + _DIGEST]


def _sealed(content: bytes, rest: bytes, key: bytes, path: str) -> bytes:
    said = _MAGIC + b"".join(len(part).to_bytes(_SIZE, "big") + _digest(part) for part in (content, rest))
    return said + _mark(said, key, path)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()  # processors have it built in: no other is as fast


def _mark(said: bytes, key: bytes, path: str) -> bytes:
    """What only the owner of the key can write: for this name, so that no note stands for another."""
    name = "/".join(path.rsplit("/", 2)[-2:])
    return hashlib.blake2b(os.fsencode(name) + b"\0" + said, digest_size=_DIGEST, key=key).digest()


def write(path: str, content: bytes, *, rest: bytes = b"") -> None:
    """Keep a note in the place of one that is there. Without a home for the key nothing is kept.

    Raises MlgitError where it cannot be written; what was there is then still there.
    """
    key = _key() or _new_key()
    if key is None:
        return
    make_folder(os.path.dirname(path))
    replace(path, _sealed(content, rest, key, path), content, rest, mode=0o600)


def replace(path: str, *parts: bytes, mode: int) -> None:
    """Write these bytes beside a file and put them in its place; nothing else is left, whatever goes wrong.

    Raises MlgitError where it cannot be written.
    """
    try:
        _replace(path, parts, mode)
    except OSError as error:
        raise MlgitError(f"{path}: cannot be written: {error.strerror}") from error


def _replace(path: str, parts: tuple[bytes, ...], mode: int) -> None:
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        descriptor = os.open(temporary, _WRITE, mode)
    except FileExistsError:  # of a process that is gone, and had the same number
        os.unlink(temporary)
        descriptor = os.open(temporary, _WRITE, mode)
    try:
        try:
            for part in parts:
                written = os.write(descriptor, part)
                while written < len(part):
                    written += os.write(descriptor, memoryview(part)[written:])
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def make_folder(path: str) -> None:
    """Make a folder of mlgit's own below `.dvc` or `.git`, and those above it.

    Raises MlgitError where it cannot be made, and for a link on the way: a clone could bring one that leads out of it.
    """
    below = _below(path)
    for each in below:
        try:
            os.mkdir(each)
        except FileExistsError:
            _check_folder(each)
        except FileNotFoundError:
            os.makedirs(each, exist_ok=True)
        except OSError as error:
            raise MlgitError(f"{each}: cannot be made: {error.strerror}") from error


def _below(path: str) -> list[str]:
    """The folders from the one below `.dvc` or `.git` down to `path`; elsewhere `path` alone."""
    found = [path]
    while os.path.basename(above := os.path.dirname(found[0])) not in _TOPS:
        if above == found[0]:
            return [path]
        found.insert(0, above)
    return found


def _check_folder(path: str) -> None:
    kind = os.lstat(path).st_mode & _KIND
    if kind == _LINK:
        raise MlgitError(f"{path}: a symbolic link, which mlgit does not follow to write", "remove the link")
    if kind != _FOLDER:
        raise MlgitError(f"{path}: not a folder", "remove it: mlgit keeps its own files there")


def home() -> str:
    """The folder of what is kept for the user (the key of seals), '' where the user has no home."""
    given = os.environ.get("XDG_STATE_HOME", "")
    above = given if os.path.isabs(given) else os.path.expanduser("~/.local/state")
    return f"{above}/mlgit" if os.path.isabs(above) else ""


def _key() -> bytes | None:
    """The user's key, if it is there and this user's own."""
    folder = home()
    try:
        descriptor = os.open(f"{folder}/key", _READ) if folder else -1
    except OSError:
        return None
    if descriptor < 0:
        return None
    try:
        found = os.fstat(descriptor)
        is_own = found.st_mode & (_KIND | 0o077) == _REGULAR and found.st_uid == os.geteuid()
        return os.read(descriptor, _KEY) if is_own and found.st_size == _KEY else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _new_key() -> bytes | None:
    """A key for this user, made once; None where no place for it is there, or none that belongs to this user."""
    folder = home()
    if not folder:
        return None
    try:
        nearest = folder
        while not os.path.isdir(nearest):
            nearest = os.path.dirname(nearest)
        if os.stat(nearest).st_uid != os.geteuid():  # nothing of root's in another's home
            return None
        os.makedirs(folder, mode=0o700, exist_ok=True)
        temporary = f"{folder}/key.{os.getpid()}.tmp"
        with open(os.open(temporary, _WRITE, 0o600), "wb") as stream:
            stream.write(os.urandom(_KEY))
        try:
            os.link(temporary, f"{folder}/key")  # of two processes at once, one makes it
        except FileExistsError:
            if _key() is None:  # cut short, or of another form
                os.replace(temporary, f"{folder}/key")
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)
    except OSError:
        return None
    return _key()
