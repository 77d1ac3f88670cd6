"""Reads the prediction log: its files in their order, the requests of a time, and the request with an id."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

from mlgit.errors import MlgitError
from mlgit.serving import log_header, log_index, logged
from mlgit.serving.log_header import LogHeader
from mlgit.serving.logged import LoggedRequest, LoggedRow

_ENDS = (".jsonl", ".jsonl.gz")
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d")
_AT_ONCE = 1 << 22
# A file that begins with more before the end of a line is no log: it may be anything.
_LONGEST_HEADER = 16 << 20
# An answer is written down after the request came, and clocks are put right: a line may stand in the hour beside its own.
_SLACK = timedelta(hours=1)
# So far below its top a log's hours may be, in so many folders that can hold something of the time.
_DEEPEST, _MOST_FOLDERS = 8, 100_000


def log_files(paths: Iterable[Path], *, since: datetime | None = None, until: datetime | None = None) -> list[Path]:
    """The files of logs in the order of their hours: each path is a log's folder, one of logs, that of an hour, or a file.

    Those of hours that cannot hold anything between `since` and `until` are left out. Raises MlgitError for a path that is not
    there.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += _below(path, since, until)
        elif path.exists():
            found.append(path)
        else:
            raise MlgitError(f"{path}: no such log", "`mlgit serve` writes one; `--log PATH` names its file or folder")
    return list(dict.fromkeys(found))


