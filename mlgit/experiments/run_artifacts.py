"""Files that runs and logged models keep: by md5, laid out as DVC does, in a store of the clone that `dvc gc` does not know.

Small ones stand in the commit of the run too, so that a plain `git clone` with its refs brings them.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from mlgit.adapters.git.loose_objects import FILE, FOLDER, TreeRows
from mlgit.adapters.system import files, state_files
from mlgit.errors import MlgitError
from mlgit.experiments import run_codec
from mlgit.experiments.record_refs import Repository
from mlgit.experiments.run import LoggedFile, checked_path
from mlgit.experiments.run_codec import LoggedFiles

SMALL, SMALL_TOGETHER = 64 << 10, 1 << 20  # bytes of a file, and of all of a run, that stand in its commit
FileChanges = Mapping[str, tuple[int, str] | None]
_PORTION = 1 << 20
_LONG_AGO = 24 * 3600.0


class FileContents:
    """The contents of files by their md5, in one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.root = f"{repository.own}/artifacts"

    def path(self, md5: str) -> str:
        """Where a content lies, or would."""
        return f"{self.root}/files/md5/{md5[:2]}/{md5[2:]}"

    def keep(self, source: Path) -> tuple[int, str]:
        """Keep the content of a file; its size and digest. Raises MlgitError for what is no file that can be read."""
        state_files.make_folder(self.root)
        temporary = f"{self.root}/{os.urandom(8).hex()}.tmp"
        try:
            with open(files.open_regular(str(source)), "rb") as reader, open(temporary, "xb") as writer:
                digest = hashlib.md5(usedforsecurity=False)
                size = 0
                while portion := reader.read(_PORTION):
                    digest.update(portion)
                    size += writer.write(portion)
            self._place(temporary, digest.hexdigest())
        except FileNotFoundError as error:
            raise MlgitError(f"{source}: no such file") from error
        except OSError as error:
            raise MlgitError(f"{source}: cannot be kept: {error.strerror}", "see that there is room") from error
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        return size, digest.hexdigest()

    def _place(self, temporary: str, digest: str) -> None:
        place = self.path(digest)
        with suppress(OSError):
            os.utime(place)  # it is about to be named: not old, for who looks for what nothing names
        if not os.path.exists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.chmod(temporary, 0o444 & ~files.current_umask())
            os.replace(temporary, place)

    def has(self, md5: str) -> bool:
        """Whether a content is in this clone's store."""
        return os.path.exists(self.path(md5))

    def rows(self, base: str, changes: FileChanges) -> TreeRows:
        """What stands in a commit for files: those of `base`, its parent, with changes."""
        found = self.listed(base)
        for path, kept in changes.items():
            found.pop(path, None)
            if kept is not None:
                found[path] = kept
        objects = self._repository.objects
        rows = {run_codec.FILES_FILE: (FILE, objects.blob(run_codec.encode_files(found)))}
        blobs: dict[str, str] = {}
        for path in in_commit(found):
            content = self._small(base, path, found[path][1])
            if content is not None:
                blobs[path] = objects.blob(content)
        rows[run_codec.ARTIFACTS] = (FOLDER, objects.folder(blobs))
        return rows

    def listed(self, commit: str) -> LoggedFiles:
        """The files that a commit of a run or logged model lists."""
        asked = f"{commit}:{run_codec.FILES_FILE}"
        found = self._repository.pipe.ask([asked])[0] if commit else None
        return run_codec.decode_files(found.content, where=asked) if found else {}

    def listed_by(self, commits: Sequence[str], *, strictly: bool = False) -> dict[str, LoggedFiles]:
        """The files that commits list, by commit; one that lists none is left out, and what is no list, too.

        Raises MlgitError for what is no list where that is asked `strictly`.
        """
        answers = self._repository.pipe.ask([f"{each}:{run_codec.FILES_FILE}" for each in commits])
        found: dict[str, LoggedFiles] = {}
        for commit, answer in zip(commits, answers, strict=True):
            if answer:
                with nullcontext() if strictly else suppress(MlgitError):
                    found[commit] = run_codec.decode_files(answer.content, where=commit)
        return found

    def lying_without(self, kept: Collection[str]) -> list[Path]:
        """The files of this store that are none of these contents, and no new ones either: those may be logged right now."""
        latest = time.time() - _LONG_AGO
        root = Path(self.root)
        lying = [path for path in root.glob("files/md5/??/*") if path.parent.name + path.name not in kept]
        return sorted(path for path in (*lying, *root.glob("*.tmp")) if path.stat().st_mtime < latest)

    def _small(self, commit: str, path: str, digest: str) -> bytes | None:
        """A small content, from the store or from the commit that lists it."""
        if self.has(digest):
            return files.read_bytes(Path(self.path(digest)))
        if not commit or "\n" in path:
            return None
        found = self._repository.pipe.ask([f"{commit}:{run_codec.ARTIFACTS}/{path}"])[0]
        return found.content if found and hashlib.md5(found.content, usedforsecurity=False).hexdigest() == digest else None

    def write(self, commit: str, path: str, digest: str, *, to: Path) -> None:
        """Write a content to a file. Raises MlgitError where this clone does not have it."""
        to.parent.mkdir(parents=True, exist_ok=True)
        if not self.has(digest):
            content = self._small(commit, path, digest)
            if content is None:
                raise MlgitError(
                    f"'{path}' is not in this clone",
                    "`mlgit exp pull` brings the files of a run, once `mlgit push` sent them where it was logged",
                )
            files.write_atomic(to, content)
            return
        temporary = to.parent / f".{os.urandom(8).hex()}.tmp"
        try:
            with open(self.path(digest), "rb") as reader, open(temporary, "xb") as writer:
                while portion := reader.read(_PORTION):
                    writer.write(portion)
            os.replace(temporary, to)
        except OSError as error:
            raise MlgitError(f"{to}: cannot be written: {error.strerror}", "see that there is room") from error
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


