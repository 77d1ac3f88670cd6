"""Files read once: hashed, and on the way placed in the object store, so that an object's bytes are those that were hashed.

A small file is read whole. A large one is copied by a thread while the copy is hashed behind it. Many files are shared
out to several processes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from array import array
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import NamedTuple

from mlgit.adapters.dvc.objects import Objects, refuse_changed
from mlgit.adapters.system import dir_scan, files, fork_pool

LARGE = 1 << 20
_CLONED_FROM = 1 << 14  # a smaller file is not worth an ioctl where blocks can be shared
_BUFFER = 1 << 20
_STEP = 1 << 23
_SEVERAL_BYTES = 32 << 20
_RANGE = 256
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_CANNOT = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}

Tick = Callable[[float], None]  # is told which part of the work is done, 0 to 1


class Taken(NamedTuple):
    """Files of one folder, in the order asked for: their stamps and md5s (16 bytes each), joined."""

    stamps: bytes
    md5s: bytes
    linked: list[str]


def take(path: str, objects: Objects | None = None, *, tick: Tick | None = None) -> tuple[bytes, os.stat_result]:
    """The md5 of a file (16 bytes) and its stat from before it was read; with `objects` it is placed there.

    Raises MlgitError when a file that is placed changes meanwhile.
    """
    descriptor = files.open_regular(path)
    try:
        found = os.fstat(descriptor)
        size = found.st_size
        if size > LARGE or (objects is not None and objects.has_reflink and size >= _CLONED_FROM):
            return _take_large(path, descriptor, found, objects, tick), found
        content = os.read(descriptor, size + 1)
        if len(content) != size:
            content += _rest(descriptor)
            if len(content) != size and objects is not None:
                raise refuse_changed(path)
    finally:
        os.close(descriptor)
    digest = hashlib.md5(content, usedforsecurity=False)
    if objects is not None:
        objects.place(content, digest.hexdigest())
    return digest.digest(), found


def _rest(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, _BUFFER):
        pieces.append(piece)
    return b"".join(pieces)


def _take_large(path: str, descriptor: int, found: os.stat_result, objects: Objects | None, tick: Tick | None) -> bytes:
    if objects is None:
        return hash_rest(descriptor).digest()
    objects.make_folder(objects.folder)
    temporary = objects.temporary()
    copy = objects.create(temporary)
    try:
        try:
            cloned = objects.clone(descriptor, copy)
            digest = hash_rest(copy) if cloned else _copy_and_hash(descriptor, copy, found.st_size, tick)
            if digest is None or os.fstat(copy).st_size != found.st_size:
                raise refuse_changed(path)
        finally:
            os.close(copy)
        _refuse_if_changed(path, descriptor, found)
        objects.accept(temporary, digest.hexdigest())
    except BaseException:
        _unlink(temporary)
        raise
    return digest.digest()


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _refuse_if_changed(path: str, descriptor: int, found: os.stat_result) -> None:
    if dir_scan.packed(os.fstat(descriptor)) != dir_scan.packed(found):
        raise refuse_changed(path)


def hash_rest(descriptor: int) -> hashlib._Hash:
    """The md5 of an open file from where it stands."""
    digest = hashlib.md5(usedforsecurity=False)
    buffer = memoryview(bytearray(_BUFFER))
    with open(descriptor, "rb", buffering=0, closefd=False) as stream:
        while number := stream.readinto(buffer):
            digest.update(buffer[:number])
    return digest


def _copy_and_hash(source: int, copy: int, size: int, tick: Tick | None = None) -> hashlib._Hash | None:
    """Copy in a thread, and hash what has arrived; None when the source ended early."""
    arrived: SimpleQueue[int | BaseException] = SimpleQueue()
    thread = threading.Thread(target=_copy, args=(source, copy, size, arrived))
    thread.start()
    digest = hashlib.md5(usedforsecurity=False)
    done = 0
    buffer = memoryview(bytearray(_BUFFER))
    try:
        while (end := arrived.get()) != -1:
            if isinstance(end, BaseException):
                raise end
            while done < end:
                number = os.preadv(copy, [buffer[: min(_BUFFER, end - done)]], done)
                digest.update(buffer[:number])
                done += number
            if tick:
                tick(done / size)
    finally:
        thread.join()
    return digest if done == size else None


def _copy(source: int, copy: int, size: int, arrived: SimpleQueue[int | BaseException]) -> None:
    done = 0
    try:
        while done < size and (number := _copy_piece(source, copy, min(_STEP, size - done), done)):
            done += number
            arrived.put(done)
    except BaseException as error:  # handed to the thread that waits
        arrived.put(error)
    arrived.put(-1)


def _copy_piece(source: int, copy: int, size: int, at: int) -> int:
    if hasattr(os, "copy_file_range"):
        try:
            number = os.copy_file_range(source, copy, size, at, at)
            if number:
                return number
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
    piece = os.pread(source, size, at)
    written = 0
    while written < len(piece):
        written += os.pwrite(copy, piece[written:], at + written)
    return written


def take_all(
    folder: str, names: Mapping[str, list[str]], *, objects: Objects | None = None, tick: Tick | None = None
) -> dict[str, Taken]:
    """Take many files of `folder`, given by the folders below it ('' or ending with '/')."""
    total = sum(map(len, names.values()))
    if objects is not None and total >= dir_scan.MANY:
        objects.expect(total)
    parts = _parts(names, total, several=total >= dir_scan.MANY or _is_much(folder, names))

    def work(number: int) -> list[tuple[str, bytes, bytes, list[str]]]:
        return [(below, *_take_range(f"{folder}/{below}", names[below][at:end], objects)) for below, at, end in parts[number]]

    def count(begun: int) -> None:
        if tick:
            tick(begun / len(parts))

    answers = fork_pool.spread(len(parts), work, tick=count if tick else None)
    pieces: dict[str, list[tuple[bytes, bytes, list[str]]]] = {below: [] for below in names}
    for answer in answers:
        for below, stamps, md5s, linked in answer:
            pieces[below].append((stamps, md5s, linked))
    return {
        below: Taken(
            b"".join(row[0] for row in rows), b"".join(row[1] for row in rows), [name for row in rows for name in row[2]]
        )
        for below, rows in pieces.items()
    }


def _is_much(folder: str, names: Mapping[str, list[str]]) -> bool:
    sizes = [os.path.getsize(f"{folder}/{below}{name}") for below, files in names.items() for name in files]
    return len(sizes) > 1 and sum(sizes) >= _SEVERAL_BYTES


def _parts(names: Mapping[str, list[str]], total: int, *, several: bool) -> list[list[tuple[str, int, int]]]:
    """The files in parts of a good size for one process to take at a time; one part where one process does it all."""
    size = max(1, min(_RANGE, total // (16 * fork_pool.cpus())), -(-2 * total // fork_pool.MOST_PARTS)) if several else total
    parts: list[list[tuple[str, int, int]]] = [[]]
    room = size
    for below, found in names.items():
        at = 0
        while at < len(found):
            if room == 0:
                parts.append([])
                room = size
            end = min(len(found), at + room)
            parts[-1].append((below, at, end))
            room -= end - at
            at = end
    return parts


def _take_range(folder: str, names: list[str], objects: Objects | None) -> tuple[bytes, bytes, list[str]]:
    stamps, md5s, linked = array("q"), [], []
    limit = LARGE if objects is None or not objects.has_reflink else _CLONED_FROM - 1
    opened, close, stat, read = os.open, os.close, os.fstat, os.read  # a hot loop
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names:
            try:
                descriptor = opened(name, _PLAIN, dir_fd=at)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise OSError(error.errno, error.strerror, folder + name) from error
                linked.append(name)  # a symbolic link: its target is read
                descriptor = opened(name, os.O_RDONLY, dir_fd=at)
            try:
                found = stat(descriptor)
                size = found.st_size
                content = read(descriptor, size + 1) if size <= limit else b""
            finally:
                close(descriptor)
            if size <= limit and len(content) == size:
                digest = hashlib.md5(content, usedforsecurity=False)
                md5s.append(digest.digest())
                if objects is not None:
                    objects.place(content, digest.hexdigest())
            else:
                md5, found = take(f"{folder}{name}", objects)
                md5s.append(md5)
            stamps.extend((found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino & dir_scan.INODE))
            if found.st_nlink > 1:
                linked.append(name)
    finally:
        close(at)
    return stamps.tobytes(), b"".join(md5s), linked


def copy_checked(source: str, target: str, md5: str) -> bool:
    """Copy an object to a new file while checking its bytes; False, with nothing copied, where they are not `md5`."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    copy = -1
    try:
        size = os.fstat(descriptor).st_size
        if size > LARGE:
            copy = os.open(target, _NEW, 0o666)
            digest = _copy_and_hash(descriptor, copy, size)
            good = digest is not None and digest.hexdigest() == md5
        else:
            content = os.read(descriptor, size + 1)
            good = hashlib.md5(content, usedforsecurity=False).hexdigest() == md5
            if good:
                copy = os.open(target, _NEW, 0o666)
                good = os.write(copy, content) == len(content)
    finally:
        os.close(descriptor)
        if copy >= 0:
            os.close(copy)
    if not good and copy >= 0:
        os.unlink(target)
    return good
