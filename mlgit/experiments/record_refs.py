"""Records of one kind, a ref each: the newest commit of the ref holds the record's file. Read in bulk, and kept by commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

from mlgit.adapters.git import git
from mlgit.adapters.git.loose_objects import FILE, LooseObjects, TreeRows, shared_folder
from mlgit.adapters.git.object_pipe import ObjectPipe
from mlgit.adapters.git.ref_updates import RefMove, RefMovedError, RefUpdates
from mlgit.adapters.system import stat_signature
from mlgit.adapters.system.fork_lock import ForkLock
from mlgit.adapters.system.stat_signature import Stamp
from mlgit.errors import MlgitError
from mlgit.experiments.record_index import RecordIndex
from mlgit.experiments.run import MissingRecordError
from mlgit.render.text import plain


class _Record(Protocol):
    @property
    def id(self) -> str: ...


Record = TypeVar("Record", bound=_Record)
Answer = TypeVar("Answer")
AUTHOR = "mlgit <runs@mlgit.invalid>"
Stamps = tuple[Stamp | None, ...]
_FEW = 20
_TRIES = 50
_LAST_TIME = 253_402_300_799
_LARGEST = 64 << 20


class Repository:
    """What all records of a repository are read and written by."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.shared = shared_folder(root)
        self.objects = LooseObjects(self.shared)
        self.pipe = ObjectPipe(root)
        self.updates = RefUpdates(root, nothing=self.objects.nothing, reason="mlgit exp")

    @cached_property
    def person(self) -> str:
        """Who writes here, as Git was told: `NAME <EMAIL>`; mlgit itself where it was not."""
        try:
            return git.committer(self.root).rsplit(" ", 2)[0]
        except MlgitError:
            return AUTHOR

    @property
    def own(self) -> Path:
        """The folder of what mlgit keeps for this clone."""
        return self.shared / "mlgit"


class KindOfRecord(NamedTuple, Generic[Record]):
    """How records of one kind are kept: below which refs and in which file, what messages call one, and how it is read."""

    space: str
    file: str
    word: str
    is_id: Callable[[str], bool]
    decode: Callable[[bytes, str, str], Record]  # content, where, commit


