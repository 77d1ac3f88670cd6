"""DVC's resolver of `${}`, vars, foreach and matrix, over texts in place of a repository.

With `dvc` the only door to DVC's private modules; imported where it is needed, for DVC is slow to import.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from mlgit.adapters.dvc.internals import sentence
from mlgit.adapters.formats import documents
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
        text = self._text(posixpath.normpath(path))
        if text is None:
            raise FileNotFoundError(path)
        documents.parse(text, name=path)  # what is wrong with a file is told better there
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
    place, found = posixpath.join(folder, "dvc.yaml"), {}
    with _refusals(place):
        resolver = _resolver(document, folder=folder, text=text, options=options)
        for section in ("artifacts", "datasets", "metrics", "params", "plots"):  # DVC resolves them whatever it is asked
            getattr(resolver, f"resolve_{section}")()
    for group, definition in resolver.definitions.items():
        with _refusals(f"{place}: stages.{group}"):
            repeated = getattr(definition, "get_generated_names", None)
            for name in repeated() if repeated else [group]:
                if name.count("@") > 1:  # DVC takes what follows the first one for the value, and the last one for the stage
                    message = f"{place}: stages: '{name}': a value of foreach or matrix cannot hold '@'"
                    raise MlgitError(message, "name it otherwise")
                found[name] = resolver.resolve_one(name)[name]
    return found


def resolve_artifacts(
    document: Mapping[str, Any], *, folder: str, text: Callable[[str], str | None], options: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """What stands under `artifacts:` of a parsed dvc.yaml with `${}` resolved; arguments and errors as for `resolve`."""
    with _refusals(posixpath.join(folder, "dvc.yaml")):
        return dict(_resolver(document, folder=folder, text=text, options=options).resolve_artifacts())


def resolve_plots(
    document: Mapping[str, Any], *, folder: str, text: Callable[[str], str | None], options: Mapping[str, str]
) -> list[Any]:
    """What stands under `plots:` of a parsed dvc.yaml with `${}` resolved; arguments and errors as for `resolve`."""
    with _refusals(posixpath.join(folder, "dvc.yaml")):
        return list(_resolver(document, folder=folder, text=text, options=options).resolve_plots())


def _resolver(
    document: Mapping[str, Any], *, folder: str, text: Callable[[str], str | None], options: Mapping[str, str]
) -> Any:
    from dvc.parsing import DataResolver

    return DataResolver(_RepoStandIn(_TextFiles(text), options), folder, dict(document))


# What DVC's resolver raises beside its own errors, for values that it does not expect.
_MISFITS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_UNSUPPORTED = re.compile(r"Unsupported value of type '(\w+)' in '(.*?):?([^:]*)'", re.DOTALL)


@contextmanager
def _refusals(where: str) -> Iterator[None]:
    """Whatever DVC's resolver raises, as MlgitError; `where` is the place in the pipeline file."""
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        message = sentence(error)
        raise MlgitError(
            message, "define the name in params.yaml or under `vars:`" if "Could not find" in message else ""
        ) from error
    except _MISFITS as error:
        strange = _UNSUPPORTED.fullmatch(str(error))
        if strange:
            message = f"{_place(strange[2], strange[3], where)}: a {strange[1]}, which DVC's templating cannot hold"
            raise MlgitError(message, "write a date as text, in quotes, a set or a tuple as a list") from error
        why = ": a value holds itself" if isinstance(error, RecursionError) else f": {error}" if str(error) else ""
        raise MlgitError(
            f"{where}: DVC cannot resolve it{why}",
            "`foreach` takes a list or a mapping, `matrix` lists, and none of them empty",
        ) from error


def _place(source: str, key: str, where: str) -> str:
    """The place of a value, which DVC calls by its file, as a row of `vars`, or as made while it resolves."""
    if source in ("", "<local>"):
        return f"{where}: {key}"
    return (
        f"{where.partition(': ')[0]}: {source}.{key}" if re.search(r"(?:^|\.)vars\[[0-9]+\]$", source) else f"{source}: {key}"
    )
