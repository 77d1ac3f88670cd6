"""The door to DVC's private modules, with `borrowed` and `templating`. DVC is imported late: it is slow to import.

Pinned to the DVC range of pyproject.toml; what is used of it is listed in docs/internals.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlgit.errors import MlgitError


def sentence(error: BaseException) -> str:
    """What an error of DVC says, with its causes."""
    causes = [str(error)]
    while error.__cause__ is not None and len(causes) < 4:
        error = error.__cause__
        if str(error) and str(error) not in causes[-1]:
            causes.append(str(error))
    return ": ".join(causes)


def ignore_filter(root: Path) -> Callable[[str, bool], bool]:
    """A function that says whether .dvcignore files exclude a path, given as absolute path and whether it is a folder."""
    from dvc.fs import localfs
    from dvc.ignore import DvcIgnoreFilter

    matcher = DvcIgnoreFilter(localfs, str(root))

    def ignored(path: str, is_folder: bool) -> bool:
        return bool(matcher.is_ignored_dir(path) if is_folder else matcher.is_ignored_file(path))

    return ignored


def output_filter(root: Path) -> Callable[[str, bool], str]:
    """A function that says which pattern of .dvcignore forbids an output, given from the root; '' where none does.

    Before an output is `made`, DVC takes a pattern for folders as meant for others; once it is there, it counts.
    """
    from dvc.fs import localfs
    from dvc.ignore import DvcIgnoreFilter

    matcher = DvcIgnoreFilter(localfs, str(root))

    def pattern(path: str, made: bool) -> str:
        full = f"{root}/{path}"
        if not matcher.is_ignored(localfs, full, ignore_subrepos=False):
            return ""
        found = matcher.check_ignore(full)
        return str(found.pattern_infos[-1].file_info) if found.match else "a pattern" if made else ""

    return pattern


def dumps(document: Mapping[str, Any]) -> str:
    """A document as DVC's serializer writes it, for values whose text mlgit does not write itself."""
    from dvc.utils.serialize import dumps_yaml

    return str(dumps_yaml(document))


def renew(text: str, document: Mapping[str, Any]) -> str:
    """The text of a `.dvc` file made to say what `document` says; comments and the order of keys stay, as in DVC."""
    from dvc.utils.collections import apply_diff
    from dvc.utils.serialize import parse_yaml_for_update

    kept = parse_yaml_for_update(text, "")
    apply_diff(dict(document), kept)
    return dumps(kept)


def rewrite(text: str, changes: Mapping[str, str] | None = None) -> str:
    """The text of a lock as DVC leaves it when it writes stages into it: what it does not write keeps comments and style.

    `changes` are the texts of the stages by name, as they stand in a lock.
    """
    from dvc.utils.serialize import loads_yaml, parse_yaml_for_update

    document = parse_yaml_for_update(text, "")
    if changes:
        document["stages"] = document.get("stages", {})
        document["stages"].update(loads_yaml("".join(changes.values())))
    return dumps(document)


def add(root: Path, paths: list[str]) -> None:
    """Let DVC itself track paths (absolute): what it knows of other formats stays its own.

    Raises MlgitError with DVC's words.
    """
    import logging

    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.CRITICAL)
    with own_errors(), Repo(str(root)) as repo:
        repo.add(paths)


class RemoteObjects:
    """The objects of a remote, by md5, to and from a cache folder; the project's settings say how to reach it."""

    def __init__(self, dvc_folder: Path, name: str, cache_folder: str) -> None:
        from dvc.config import Config
        from dvc.fs import get_cloud_fs, localfs
        from dvc_data.hashfile.db import get_odb

        _silence()
        with own_errors():
            kind, options, path = get_cloud_fs(Config(dvc_dir=str(dvc_folder)), name=name)
            files = kind(**options)
        self._there = get_odb(files, files.join(path, "files", "md5"), hash_name="md5", tmp_dir=cache_folder, **options)
        self._here = get_odb(localfs, f"{cache_folder}/files/md5", hash_name="md5", tmp_dir=cache_folder)

    def push(self, md5s: Iterable[str]) -> None:
        """Send those that are here and missing there, as plain objects. Raises MlgitError when one could not be sent."""
        self._copy(self._here, self._there, md5s)

    def fetch(self, md5s: Iterable[str]) -> None:
        """Bring those that are there and missing here, as plain objects. Raises MlgitError when one could not be brought."""
        self._copy(self._there, self._here, md5s)

    def found(self, md5s: Iterable[str]) -> set[str]:
        """Those that are there. Raises MlgitError when the remote cannot be asked."""
        wanted = set(md5s)
        with own_errors():
            return set(self._there.oids_exist(wanted)) if wanted else set()

    def _copy(self, source: Any, target: Any, md5s: Iterable[str]) -> None:
        failed: list[tuple[str, BaseException]] = []
        with own_errors():
            wanted = set(md5s)
            missing = wanted.difference(target.oids_exist(wanted)) if wanted else set()
            found = sorted(source.oids_exist(missing)) if missing else []
            paths = [source.oid_to_path(md5) for md5 in found]
            if found:
                target.add(paths, source.fs, found, check_exists=False, on_error=lambda md5, error: failed.append((md5, error)))
        if failed:
            md5, error = failed[0]
            raise MlgitError(f"object {md5}: could not be copied: {sentence(error)}", "`dvc status -c` shows what is missing")


def _silence() -> None:
    import logging

    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise MlgitError, in DVC's words, for what DVC raises."""
    from dvc.exceptions import DvcException
    from dvc_objects.errors import ObjectDBError, ObjectFormatError

    try:
        yield
    except (DvcException, ObjectDBError, ObjectFormatError, OSError, ValueError) as error:  # a ValueError: params: ["a.*"]
        raise MlgitError(sentence(error)) from error
    except ImportError as error:
        raise MlgitError(
            sentence(error), "install what DVC needs for this kind of path, for example `pip install dvc[s3]`"
        ) from error
