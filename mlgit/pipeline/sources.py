"""Pipeline files of the workspace and of a revision, behind the same four verbs (`pipeline.load.Source`)."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from mlgit.adapters.dvc import gitignore, internals, templating
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.formats import documents
from mlgit.adapters.git.objects import GitObjects
from mlgit.adapters.system import files, stat_signature
from mlgit.errors import MlgitError

_NEVER = {".git", ".hg", ".dvc"}
_HIDDEN = "take it out of .gitignore and .dvcignore, or add a line that begins with `!`"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class _Documents:
    """What both sources share: parsing, with each file parsed once."""

    def __init__(self) -> None:
        self._parsed: dict[str, Any] = {}
        self._sections: dict[str, Mapping[str, Any]] = {}

    def text(self, path: str) -> str | None:
        raise NotImplementedError

    def document(self, path: str) -> Any:
        """The parsed content of a file, by its ending; {} for an empty or missing one."""
        if path not in self._parsed:
            text = self.text(path)
            self._parsed[path] = {} if text is None else self.parse(text, path)
        return self._parsed[path]

    def parse(self, text: str, name: str) -> Any:
        """The parsed content of a text, by the ending of its name."""
        return documents.parse(text, name=name)

    def parsed(self) -> Mapping[str, Any]:
        """The documents that are parsed already, by path."""
        return self._parsed

    def take_parsed(self, parsed: Mapping[str, Any]) -> None:
        """Take over what another source has parsed, for files whose text is the same in both."""
        self._parsed = {**parsed, **self._parsed}

    def dumps(self, document: Mapping[str, Any]) -> str:
        """A document as DVC writes it."""
        return internals.dumps(document)

    def resolve(self, path: str, document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The stages of a pipeline file with all templating done, in order."""
        return templating.resolve(document, folder=posixpath.dirname(path), text=self.text, options=self.parsing_options())

    def sections(self, path: str) -> Mapping[str, Any]:
        """What stands in a pipeline file beside its stages, parsed; stages, which take most of the time, may be left out."""
        if path not in self._sections:
            text = None if path in self._parsed else self.text(path)
            rest = None if text is None else _without_stages(text)
            try:
                found = self.document(path) if rest is None else self.parse(rest, path)
            except MlgitError:
                found = self.document(path)  # names the place in the file as it is
            self._sections[path] = found or {}
        return self._sections[path]

    def artifacts(self, path: str) -> Mapping[str, Mapping[str, Any]]:
        """What stands under `artifacts:` of a pipeline file, with all templating done."""
        document = self.sections(path)
        found = document.get("artifacts") or {}
        if "${" not in str(found):
            return dict(found)
        return templating.resolve_artifacts(
            document, folder=posixpath.dirname(path), text=self.text, options=self.parsing_options()
        )

    def plots(self, path: str) -> list[Any]:
        """What stands under `plots:` of a pipeline file, with all templating done."""
        document = self.sections(path)
        found = list(document.get("plots") or ())
        if "${" not in str(found):
            return found
        return templating.resolve_plots(
            document, folder=posixpath.dirname(path), text=self.text, options=self.parsing_options()
        )

    def parsing_options(self) -> Mapping[str, str]:
        return {}


_SECTION = re.compile(r"(?m)^(?![ #\n]|- )(?:([a-z]+):(?=[ \n])|)")
_STAGES = re.compile(r"(?ms)^stages:\n.*?(?=^[a-z]|\Z)")
# Where a text in quotes or something in brackets begins, and one that ends for sure before a line that is not indented.
_QUOTED_OR_FLOW = re.compile(r"(?m)(?:^|[:?-] |[&!][^ \n]* ) *(?=[\"'\[{])")
_PLAIN = r"""[^\[\]{}"'#\n]"""
_NESTED = _PLAIN
for _ in range(4):  # brackets within brackets, as deep as options of an output in a list
    _NESTED = rf"(?:{_PLAIN}|\{{{_NESTED}*\}}|\[{_NESTED}*\])"
_IN_PLACE = re.compile(
    r"""(?:"(?:[^"\\\n]|\\.|\\?\n(?=[ \n]))*"|'(?:[^'\n]|''|\n(?=[ \n]))*'(?!')"""
    rf"""|\[{_NESTED}*\]|\{{{_NESTED}*\}})(?= *(?: \#|\n|\Z)|:[ \n])"""
)
_ANCHOR = re.compile(r"(?:^|[\s\[{,])[&*][A-Za-z0-9_-]")
# Tabs, and what ends a line for YAML besides \n
_ODD = re.compile("[\t\r\x85\u2028\u2029]")


