"""A DVC remote that is no folder of this machine: its objects are asked for, brought and sent through DVC's file systems.

Every answer is one of three: here, gone, or could not be asked (RemoteUnreachableError). The plugins' own tests of
existence turn every error into "no", so an object is gone only where the server itself has said so.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from mlgit.adapters.dvc import cloud_calls, hashing, internals
from mlgit.adapters.dvc.object_folder import ObjectFolder
from mlgit.adapters.dvc.remote_errors import Address, RemoteUnreachableError, is_gone, no_place, not_a_storage, unreachable
from mlgit.adapters.dvc.store import DamagedObjectError
from mlgit.adapters.system import disks, transfers
from mlgit.adapters.system.transfers import StalledError, Tick
from mlgit.errors import MlgitError

T = TypeVar("T")

# From so many objects on, listing what is there is faster than asking for each.
_MANY = 500
_WHOLE = ("s3", "gs", "azure", "oss")
_SMALL = 64 << 10
_PAGE = 1000  # names that a server lists in one answer
_READ_TO_BE_SURE = 64 << 20
NOBODYS = "0" * 32  # no content has this md5 that anybody knows
# Kinds whose remotes lie in a folder, which may be missing as a whole; and those of them where sending makes it.
_IN_FOLDERS = ("ssh", "sftp", "hdfs", "webhdfs", "webdav", "webdavs")
_MADE_ON_DEMAND = ("ssh", "sftp", "hdfs", "webhdfs")


class DamagedRemoteError(RemoteUnreachableError):
    """The remote keeps, under the name of an object, bytes that are not the object's; they were not taken."""

    def __init__(self, address: Address, md5: str) -> None:
        super(RemoteUnreachableError, self).__init__(
            f"object {md5} of the DVC remote {address} is damaged: its bytes are not those of its name",
            f"remove files/md5/{md5[:2]}/{md5[2:]} there, then `mlgit push` from a clone whose cache has it",
        )
        self.remote = address.name
        self.by_asker = False
        self.md5 = md5


def damaged_at(md5: str) -> DamagedObjectError:
    """The error for an object whose bytes are not those of its name, and which was therefore not sent."""
    return DamagedObjectError(
        f"object {md5} of the cache is damaged: its bytes are not those of its name, so it was not sent",
        "`mlgit doctor --deep --fix` removes it; then `mlgit run` or `mlgit run --pull` brings it back",
    )


