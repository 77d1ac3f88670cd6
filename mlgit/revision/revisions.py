"""The revisions that a command reads: each is opened once, and Git is asked for each object once."""

from __future__ import annotations

from functools import cached_property

from mlgit.adapters.dvc import settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.git import git
from mlgit.adapters.git.objects import GitObjects
from mlgit.project import Project
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision


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
                self.project, ref, settings=self.settings, cache=self.cache, objects=self.objects
            )
        return self._opened[ref.commit]

    @cached_property
    def head(self) -> str:
        """The commit that is checked out, by its full id; '' before the first one."""
        return git.head(self.project.git_root)

    def commit(self, oid: str, *, name: str = "") -> Revision:
        """The commit with this full id; '' is the workspace."""
        return self.at(RevisionRef(name or oid, oid) if oid else RevisionRef())

    def reopen_workspace(self) -> None:
        """Read the workspace anew from now on: stages ran, or files were written."""
        self._opened.pop("", None)
