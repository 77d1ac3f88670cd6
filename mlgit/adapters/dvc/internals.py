"""The door to DVC's private modules, with `borrowed` and `templating`. DVC is imported late: it is slow to import.

Pinned to the DVC range of pyproject.toml; what is used of it is listed in docs/internals.md.
"""

from __future__ import annotations

import functools
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from mlgit.adapters.dvc.remote_errors import install
from mlgit.errors import MlgitError

_WEBDAV = ("webdav", "webdavs")
_BLOCK = 64 << 10  # bytes in one step of a transfer over WebDAV, which takes 4 MiB otherwise
_PART, _PARTS = 4 << 20, 4  # bytes of a part of an S3 object, and how many come together


def sentence(error: BaseException) -> str:
    """What an error of DVC says, with its causes."""
    causes = [str(error)]
    while error.__cause__ is not None and len(causes) < 4:
        error = error.__cause__
        if str(error) and str(error) not in causes[-1]:
            causes.append(str(error))
    return ": ".join(causes)


def ignore_filter(root: Path) -> Callable[[str, bool], bool]:
    """A function that says whether .dvcignore files exclude a path, given as absolute path and whether it is a folder.

    DVC, which takes as long to import as most commands take, is imported by the first question.
    """
    matcher = functools.cache(lambda: _matcher(root))

    def ignored(path: str, is_folder: bool) -> bool:
        with _readable():
            return bool(matcher().is_ignored_dir(path) if is_folder else matcher().is_ignored_file(path))

    return ignored


def output_filter(root: Path) -> Callable[[str, bool], str]:
    """A function that says which pattern of .dvcignore forbids an output, given from the root; '' where none does.

    Before an output is `made`, DVC takes a pattern for folders as meant for others; once it is there, it counts.
    """
    from dvc.fs import localfs

    matcher = _matcher(root)

    def pattern(path: str, made: bool) -> str:
        full = f"{root}/{path}"
        with _readable():
            if not matcher.is_ignored(localfs, full, ignore_subrepos=False):
                return ""
            found = matcher.check_ignore(full)
        return str(found.pattern_infos[-1].file_info) if found.match else "a pattern" if made else ""

    return pattern


def _matcher(root: Path) -> Any:
    from dvc.fs import localfs
    from dvc.ignore import DvcIgnoreFilter

    with _readable():
        return DvcIgnoreFilter(localfs, str(root))


@contextmanager
def _readable() -> Iterator[None]:
    """Patterns of .dvcignore are compiled when they are first asked."""
    try:
        yield
    except (OSError, ValueError, re.error) as error:
        raise MlgitError(f".dvcignore: cannot be read: {error}", "DVC cannot read it either: correct the pattern") from error


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


class DraftedConfiguration(NamedTuple):
    """A file of DVC's configuration as it would be, and the configuration that DVC would have then; nothing was written."""

    path: Path
    content: bytes
    config: Any


def draft_remote(dvc_folder: Path, name: str, options: Mapping[str, str], *, level: str, default: bool) -> DraftedConfiguration:
    """The file of a level ('repo', 'local', 'global' or 'system') with a remote, as `dvc remote add` and `modify` write it.

    A path among the options starts at the current folder. Raises MlgitError for what DVC would not take.
    """
    from dvc.config import Config

    written: dict[str, bytes] = {}

    class Files:
        def makedirs(self, path: str) -> None:
            """No folder is needed."""

        def open(self, path: str, mode: str = "r") -> IO[bytes]:
            return _Kept(path, written) if mode == "wb" else io.BytesIO(written.get(path) or Path(path).read_bytes())

    class Unwritten(Config):  # type: ignore[misc]
        def _get_fs(self, level: str) -> Files:
            return Files()

    with own_errors(), _named_options():
        config = Unwritten(dvc_dir=str(dvc_folder))
        with config.edit(level) as edited:
            edited["remote"][name.lower()] = dict(options)
            if default:
                edited["core"]["remote"] = name.lower()
        path = config.files[level]
        return DraftedConfiguration(Path(path), written[path], config)


@contextmanager
def _named_options() -> Iterator[None]:
    """Raise MlgitError, by the name of the option, where DVC knows none of a remote or takes no such value for it."""
    from dvc.config import ConfigError

    try:
        yield
    except ConfigError as error:
        found = re.search(r"(?:error: )?([^:]*) @ data\['remote'\]\['[^']*'\]\['([^']*)'\]", str(error))
        if not found:
            raise
        told = "unknown for this kind of remote" if found[1].strip().startswith("extra keys") else found[1].strip()
        raise MlgitError(
            f"option '{found[2]}': {told}; nothing was written", "DVC's page on `dvc remote modify` lists those of each kind"
        ) from error


class _Kept(io.BytesIO):
    """A file that is kept under its path when it is closed."""

    def __init__(self, path: str, kept: dict[str, bytes]) -> None:
        super().__init__()
        self._path, self._kept = path, kept

    def close(self) -> None:
        self._kept[self._path] = self.getvalue()
        super().close()


def remote_files(dvc_folder: Path, name: str, *, config: Any = None) -> tuple[Any, str, Mapping[str, Any]]:
    """The file system of a remote, connected; where its objects of DVC 3 lie in it; and its options, secrets among them.

    `config` is that of a draft, instead of what is in the files. Raises whatever the plugin for this kind of remote raises.
    """
    from dvc.config import Config
    from dvc.fs import get_cloud_fs

    _silence()
    kind, options, path = get_cloud_fs(config or Config(dvc_dir=str(dvc_folder)), name=name)
    unasked = {} if _is_somebody_there() else {"client_factory": None}  # else the plugin asks for a password, of nobody
    files = kind(**options, **(unasked if kind.protocol == "ssh" else {}))
    connected = files.fs
    if files.protocol in _WEBDAV:
        connected.blocksize = _BLOCK
    return files, files.join(path, "files", "md5"), options


def _is_somebody_there() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def in_small_steps(files: Any) -> Mapping[str, int]:
    """What to tell `get_file` of a file system so that a slow transfer is seen to move: S3's steps are half a gigabyte."""
    if files.protocol == "s3":
        return {"chunksize": _PART, "max_concurrency": _PARTS}
    return {"block_size": _BLOCK} if files.protocol in _WEBDAV else {}


def progress(tick: Callable[[int], None]) -> Any:
    """A progress report for DVC's transfers that calls `tick` with the number of bytes whenever some moved."""
    from dvc.fs.callbacks import Callback

    class Ticking(Callback):  # type: ignore[misc]
        value: int

        def relative_update(self, inc: int = 1) -> None:
            self.value += inc
            tick(inc)

        def absolute_update(self, value: int) -> None:
            tick(value - self.value)
            self.value = value

    return Ticking()


def _silence() -> None:
    import logging

    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise MlgitError, in DVC's words, for what DVC raises."""
    from dvc.exceptions import DvcException
    from dvc.fs import RemoteMissingDepsError
    from dvc_objects.errors import ObjectDBError, ObjectFormatError

    try:
        yield
    except (DvcException, ObjectDBError, ObjectFormatError, OSError, ValueError) as error:  # a ValueError: params: ["a.*"]
        raise MlgitError(sentence(error)) from error
    except RemoteMissingDepsError as error:
        raise MlgitError(f"{sentence(error)}: {', '.join(error.missing_deps)}", install(error.protocol)) from error
    except ImportError as error:
        scheme = re.match("([a-z0-9]+) is supported, but requires", str(error))
        hint = install(scheme[1]) if scheme else "install what it names, or DVC anew: `pip install --force-reinstall dvc`"
        raise MlgitError(sentence(error), hint) from error