class RecordRefs(Generic[Record]):
    """The records of one kind in one repository."""

    def __init__(self, repository: Repository, kind: KindOfRecord[Record]) -> None:
        self._repository, self._kind = repository, kind
        self._kept: dict[str, tuple[str, Record]] = {}  # id -> commit, and what it holds
        shared = repository.shared
        # To write a ref changes one of these, whatever form it has: loose, packed, or in a reftable
        self._places = [f"{shared}/{each}" for each in (kind.space.rstrip("/"), "packed-refs", "reftable/tables.list")]
        self._index = RecordIndex(f"{repository.own}/cache", kind.space.rstrip("/").rpartition("/")[2])
        self._lock = ForkLock()
        self._seen: dict[str, Stamps] = {}  # what was asked for ('' for all) -> the state of refs that answered it

    def get(self, record_id: str) -> Record:
        """The record with this id as it is now. Raises MissingRecordError for none."""
        found = self.find(record_id)
        if found is None:
            raise MissingRecordError(f"there is no {self._kind.word} '{record_id}' here", "`mlgit pull` brings those of others")
        return found

    def find(self, record_id: str) -> Record | None:
        """The record with this id as it is now, or None."""
        if not self._kind.is_id(record_id):
            return None
        stamps = self._stamps()
        kept = self._kept.get(record_id)
        if kept and stamps and stamps in (self._seen.get(record_id), self._seen.get("")):
            return kept[1]
        ref = f"{self._kind.space}{record_id}"
        commit, file = self._repository.pipe.ask([ref, f"{ref}:{self._kind.file}"])
        if commit is None:
            return None
        if file is None or commit.kind != "commit":
            raise MlgitError(f"{ref} holds no {self._kind.file}", f"`git log {ref}` tells who wrote it")
        self._seen[record_id] = stamps
        return self._read(record_id, commit.oid, file.content)

    def _stamps(self) -> Stamps:
        """The state of refs; () for one that could change without showing it, since it is so new."""
        now = time.time_ns()
        found = tuple([stat_signature.of(each) for each in self._places])
        return () if any(each and stat_signature.is_racy(each, now) for each in found) else found

    def all(self) -> dict[str, Record]:
        """All records by id, as they are now; what is no record is passed over."""
        with self._lock:
            stamps = self._stamps()
            if not stamps or self._seen.get("") != stamps:
                self._refresh()
                self._seen = {"": stamps}
            return {each: record for each, (_, record) in self._kept.items()}

    def _refresh(self) -> None:
        rows = git.run(self._repository.root, "for-each-ref", "--format=%(objectname) %(refname)", self._kind.space).text
        here = {ref.removeprefix(self._kind.space): oid for oid, ref in map(str.split, rows.splitlines())}
        new = [(each, oid) for each, oid in here.items() if self._kept.get(each, ("",))[0] != oid and self._kind.is_id(each)]
        noted = self._index.find([oid for _, oid in new]) if len(new) > _FEW else {}
        left = [row for row in new if not self._take(*row, noted.get(row[1], b""))]
        contents = git.read_objects(self._repository.root, [f"{oid}:{self._kind.file}" for _, oid in left])
        read = [(each, oid, contents.get(f"{oid}:{self._kind.file}", ("", b""))[1]) for each, oid in left]
        self._index.add([(oid, content) for each, oid, content in read if self._take(each, oid, content)])
        for gone in self._kept.keys() - here.keys():
            del self._kept[gone]

    def _take(self, record_id: str, commit: str, content: bytes) -> bool:
        """Take in what a commit holds; whether it is a record. Who asks for one that is none is told why."""
        self._kept.pop(record_id, None)
        with suppress(MlgitError):
            return bool(content) and self._read(record_id, commit, content) is not None
        return False

    def _read(self, record_id: str, commit: str, content: bytes) -> Record:
        kept = self._kept.get(record_id)
        if kept and kept[0] == commit:
            return kept[1]
        if len(content) > _LARGEST:
            raise MlgitError(f"{self._kind.space}{record_id}: its {self._kind.file} is larger than {_LARGEST >> 20} MiB")
        record = self._kind.decode(content, f"{self._kind.file} at {commit[:10]}", commit)
        if record.id != record_id:
            raise MlgitError(
                f"{self._kind.space}{record_id} holds another one", f"`git log {self._kind.space}{record_id}` tells more"
            )
        with self._lock:
            self._kept[record_id] = (commit, record)
        return record

    def file_of(self, commit: str, name: str) -> bytes | None:
        """Another file of a record's commit."""
        found = self._repository.pipe.ask([f"{commit}:{name}"])[0] if commit else None
        return found.content if found else None

    def rows_of(self, commit: str) -> TreeRows:
        """What stands in a record's commit: name -> mode and id; nothing for no commit."""
        found = self._repository.pipe.ask([f"{commit}^{{tree}}"])[0] if commit else None
        return self._repository.objects.rows(found.content) if found else {}

    def write(
        self,
        record_id: str,
        *,
        content: bytes,
        upon: str,
        message: str,
        when: int,
        rows: TreeRows | None = None,
        parents: Sequence[str] = (),
        before: TreeRows | None = None,
    ) -> str:
        """Write a record and take its ref on; the new commit.

        `upon` is the commit it was read from ('' for a new one), `when` is in milliseconds, `rows` are what else stands in
        the commit; where that is all as it was `before`, nothing is written. Raises RefMovedError where another process
        wrote it first.
        """
        if upon and before and {**(rows or {}), self._kind.file: self._row(content)} == before:
            return upon
        above = [upon] if upon else [each for each in parents if each]
        commit = self.commit(content=content, message=message, when=when, rows=rows, parents=above)
        self.move({record_id: (commit, upon)})
        self._index.add([(commit, content)])
        return commit

    def _row(self, content: bytes) -> tuple[str, str]:
        return FILE, self._repository.objects.blob(content)

    def commit(
        self, *, content: bytes, message: str, when: int, rows: TreeRows | None = None, parents: Sequence[str] = ()
    ) -> str:
        """Write the commit of a record, and move nothing; see `write`."""
        objects = self._repository.objects
        found = {**(rows or {}), self._kind.file: self._row(content)}
        tree = objects.tree((name, mode, oid) for name, (mode, oid) in found.items())
        signature = f"{self._repository.person} {min(max(when // 1000, 0), _LAST_TIME)} +0000"
        return objects.commit(tree, message=plain(message), signature=signature, parents=parents)

    def move(self, to: Mapping[str, tuple[str, str]]) -> None:
        """Take refs on, all or none: id -> commit, and where the ref is ('' for nowhere). Raises RefMovedError."""
        self._repository.updates.move([RefMove(f"{self._kind.space}{each}", *row) for each, row in to.items()])


def retried(write: Callable[[], Answer]) -> Answer:
    """Read, change and write a record anew as long as another process is faster."""
    for _ in range(_TRIES):
        try:
            return write()
        except RefMovedError:
            time.sleep(0.01)
    return write()