class CloudStore:
    """A remote of any kind that DVC reaches; it is connected when it is first asked."""

    def __init__(
        self, dvc_folder: Path, address: Address, cache: ObjectFolder, *, config: object = None, below: str = ""
    ) -> None:
        """`below` is a folder of the remote that has objects of its own, beside those of DVC."""
        self._dvc_folder = dvc_folder
        self._config = config  # of a draft, where the remote is not in the files yet
        self._address = address
        self._here = cache
        self._below = below
        self._connected: tuple[Any, str, Mapping[str, Any]] | None = None
        self._is_placed = self._is_storage = False  # once that was seen

    def found(self, md5s: Iterable[str]) -> set[str]:
        """Those that are there. Raises RemoteUnreachableError where the remote does not say."""
        return set(self._sizes(md5s))

    def whole(self, md5s: Iterable[str]) -> set[str]:
        """Those that are there, and as long as the object here: an upload that was cut off may have left a part."""
        return {md5 for md5, there in self._sizes(md5s).items() if not self._is_part(md5, there)}

    def _is_part(self, md5: str, there: object) -> bool:
        return (
            isinstance(there, int) and os.path.exists(self._here.path(md5)) and os.path.getsize(self._here.path(md5)) != there
        )

    def _sizes(self, md5s: Iterable[str]) -> dict[str, object]:
        """Those that are there, with the sizes that the storage tells (None: it does not)."""
        wanted = list(dict.fromkeys(md5s))
        if not wanted:
            return {}
        remote, folder, _ = self._connect()
        if len(wanted) > _MANY and remote.CAN_TRAVERSE:
            remote.fs.invalidate_cache()  # others write there too
            seen = self._listed(remote, folder, wanted)
            if seen is not None:
                there = {md5: seen[md5] for md5 in wanted if md5 in seen}
                if len(there) < len(wanted):
                    self._require_place()
                return there
        return {md5: told.get("size") for md5, told in self._described(wanted).items()}

    def _described(self, md5s: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """What the storage says of those that are there."""
        answers = self._answers(md5s)
        there = {md5: told for md5, told in answers.items() if told is not None}
        if len(there) < len(answers):
            self._require_place()
        elif any(not _is_of_a_storage(self._address.scheme, told) for told in there.values()):
            self._require_storage()
        return there

    def _answers(self, md5s: Iterable[str]) -> dict[str, Mapping[str, Any] | None]:
        remote, folder, _ = self._connect()
        remote.fs.invalidate_cache()
        return self._together({md5: cloud_calls.ask(remote, _place(remote, folder, md5)) for md5 in md5s})

    def _require_place(self) -> None:
        """Raise RemoteUnreachableError where what was not found has no folder in which it could be."""
        if self._is_placed or self._address.scheme not in _IN_FOLDERS:
            return
        remote, base = self._base()
        if self._together({"": cloud_calls.ask(remote, base)})[""] is None:
            raise no_place(self._address, f"/{urlsplit(self._address.url).path.strip('/')}")
        self._is_placed = True

    def _require_storage(self) -> None:
        """Raise RemoteUnreachableError where what was found, or has other bytes, comes from a server that finds everything."""
        if not self._is_storage and self._answers([NOBODYS])[NOBODYS] is not None:
            raise not_a_storage(self._address)
        self._is_storage = True

    def make(self) -> None:
        """Make the folder of the remote, unless it is there or its kind has none."""
        self._make()

    def _make(self) -> list[str]:
        """The folders that were made, the innermost first."""
        if self._address.scheme not in _MADE_ON_DEMAND or self._is_placed:
            return []
        remote, base = self._base()
        missing = []
        above = base
        while above not in ("", remote.root_marker, "/") and self._together({"": cloud_calls.ask(remote, above)})[""] is None:
            missing.append(above)
            above = str(remote.parent(above))
        if missing:
            self._together({"": lambda tick: remote.makedirs(base, exist_ok=True)})
        self._is_placed = True
        return missing

    @contextmanager
    def trial(self) -> Iterator[bool]:
        """Write a file there and take it away again. Raises RemoteUnreachableError where that cannot be.

        False, and nothing but asked, where files cannot be taken away.
        """
        remote, folder, _ = self._connect()
        if remote.protocol in ("http", "https"):
            self.found([NOBODYS])
            yield False
            return
        made = self._make()
        path = remote.join(remote.parent(remote.parent(folder)), f".mlgit-{os.urandom(8).hex()}")
        try:
            try:
                self._together({"": lambda tick: _put_empty(remote, path, tick)})
            except BaseException:
                with suppress(Exception):  # it may have come all the same
                    self._take_away(remote, path)
                raise
            self._take_away(remote, path)
            yield True
        except BaseException:
            with suppress(Exception):  # what is told is why it failed
                self._together({"": lambda tick: [remote.rmdir(each) for each in made]})
            raise

    def _take_away(self, remote: Any, path: str) -> None:
        """Remove a file, unless it never came."""
        if self._together({"": cloud_calls.ask(remote, path)})[""] is not None:
            self._together({"": lambda tick: remote.remove(path)})

    def _base(self) -> tuple[Any, str]:
        remote, folder, _ = self._connect()
        above = remote.parent(remote.parent(folder))
        return remote, str(remote.parent(above) if self._below else above)

    def examine(self, sizes: Mapping[str, int | None], *, read: bool) -> dict[str, DamagedRemoteError | None]:
        """Those that are there, by the size and md5 that the storage gives or, with `read`, by their bytes.

        Raises RemoteUnreachableError.
        """
        if not sizes:
            return {}
        told = self._described(sizes)
        verdicts = {md5: _is_sound(self._address.scheme, each, md5, sizes[md5]) for md5, each in told.items()}
        unsure = [md5 for md5, verdict in verdicts.items() if (read and verdict is not False) or verdict is None]
        remote, folder, _ = self._connect()
        bytes_of = self._together({md5: cloud_calls.digest(remote, _place(remote, folder, md5)) for md5 in unsure})
        verdicts |= {md5: found == md5.removesuffix(".dir") for md5, found in bytes_of.items()}
        if False in verdicts.values():
            self._require_storage()
        return {md5: None if is_sound else DamagedRemoteError(self._address, md5) for md5, is_sound in verdicts.items()}

    def _listed(self, remote: Any, folder: str, md5s: list[str]) -> dict[str, object] | None:
        """All objects in the folders of these, and their sizes; None where there are so many that asking for each is faster."""
        first, *others = sorted({md5[:2] for md5 in md5s})
        seen = self._together({first: cloud_calls.listing(remote, remote.join(folder, first))})[first]
        if len(seen) * (len(others) + 1) > _PAGE * len(md5s):
            return None
        answers = self._together({prefix: cloud_calls.listing(remote, remote.join(folder, prefix)) for prefix in others})
        return {f"{prefix}{name}": size for prefix, names in [(first, seen), *answers.items()] for name, size in names.items()}

    def fetch(self, md5s: Iterable[str]) -> list[str]:
        """Bring what is missing here and is there; returns those that are gone.

        Raises DamagedRemoteError, with all others brought, and RemoteUnreachableError.
        """
        wanted = [md5 for md5 in dict.fromkeys(md5s) if not os.path.exists(self._here.path(md5))]
        if not wanted:
            return []
        remote, folder, _ = self._connect()
        remote.fs.invalidate_cache()
        calls = {md5: self._bring(remote, _place(remote, folder, md5), md5) for md5 in wanted}
        states = self._together(calls)
        damaged = [md5 for md5, state in states.items() if state == "damaged"]
        gone = [md5 for md5, state in states.items() if state == "gone"]
        if damaged:
            self._require_storage()
            raise DamagedRemoteError(self._address, damaged[0])
        if gone:
            self._require_place()
        return gone

    def _bring(self, remote: Any, source: str, md5: str) -> Callable[[Tick], str]:
        target = self._here.path(md5)

        def bring(tick: Tick) -> str:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            temporary = f"{os.path.dirname(target)}/.{os.urandom(12).hex()}.tmp"
            try:
                try:
                    remote.get_file(source, temporary, callback=internals.progress(tick), **internals.in_small_steps(remote))
                except FileNotFoundError as error:
                    if is_gone(error):
                        return "gone"
                    raise
                if hashing.file_md5(temporary) != md5.removesuffix(".dir"):
                    return "damaged"
                os.chmod(temporary, 0o444)
                os.replace(temporary, target)
                return "brought"
            finally:
                Path(temporary).unlink(missing_ok=True)

        return bring

    def push(self, md5s: Iterable[str]) -> None:
        """Send what is here and there not, or not as a whole. Raises RemoteUnreachableError where one could not be sent."""
        wanted = [md5 for md5 in dict.fromkeys(md5s) if os.path.exists(self._here.path(md5))]
        if not wanted:
            return
        small = self._unasked(wanted)
        self.make()
        there = self.whole(md5 for md5 in wanted if md5 not in small)
        remote, folder, _ = self._connect()
        self._together({md5: self._send(remote, _place(remote, folder, md5), md5) for md5 in wanted if md5 not in there})

    def _unasked(self, md5s: list[str]) -> set[str]:
        """Those to send without asking whether they are there: that costs more than they do.

        Only storage that puts an object in place as a whole may be given again what it has.
        """
        if self._address.scheme not in _WHOLE:
            return set()
        return {md5 for md5 in md5s if os.path.getsize(self._here.path(md5)) <= _SMALL}

    def _send(self, remote: Any, target: str, md5: str) -> Callable[[Tick], None]:
        def send(tick: Tick) -> None:
            source = self._here.path(md5)
            if hashing.file_md5(source) != md5.removesuffix(".dir"):
                raise damaged_at(md5)
            remote.makedirs(remote.parent(target), exist_ok=True)
            remote.put_file(source, target, callback=internals.progress(tick), size=os.path.getsize(source))

        return send

    def runs(self, key: str) -> dict[str, bytes]:
        """The files in the key's folder. As in DVC, there are none on a server that lists no folders (HTTP)."""
        remote, folder, _ = self._connect()
        if remote.protocol in ("http", "https"):
            return {}
        place = remote.join(remote.parent(remote.parent(folder)), "runs", key[:2], key)
        names = self._together({"": cloud_calls.listing(remote, place)})[""]
        if not names:
            self._require_place()
        return self._together({name: cloud_calls.read(remote, remote.join(place, name)) for name in names})

    def _connect(self) -> tuple[Any, str, Mapping[str, Any]]:
        if self._connected is None:
            connect = partial(internals.remote_files, self._dvc_folder, self._address.name, config=self._config)
            remote, folder, options = self._together({"": lambda tick: connect()})[""]
            if self._below:
                folder = remote.join(remote.parent(remote.parent(folder)), self._below, "files", "md5")
            self._connected = (remote, folder, options)
        return self._connected

    def _together(self, calls: Mapping[str, Callable[[Tick], T]]) -> dict[str, T]:
        """The answers to all calls. Raises RemoteUnreachableError for the first that failed, and where none comes."""
        options = self._connected[2] if self._connected else {}
        jobs = self._connected[0].jobs if self._connected else 1
        try:
            answers = transfers.together(
                calls,
                jobs=jobs,
                seconds=_limit(options),
                subject=f"the DVC remote {self._address}",
            )
        except StalledError as error:
            raise RemoteUnreachableError(
                self._address, str(error), "try again later, or wait longer with --timeout, as in `--timeout 5m`"
            ) from error
        for answer in answers.values():
            if isinstance(answer, OSError) and answer.errno in disks.FULL:
                raise MlgitError(
                    f"{self._here.root}: {os.strerror(answer.errno)}", "free disk space there, or fix permissions"
                ) from answer
            if isinstance(answer, DamagedObjectError):
                raise answer
            if isinstance(answer, Exception):
                raise unreachable(self._address, answer, options=options) from answer
        return answers  # type: ignore[return-value]


def _put_empty(remote: Any, path: str, tick: Tick) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as empty:
        remote.put_file(empty.name, path, callback=internals.progress(tick), size=0)


def _is_of_a_storage(scheme: str, told: Mapping[str, Any]) -> bool:
    """Whether only a storage says that of an object: any web server may say 200, with a page to sign in."""
    return scheme not in ("http", "https") and (scheme != "s3" or bool(told.get("ETag")))


def _is_sound(scheme: str, told: Mapping[str, Any], md5: str, size: int | None) -> bool | None:
    """Whether an object is what its name says, by what its storage tells of it; None where only its bytes can say.

    S3's ETag is the md5 of what was sent in one piece and not encrypted with a key of the customer's; another ETag proves
    nothing.
    """
    there = told.get("size")
    if isinstance(there, int) and size is not None and there != size:
        return False
    digest = told.get("md5Hash")  # Google's, in base64
    if digest is None and scheme == "azure":
        digest = getattr(told.get("content_settings"), "content_md5", None)
    if digest:
        raw = base64.b64decode(digest) if isinstance(digest, str) else bytes(digest)
        return raw.hex() == md5.removesuffix(".dir")
    tag = str(told.get("ETag", "")).strip('"').lower() if scheme == "s3" else ""
    if re.fullmatch("[0-9a-f]{32}", tag) and tag != md5.removesuffix(".dir"):
        return None if isinstance(there, int) and there <= _READ_TO_BE_SURE else True
    return True


def _place(remote: Any, folder: str, md5: str) -> str:
    return str(remote.join(folder, md5[:2], md5[2:]))


def _limit(options: Mapping[str, Any]) -> float:
    """The seconds to wait for a sign of life: the user's, those that the remote's own options allow, else a minute."""
    chosen = transfers.limit.get()
    if chosen is not None:
        return chosen
    own = [options[key] for key in ("read_timeout", "timeout") if isinstance(options.get(key), (int, float))]
    return max([transfers.LIMIT, *map(float, own)])
