"""The revisions that a command reads: each is opened once, and Git is asked for each object once."""

from __future__ import annotations

import re
from functools import cached_property

from mlgit.adapters.dvc import settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.git import git, refs
from mlgit.adapters.git.objects import GitObjects
from mlgit.adapters.git.refs import Branches
from mlgit.pipeline.load_beside import Loaded
from mlgit.project import Project
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision

_FULL = re.compile(r"[0-9a-f]{40}")


class Revisions:
    """Opens the revisions of one project for one command, which hands this down to everything that reads one.

    The workspace is taken to stay as it is: a command that changes it opens it anew with `reopen_workspace`. Used as a
    context, it ends the process that reads Git's objects.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.settings = settings.load(project.dvc_folder)
        self.cache = Cache(self.settings)
        self.objects = GitObjects(project.git_root)
        self._opened: dict[str, Revision] = {}
        self._resolved: dict[str, str] = {}

    def __enter__(self) -> Revisions:
        return self

    def __exit__(self, *error: object) -> None:
        self.objects.close()

    @property
    def workspace(self) -> Revision:
        """The project as it lies."""
        return self.at(RevisionRef())

    def at(self, ref: RevisionRef) -> Revision:
        """The revision; one that was opened by another name is the same."""
        if ref.commit not in self._opened:
            self._opened[ref.commit] = Revision(
                self.project, ref, settings=self.settings, cache=self.cache, objects=self.objects, beside=self._loaded
            )
        return self._opened[ref.commit]

    def _loaded(self) -> Loaded | None:
        """A pipeline that is loaded already, or kept: most revisions differ little from it."""
        known = next((each for each in self._opened.values() if "loaded" in each.__dict__), None)
        return known.loaded if known else self.workspace.kept

    @cached_property
    def head(self) -> str:
        """The commit that is checked out, by its full id; '' before the first one."""
        current = self.branches.current
        return self.branches.commit_of(current) if current else git.head(self.project.git_root)

    @cached_property
    def branches(self) -> Branches:
        """The branches of the repository, as they were when they were first asked for."""
        return refs.branches(self.project.git_root)

    def resolve(self, word: str) -> str:
        """The full commit id of a revision. Raises MlgitError when it is unknown or not a commit."""
        if word not in self._resolved:
            is_known = _FULL.fullmatch(word) and self.objects.read([word]).get(word, ("",))[0] == "commit"
            self._resolved[word] = word if is_known else git.resolve(self.project.git_root, word)
        return self._resolved[word]

    def commit(self, oid: str, *, name: str = "") -> Revision:
        """The commit with this full id; '' is the workspace."""
        return self.at(RevisionRef(name or oid, oid) if oid else RevisionRef())

    def reopen_workspace(self) -> None:
        """Read the workspace anew from now on: stages ran, or files were written."""
        self._opened.pop("", None)
