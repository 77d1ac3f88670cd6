"""Files that runs and logged models keep: content-addressed, and in no cache that `dvc gc` looks at."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlgit.adapters.system import files, state_files
from mlgit.errors import MlgitError
from mlgit.experiments.record_refs import Repository
from mlgit.experiments.run import LoggedFile, is_model_id, is_run_id


class RunArtifacts:
    """The files of all runs and logged models of one repository. An `owner` is the id of either."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def put(self, owner: str, sources: Mapping[str, Path]) -> None:
        """Keep files: path below the owner's artifacts -> the file to read. What was there is replaced.

        Raises MlgitError for a path that would lead out, and for a source that is no file.
        """
        index = self._index(owner)
        for path, source in sources.items():
            content = files.read_bytes(source)
            digest = hashlib.sha256(content).hexdigest()
            place = self._place(digest)
            if not place.exists():
                state_files.make_folder(str(place.parent))
                files.write_atomic(place, content, mode=0o444)
            index[_checked(path)] = (len(content), digest)
        self._write(owner, index)

    def inside(self, owner: str, path: str = "") -> list[LoggedFile]:
        """The files and folders right below a folder of an owner's artifacts, by name; [] for a file and for nothing."""
        start = f"{_checked(path)}/" if path.strip("/") else ""
        found: dict[str, LoggedFile] = {}
        for each, (size, _) in self._index(owner).items():
            if each.startswith(start):
                name, slash, _ = each.removeprefix(start).partition("/")
                found[start + name] = LoggedFile(start + name, None if slash else size)
        return [found[each] for each in sorted(found)]

    def paths(self, owner: str, path: str = "") -> list[str]:
        """The paths of all files that are a path, or lie below it."""
        asked = _checked(path) if path.strip("/") else ""
        return sorted(each for each in self._index(owner) if not asked or each == asked or each.startswith(f"{asked}/"))

    def read(self, owner: str, path: str) -> bytes:
        """The content of a file. Raises MlgitError where there is none."""
        found = self._index(owner).get(_checked(path))
        if found is None:
            raise MlgitError(f"{owner} has no file '{path}'", "list what it has")
        return files.read_bytes(self._place(found[1]), name=path)

    def get(self, owner: str, path: str, *, to: Path) -> None:
        """Write a file's content to a place. Raises MlgitError where there is none."""
        files.write_atomic(to, self.read(owner, path))

    def delete(self, owner: str, path: str = "") -> None:
        """Take away a file, a folder, or all."""
        gone = set(self.paths(owner, path))
        self._write(owner, {each: kept for each, kept in self._index(owner).items() if each not in gone})

    def missing(self, owners: Iterable[str]) -> list[str]:
        """The digests of files of these owners that this clone does not have."""
        wanted = {digest for each in owners for _, digest in self._index(each).values()}
        return sorted(each for each in wanted if not self._place(each).exists())

    def _place(self, digest: str) -> Path:
        return self._repository.own / "artifacts" / digest[:2] / digest[2:]

    def _list_file(self, owner: str) -> Path:
        if not (is_run_id(owner) or is_model_id(owner)):
            raise MlgitError(f"'{owner}' is the id of no run and no logged model")
        return self._repository.own / "artifacts" / "owners" / f"{owner}.json"

    def _index(self, owner: str) -> dict[str, tuple[int, str]]:
        place = self._list_file(owner)
        if not os.path.lexists(place):
            return {}
        return {path: (size, digest) for path, (size, digest) in json.loads(files.read_bytes(place)).items()}

    def _write(self, owner: str, index: Mapping[str, tuple[int, str]]) -> None:
        place = self._list_file(owner)
        state_files.make_folder(str(place.parent))
        files.write_atomic(place, json.dumps(index, sort_keys=True))


def _checked(path: str) -> str:
    """A path below the artifacts as it is kept. Raises MlgitError for one that leads out of them."""
    parts = [each for each in path.replace("\\", "/").split("/") if each not in ("", ".")]
    if path.startswith("/") or not parts or ".." in parts or any(ord(each) < 32 or ord(each) == 127 for each in path):
        raise MlgitError(f"'{path}' is no path of a logged file", "give one below the artifacts, without '..'")
    return "/".join(parts)