def _below(log: Path, since: datetime | None, until: datetime | None) -> list[Path]:
    """The files of a log in the order of their hours, first those in none; however deep its hours are, as each pod has its own.

    No folder is looked into twice, whatever links lead to it. Raises MlgitError for what is too large to be a log.
    """
    found: list[tuple[str, Path]] = []
    seen, waiting = set[tuple[int, int]](), [(log, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            about = folder.stat()
            inner = [] if (about.st_dev, about.st_ino) in seen else _inner(folder)
        except OSError as error:
            raise MlgitError(f"{error.filename or folder}: cannot be read: {error.strerror}") from error
        seen.add((about.st_dev, about.st_ino))
        if len(seen) > _MOST_FOLDERS:
            raise MlgitError(f"{log}: more than {_MOST_FOLDERS:,} folders, so hardly a prediction log", "name its folder")
        hour = folder.name if _hour(folder.name) else ""
        if _may_hold(hour, since, until):
            found += [(hour, each) for each in inner if each.name.endswith(_ENDS)]
        if not hour and depth < _DEEPEST:
            waiting += [(each, depth + 1) for each in inner if _may_hold(each.name, since, until) and each.is_dir()]
    return [path for _, path in sorted(found)]


def _inner(folder: Path) -> list[Path]:
    """What is in a folder, but for what nobody put there: at the top of a volume only its administrator may look into that."""
    return [each for each in folder.iterdir() if not each.name.startswith(".") and each.name != "lost+found"]


def _hour(name: str) -> datetime | None:
    """The hour whose folder has this name; None for any other folder."""
    try:
        return datetime.fromisoformat(f"{name}:00:00+00:00") if _HOUR.fullmatch(name) else None
    except ValueError:
        return None


def _may_hold(name: str, since: datetime | None, until: datetime | None) -> bool:
    hour = _hour(name)
    return hour is None or not ((since and hour + timedelta(hours=1) + _SLACK <= since) or (until and hour - _SLACK >= until))


def requests(
    paths: Iterable[Path],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    torn: Counter[str] | None = None,
) -> Iterator[LoggedRequest]:
    """The requests in logs, file by file, of the time from `since` until before `until`, refused ones too.

    Lines that are none, as a killed process leaves one, are passed over, and counted by file in `torn`. Raises MlgitError for a
    file that cannot be read.
    """
    first, last = (_stamp(each) for each in (since, until))
    for path in log_files(paths, since=since, until=until):
        for request in _of_file(path, Counter() if torn is None else torn):
            if (not first or request.ts >= first) and (not last or request.ts < last):
                yield request


def hour_of(path: Path) -> datetime | None:
    """The hour whose folder a file is in; None where it is in none."""
    return _hour(path.parent.name)


def rows(paths: Iterable[Path], *, since: datetime | None = None, until: datetime | None = None) -> Iterator[LoggedRow]:
    """The same row by row, without what was refused."""
    for request in requests(paths, since=since, until=until):
        yield from logged.rows_of(request)


def _stamp(moment: datetime | None) -> str:
    return log_header.stamp(moment.timestamp()) if moment else ""


def _of_file(path: Path, torn: Counter[str]) -> Iterator[LoggedRequest]:
    decode = decoder()
    header = None
    for line in lines_of(path):
        document = _decoded(decode, line) if line.endswith(b"\n") else None
        if request := logged.request_of(document, header=header):
            yield request
        elif found := logged.header_of(document):  # the first line, or that of a file that was joined
            header = found
        else:
            torn[str(path)] += 1


def _opened(path: Path) -> IO[bytes]:
    try:
        if path.name.endswith(".gz"):
            return cast(IO[bytes], gzip.open(path, "rb"))
        return open(path, "rb")
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error


def _lines(stream: Iterable[bytes], path: Path) -> Iterator[bytes]:
    try:
        yield from stream
    except (OSError, EOFError, zlib.error) as error:  # a compressed file that ends too soon, or is none
        raise MlgitError(f"{path}: cannot be read: {error}", "`gzip --test` says whether it is whole") from error


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, as they are. Raises MlgitError for one that cannot be read."""
    with _opened(path) as stream:
        yield from _lines(stream, path)


def header_of(path: Path) -> LogHeader | None:
    """What the first line of a file says of all others; None where it is no header."""
    with _opened(path) as stream:
        first = next(_lines(iter(lambda: stream.readline(_LONGEST_HEADER), b""), path), b"")
    return logged.header_of(_decoded(json.loads, first))


def request_of(line: bytes, *, header: LogHeader | None) -> LoggedRequest | None:
    """The request in a line of a file with this header; None for a line that is none."""
    return logged.request_of(_decoded(decoder(), line), header=header)


def decoder() -> Callable[[bytes], Any]:
    """What parses a line: orjson where it is installed, which is five times as fast."""
    try:
        import orjson
    except ImportError:
        return json.loads
    return orjson.loads


def _decoded(decode: Callable[[bytes], Any], line: bytes) -> Any:
    try:
        return decode(line)
    except ValueError:
        with suppress(ValueError, RecursionError):
            return json.loads(line)  # which takes half a character, and a number of more than 64 bits
    except RecursionError:
        pass
    return None


def find(paths: Iterable[Path], request_id: str) -> list[LoggedRequest]:
    """The requests with an id, in the order of the log: the one that was answered, and what a shadow said to it.

    An id that tells its time is looked for in the hours around it, then everywhere. One that ends in `/` and a number may mean
    a row: then its request is found.
    """
    given = list(paths)
    found = _find(given, request_id)
    whole, slash, row = request_id.rpartition("/")
    return _find(given, whole) if not found and slash and row.isdecimal() else found


def _find(paths: list[Path], request_id: str) -> list[LoggedRequest]:
    moment = made_at(request_id)
    if moment:
        # the request may have waited, and the answer with it
        near = log_files(paths, since=moment - _SLACK, until=moment + 2 * _SLACK)
        if found := [each for path in near for each in _in_file(path, request_id)]:
            return found
    return [each for path in log_files(paths) for each in _in_file(path, request_id)]


def made_at(request_id: str) -> datetime | None:
    """When an id was made, where it is one that tells (a UUID of version 7)."""
    digits = request_id.replace("-", "")
    if not re.fullmatch(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", digits) or len(request_id) != 36:
        return None
    try:
        return datetime.fromtimestamp(int(digits[:12], 16) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _in_file(path: Path, request_id: str) -> list[LoggedRequest]:
    encoded = json.dumps(request_id, ensure_ascii=False).encode("utf-8", "surrogatepass")[1:-1]
    start = b'{"id":"' + encoded + b'"'
    with _opened(path) as stream:
        if path.name.endswith(".gz"):
            lines = _lines(stream, path)
            first = next(lines, b"")
            found = [line for line in lines if line.startswith(start)]
        else:
            first = stream.readline()
            found = [first] * first.startswith(start) + list(_lines_at(path, stream, start, encoded))
    header = logged.header_of(_decoded(json.loads, first))
    documents = (_decoded(json.loads, line) for line in found)
    return [each for document in documents if (each := logged.request_of(document, header=header))]


def _lines_at(path: Path, stream: IO[bytes], start: bytes, encoded: bytes) -> Iterator[bytes]:
    """The lines that begin so: those that the index knows, and those after what it covers.

    The file is read, not mapped: a server that takes back half a line would end the process that has mapped it.
    """
    known, covered = log_index.find(path, encoded)
    for place in [*known, *_places(stream, b"\n" + start, max(covered - 1, 0))]:
        stream.seek(place - 1)
        if stream.read(len(start) + 1) == b"\n" + start:
            stream.seek(place)
            yield stream.readline()


def _places(stream: IO[bytes], wanted: bytes, begin: int) -> Iterator[int]:
    """Where the lines begin in which a file goes on, after its first line, with these bytes."""
    kept = b""
    while True:
        stream.seek(begin + len(kept))
        content = kept + stream.read(_AT_ONCE)
        if len(content) == len(kept):
            return
        found = content.find(wanted)
        while found >= 0:
            yield begin + found + 1
            found = content.find(wanted, found + 1)
        kept = content[-(len(wanted) - 1) :]
        begin += len(content) - len(kept)
