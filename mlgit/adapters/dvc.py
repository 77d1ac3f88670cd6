"""The only door to DVC's private modules. Each import happens where it is needed: DVC is slow to import.

Pinned to the DVC range of pyproject.toml; what is used of it is listed in docs/internals.md.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from mlgit.errors import MlgitError


class _TextFiles:
    """The few file-system calls that DVC's resolver makes, answered from a function path -> text."""

    def __init__(self, text: Callable[[str], str | None]) -> None:
        self._text = text
        self.join = posixpath.join
        self.normpath = posixpath.normpath

    def exists(self, path: str) -> bool:
        return self._text(posixpath.normpath(path)) is not None

    def isdir(self, path: str) -> bool:
        return False

    def suffix(self, path: str) -> str:
        return posixpath.splitext(path)[1]

    def open(self, path: str, encoding: str = "utf-8") -> IO[str]:
        import io

        text = self._text(posixpath.normpath(path))
        if text is None:
            raise FileNotFoundError(path)
        return io.StringIO(text)


class _RepoStandIn:
    """What DVC's resolver takes from a repository: its files and its parsing options."""

    def __init__(self, files: _TextFiles, options: Mapping[str, str]) -> None:
        self.fs = files
        self.config = {"parsing": dict(options)}


def resolve(
    document: Mapping[str, Any], *, folder: str, text: Callable[[str], str | None], options: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The stages of a parsed dvc.yaml with `${}`, vars, foreach and matrix resolved, by DVC's own resolver.

    `folder` is the file's folder, and `text` reads a file, both relative to the project's root; `options` is the
    `[parsing]` section of DVC's configuration. Raises MlgitError with DVC's words, which name file and place.
    """
    from dvc.exceptions import DvcException
    from dvc.parsing import DataResolver

    try:
        resolver = DataResolver(_RepoStandIn(_TextFiles(text), options), folder, dict(document))
        return {name: resolver.resolve_one(name)[name] for name in resolver.get_keys()}
    except DvcException as error:
        raise MlgitError(_sentence(error), "define the name in params.yaml or under `vars:`") from error


def _sentence(error: BaseException) -> str:
    causes = [str(error)]
    while error.__cause__ is not None and len(causes) < 4:
        error = error.__cause__
        if str(error) and str(error) not in causes[-1]:
            causes.append(str(error))
    return ": ".join(causes)


def ignore_filter(root: Path) -> Callable[[str], bool]:
    """A function that says whether .dvcignore files exclude a path relative to the project's root."""
    from dvc.fs import localfs
    from dvc.ignore import DvcIgnoreFilter

    matcher = DvcIgnoreFilter(localfs, str(root))

    def ignored(path: str) -> bool:
        return bool(matcher.is_ignored_file(str(root / path)))

    return ignored


def dumps(document: Mapping[str, Any]) -> str:
    """A document as DVC's serializer writes it, for values whose text mlgit does not write itself."""
    from dvc.utils.serialize import dumps_yaml

    return str(dumps_yaml(document))