class RunArtifacts:
    """The files of all runs and logged models of one repository. An `owner` is the id of either."""

    def __init__(
        self,
        contents: FileContents,
        *,
        read: Callable[[str], tuple[str, LoggedFiles]],
        change: Callable[[str, list[list[Any]]], None],
    ) -> None:
        """`read` gives an owner's commit and files, `change` takes events of files (see `run_fold`)."""
        self._contents, self._read, self._change = contents, read, change

    def put(self, owner: str, sources: Mapping[str, Path]) -> None:
        """Keep files: path below the owner's artifacts -> the file to read. What was there is replaced.

        Raises MlgitError for a path that would lead out or is taken by a folder, and for a source that is no file.
        """
        there = self._read(owner)[1]
        events = []
        for path, source in sources.items():
            checked = checked_path(path)
            _refuse_crossing(checked, there)
            there[checked] = self._contents.keep(source)
            events.append(["a", checked, *there[checked]])
        if events:
            self._change(owner, events)

    def inside(self, owner: str, path: str = "") -> list[LoggedFile]:
        """The files and folders right below a folder of an owner's artifacts, by name; [] for a file and for nothing."""
        start = f"{checked_path(path)}/" if path.strip("/") else ""
        found: dict[str, LoggedFile] = {}
        for each, (size, _) in self._read(owner)[1].items():
            if each.startswith(start):
                name, slash, _ = each.removeprefix(start).partition("/")
                found[start + name] = LoggedFile(start + name, None if slash else size)
        return [found[each] for each in sorted(found)]

    def paths(self, owner: str, path: str = "") -> list[str]:
        """The paths of all files that are a path, or lie below it."""
        return sorted(_below(self._read(owner)[1], path))

    def get(self, owner: str, path: str, *, to: Path) -> None:
        """Write a file's content to a place. Raises MlgitError where there is none, or not in this clone."""
        commit, listed = self._read(owner)
        found = listed.get(checked_path(path))
        if found is None:
            raise MlgitError(f"{owner} keeps no file '{path}'", "list what it keeps")
        self._contents.write(commit, checked_path(path), found[1], to=to)

    def read(self, owner: str, path: str) -> bytes:
        """The content of a file. Raises MlgitError where there is none, or not in this clone."""
        with files.temporary_folder("logged-file") as folder:
            self.get(owner, path, to=folder / "file")
            return files.read_bytes(folder / "file")

    def delete(self, owner: str, path: str = "") -> None:
        """Take away a file, a folder, or all."""
        gone = _below(self._read(owner)[1], path)
        if gone:
            self._change(owner, [["da", each] for each in sorted(gone)])


def _below(listed: LoggedFiles, path: str) -> list[str]:
    asked = checked_path(path) if path.strip("/") else ""
    return [each for each in listed if not asked or each == asked or each.startswith(f"{asked}/")]


def in_commit(listed: LoggedFiles) -> list[str]:
    """The paths of those files that are small enough to stand in the commit that lists them."""
    found, together = [], 0
    for path in sorted(listed):
        size = listed[path][0]
        if size <= SMALL and together + size <= SMALL_TOGETHER and _is_for_git(path):
            found.append(path)
            together += size
    return found


def _refuse_crossing(path: str, there: LoggedFiles) -> None:
    """Raise MlgitError where a file would lie where a folder is, or below a file."""
    parts = path.split("/")
    above = next((each for number in range(1, len(parts)) if (each := "/".join(parts[:number])) in there), "")
    if above:
        raise MlgitError(f"'{path}' would lie below '{above}', which is a file", "choose another folder")
    if path not in there and any(each.startswith(f"{path}/") for each in there):
        raise MlgitError(f"'{path}' is a folder already", "choose another name")


def _is_for_git(path: str) -> bool:
    """Whether Git takes a path into a tree: nothing that looks like its own folder on some file system."""
    for each in path.casefold().split("/"):
        name = "".join(char for char in each if char.isprintable()).rstrip(". ")
        if name.startswith((".git", "git~")) or "\u200c" in each or len(os.fsencode(each)) > 255:
            return False
    return True