def _without_stages(text: str) -> str | None:
    """A pipeline file without its stages; None where the text is not laid out so that this is sure.

    Every line that is not indented has to begin a section by its plain name, or be an item of one, and not belong to a text
    in quotes or to brackets; no section may refer to another.
    """
    if _ODD.search(text) or any(not match[1] for match in _SECTION.finditer(text) if match.start() < len(text)):
        return None
    rest, number = _STAGES.subn("", text)
    return rest if number == 1 and not _ANCHOR.search(rest) and _values_end_in_place(text) else None


def _values_end_in_place(text: str) -> bool:
    begun = _QUOTED_OR_FLOW.search(text)
    while begun:
        ended = _IN_PLACE.match(text, begun.end())
        if not ended:
            return False
        begun = _QUOTED_OR_FLOW.search(text, ended.end())
    return True


class WorkspaceFiles(_Documents):
    """The files as they lie in the project's folder; `folders` are all folders the search looked into."""

    def __init__(self, root: Path, *, parsing: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.root = root
        self.folders: list[str] = []
        self.hidden: list[str] = []  # pipeline files and locks that Git ignores
        self.read: set[str] = set()
        self._texts: dict[str, str | None] = {}
        self._parsing = parsing or {}

    def parsing_options(self) -> Mapping[str, str]:
        return self._parsing

    def text(self, path: str) -> str | None:
        """The text of a file, or None where there is none; read once."""
        if path not in self._texts:
            full = self.root / path
            self.read.add(path)
            self._texts[path] = files.read_text(full, name=path) if full.is_file() else None
        return self._texts[path]

    def size(self, path: str) -> int | None:
        """The bytes that a file has, or None where there is none."""
        full = self.root / path
        return full.stat().st_size if full.is_file() else None

    def stream(self, path: str) -> BinaryIO:
        """A file that is there, opened for reading bytes."""
        try:
            return open(files.open_regular(str(self.root / path), name=path), "rb")
        except OSError as error:
            raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error

    def below(self, path: str) -> list[str]:
        """Every file of a folder, sorted; none where there is no folder."""
        folder = self.root / path
        return [f"{path}/{row[0]}" for row in stat_signature.scan(str(folder))] if folder.is_dir() else []

    def pipeline_files(self) -> list[str]:
        """Every dvc.yaml and .dvc file that neither Git nor DVC ignores, in the same order as those of a commit."""
        found: list[str] = []
        with gitignore.Rules(self.root) as rules:
            self._walk("", rules, found)
        self.read.update(gitignore.elsewhere(self.root))
        found = self._without_dvcignored(found)
        for path in self.hidden:
            if path.endswith(".lock") and path.removesuffix(".lock") + ".yaml" in found:
                raise MlgitError(f"{path}: ignored by Git, so what a run records there would be lost", _HIDDEN)
        return _from_the_top(found)

    def refuse_hidden(self) -> None:
        """Raise MlgitError for a project whose own pipeline is ignored: nothing would be looked at, and all be well."""
        if "dvc.yaml" in self.hidden:
            raise MlgitError("dvc.yaml: left out by an ignore file, so DVC does not read it", _HIDDEN)

    def _walk(self, folder: str, rules: gitignore.Rules, found: list[str]) -> None:
        self.folders.append(folder)
        below, here = [], []
        with os.scandir(self.root / folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _NEVER:
                        below.append(f"{folder}{entry.name}/")
                elif entry.name == "dvc.yaml" or entry.name.endswith(".dvc"):
                    here.append(f"{folder}{entry.name}")
        pipeline, lock = f"{folder}dvc.yaml", f"{folder}dvc.lock"
        hidden = rules.hidden([*here, *below, *([lock] if pipeline in here else [])])
        self.hidden += [path for path in (pipeline, lock) if path in hidden]
        found += [path for path in here if path not in hidden]
        for path in below:
            if path not in hidden and not (self.root / path / ".dvc").is_dir():
                self._walk(path, rules, found)

    def _without_dvcignored(self, found: list[str]) -> list[str]:
        if not has_ignore_patterns(self.root, self.folders):
            return found
        ignored = internals.ignore_filter(self.root)
        kept = [path for path in found if not ignored(str(self.root / path), False)]
        self.hidden += ["dvc.yaml"] if "dvc.yaml" in found and "dvc.yaml" not in kept else []
        return kept


def has_ignore_patterns(root: Path, folders: list[str]) -> bool:
    """Whether any .dvcignore holds a pattern (a new project's holds comments only)."""
    for folder in folders:
        path = root / folder / ".dvcignore"
        if path.is_file():
            rows = files.read_text(path).splitlines()
            if any(row.strip() and not row.lstrip().startswith("#") for row in rows):
                return True
    return False


class CommitFiles(_Documents):
    """The files of a commit, read from Git's objects; the working tree is not touched.

    `prefix` is the project's folder in the repository, '' or ending with '/'.
    """

    def __init__(self, objects: GitObjects, commit: str, *, prefix: str = "", parsing: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.git_root = objects.root
        self.root = objects.root / prefix
        self.commit = commit
        self.prefix = prefix
        self.read: set[str] = set()
        self._objects = objects
        tree = objects.tree(commit, under=prefix)
        self.tree = {path.removeprefix(prefix): row for path, row in tree.items()}
        self._contents: dict[str, bytes] = {}
        self._parsing = parsing or {}

    def parsing_options(self) -> Mapping[str, str]:
        return self._parsing

    def size(self, path: str) -> int | None:
        """The bytes that a file of the commit has, or None where it has none."""
        if path in self.tree and self.tree[path][2] < 0:  # a partial clone fetches what is asked for
            self.fetch([path])
        return len(self._contents[path]) if path in self._contents else self.tree[path][2] if path in self.tree else None

    def stream(self, path: str) -> BinaryIO:
        """A file that the commit has, as a stream of bytes."""
        return BytesIO(self.content(path) or b"")

    def below(self, path: str) -> list[str]:
        """Every file of a folder of the commit, sorted; none where there is no folder."""
        return sorted(each for each in self.tree if each.startswith(f"{path}/"))

    def digest(self, path: str) -> Content | None:
        """The digest of a file as it is checked out; None where the commit has none, or only a link or pointer to it."""
        content = self.content(path)
        if content is None or self.tree[path][0] == "120000" or content.startswith(_LFS_POINTER):
            return None
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return Content(md5, len(content), None, self.tree[path][0] == "100755")

    def content(self, path: str) -> bytes | None:
        """The bytes of a file of the commit, or None where it has none.

        Raises MlgitError where this clone lacks them.
        """
        if path not in self.tree:
            return None
        if path not in self._contents:
            self.fetch([path])
        if path not in self._contents:
            raise MlgitError(
                f"{path}: its content is not in this clone",
                "in a partial clone `git fetch --refetch` brings it; in a damaged one `git fsck` says what else is missing",
            )
        return self._contents[path]

    def fetch(self, paths: list[str]) -> None:
        """Read many files in one git process, for the calls that follow; what this clone lacks is passed over."""
        wanted = {path: self.tree[path][1] for path in paths if path in self.tree and path not in self._contents}
        contents = self._objects.blobs(wanted.values())
        self._contents.update({path: contents[blob] for path, blob in wanted.items() if blob in contents})

    def text(self, path: str) -> str | None:
        """The text of a file of the commit, or None where it has none."""
        self.read.add(path)
        content = self.content(path)
        return None if content is None else files.decode(content, name=f"{self.commit[:7]}:{path}")

    def pipeline_files(self) -> list[str]:
        """Every dvc.yaml and .dvc file of the commit, those of upper folders first."""
        found = [path for path in self.tree if posixpath.basename(path) == "dvc.yaml" or path.endswith(".dvc")]
        nested = {path.partition("/.dvc/")[0] + "/" for path in self.tree if "/.dvc/" in path}  # projects of their own
        found = [path for path in found if not _NEVER & set(path.split("/")[:-1]) and not path.startswith(tuple(nested))]
        self.fetch([*found, *(path.removesuffix(".yaml") + ".lock" for path in found)])
        return _from_the_top(found)


def _from_the_top(paths: list[str]) -> list[str]:
    """Files by depth and name: stages, and what is told of them, stand in the same order on every machine."""
    return sorted(paths, key=lambda path: (path.count("/"), path))


Source = WorkspaceFiles | CommitFiles
