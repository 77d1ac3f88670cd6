"""Files that MLflow wrote on this machine: below the folders that the user named, and nowhere else.

A store names the places of its files by absolute paths. One that somebody sent may name `/home/ada/.ssh`, and one
that was moved names what is no longer there; so only the end of a path counts, below a folder that the user gave. Links are not
followed.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from mlgit.experiments.run import LoggedRun, ModelRecord

_BELOW = ("", "mlruns", "mlartifacts", "artifacts")
_SHOWN = 5


class LocalArtifacts:
    """Artifacts below some folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [os.path.realpath(each) for each in folders]
        self._elsewhere: dict[str, int] = {}
        self._links = 0

    def files(self, place: str, *, known: Callable[[], Collection[str]]) -> Mapping[str, Path]:
        """The files at a place that are not among those `known`: path below it -> file."""
        uri, _, rest = place.partition("\n")
        ends = rest.split("\n") if rest else []
        found = next((each for end in ends for each in self._candidates(uri, end)), "")
        if not found:
            self._tell(uri, ends)
            return {}
        return self.below(found, known=known)

    def below(self, folder: str, *, known: Callable[[], Collection[str]]) -> Mapping[str, Path]:
        """The files below a folder that are not among those `known`."""
        there = dict(self._walk(os.path.realpath(folder)))
        here = set(known()) if there else set()
        return {path: file for path, file in there.items() if path not in here}

    def _candidates(self, uri: str, end: str) -> Iterator[str]:
        own = _local_path(uri)
        if own and os.path.isdir(own) and any(_is_below(os.path.realpath(own), folder) for folder in self._folders):
            yield os.path.realpath(own)
        for folder in self._folders:
            for each in _BELOW:
                inner = os.path.join(folder, each, end)
                if os.path.isdir(inner) and _is_below(os.path.realpath(inner), folder):
                    yield os.path.realpath(inner)

    def _walk(self, top: str) -> Iterator[tuple[str, Path]]:
        for folder, folders, names in os.walk(top):
            linked = [each for each in folders if os.path.islink(os.path.join(folder, each))]
            self._links += len(linked)
            folders[:] = sorted(set(folders) - set(linked))
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    self._links += 1
                    continue
                yield os.path.relpath(path, top).replace(os.sep, "/"), Path(path)

    def _tell(self, uri: str, ends: Sequence[str]) -> None:
        """A run without files has no folder: only what is there, or lies with somebody else, is worth a word."""
        own = _local_path(uri)
        if uri.startswith("mlflow-artifacts:"):
            return
        if not own:
            scheme = urllib.parse.urlsplit(uri).scheme
            if scheme:
                self._elsewhere[f"{scheme}://"] = self._elsewhere.get(f"{scheme}://", 0) + 1
        elif os.path.isdir(own):
            top = own
            for end in ends:
                top = own.removesuffix(end) if own.endswith(end) else top
            self._elsewhere[top] = self._elsewhere.get(top, 0) + 1

    def missed(self) -> list[str]:
        """What was not read, and why."""
        told = [
            f"the files, if there are any, of {count:,} runs or models are at {where}"
            + ("" if "://" in where else f": `--artifacts {where}` takes them, too")
            for where, count in sorted(self._elsewhere.items())[:_SHOWN]
        ]
        return told + ([f"{self._links:,} links and special files among the artifacts were left out"] if self._links else [])


def place_of_run(uri: str, run: LoggedRun) -> str:
    """Where a run's files may be: the URI that the store has, and the ends of paths below a folder."""
    return f"{uri}\n{run.experiment_id}/{run.id}/artifacts"


def place_of_model(uri: str, model: ModelRecord) -> str:
    """Where a logged model's files may be."""
    return f"{uri}\n{model.experiment_id}/models/{model.id}/artifacts"


def _local_path(uri: str) -> str:
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme == "file":
        return urllib.parse.unquote(parts.path)
    return uri if not parts.scheme and os.path.isabs(uri) else ""


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)
