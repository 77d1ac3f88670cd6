"""What one commit, or the workspace, holds: read when it is asked for, and once, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from mlgit import config as configs
from mlgit.adapters.dvc.hashing import Content, Fingerprints
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.formats import documents
from mlgit.adapters.git import git
from mlgit.adapters.git.objects import GitObjects
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.pipeline import artifacts, resolved, routes
from mlgit.pipeline.artifacts import DeclaredArtifact
from mlgit.pipeline.graph import Pipeline
from mlgit.pipeline.lineage import Makers
from mlgit.pipeline.load import load
from mlgit.pipeline.load_beside import Loaded, load_beside
from mlgit.pipeline.model import Digest, Stage
from mlgit.pipeline.routes import Routes
from mlgit.pipeline.sources import CommitFiles, Source, WorkspaceFiles
from mlgit.project import Project
from mlgit.revision import recorded_paths
from mlgit.revision.contents import Contents, fingerprints_of
from mlgit.revision.refs import RevisionRef


class Revision:
    """One commit of a project, or its workspace (`commit` is '').

    Nothing is read before it is asked for; what was read stays. Paths are relative to the project's root. Everything raises
    MlgitError for files that cannot be read, each time it is asked for.
    """

    def __init__(
        self,
        project: Project,
        ref: RevisionRef,
        *,
        settings: Settings,
        cache: Cache,
        objects: GitObjects,
        beside: Callable[[], Loaded | None] = lambda: None,
    ) -> None:
        self.project = project
        self.ref = ref
        self.cache = cache
        self._settings = settings
        self._beside = beside
        self.objects = objects
        self._stale: dict[tuple[str, bool], bool] = {}
        self._digests: dict[str, Digest] = {}
        self._ignored: dict[str, bool] = {}
        self._worked_out: dict[tuple[object, ...], Any] = {}

    @property
    def commit(self) -> str:
        return self.ref.commit

    @cached_property
    def files(self) -> Source:
        """The files of the commit as Git has them, or those that lie in the workspace."""
        parsing = self._settings.parsing
        if not self.commit:
            return WorkspaceFiles(self.project.root, parsing=parsing)
        return CommitFiles(self.objects, self.commit, prefix=self.project.prefix, parsing=parsing)

    @cached_property
    def kept(self) -> Loaded | None:
        """The pipeline of the workspace as an earlier command left it; None where it is outdated, and for commits."""
        files = self.files
        found = resolved.load(self.project.root) if isinstance(files, WorkspaceFiles) else None
        if found is None or not isinstance(files, WorkspaceFiles):
            return None
        pipeline, read, searched = found
        files.folders[:] = searched
        return Loaded(pipeline, files, tuple(read))

    @cached_property
    def loaded(self) -> Loaded:
        """The pipeline with what it was read from: kept by an earlier command, else read beside one that is loaded."""
        if self.kept:
            return self.kept
        files, known = self.files, self._beside()
        found = load_beside(files, known) if known else None
        pipeline = found or load(files)
        return Loaded(pipeline, files, tuple(files.read))

    @property
    def pipeline(self) -> Pipeline:
        """Stages, graph and locks."""
        return self.loaded.pipeline

    @cached_property
    def makers(self) -> Makers:
        """The stages by what they make."""
        return Makers(self.pipeline.graph.stages)

    @cached_property
    def own_config(self) -> Config | None:
        """What mlgit.yaml says; None without the file. A fault names the commit: mending the workspace would not help."""
        text = self.files.text(configs.NAME)
        if text is None:
            return None
        name = f"{self.commit[:7]}:{configs.NAME}" if self.commit else configs.NAME
        return configs.parse(documents.parse_yaml(text, name=name), name=name)

    @property
    def config(self) -> Config:
        """What mlgit.yaml says; the empty configuration without the file."""
        return self.own_config or Config()

    @cached_property
    def _artifact_files(self) -> Mapping[str, Mapping[str, Any]]:
        return {path: self.files.artifacts(path) for path in recorded_paths.pipeline_files(self.pipeline)}

    @cached_property
    def artifacts(self) -> Mapping[str, DeclaredArtifact]:
        """What dvc.yaml files declare under `artifacts:`, by full name."""
        return artifacts.listed(self._artifact_files, prefix=self.project.prefix)

    def artifact(self, name: str) -> DeclaredArtifact:
        """The artifact of this name, seen from the repository's root or the project's. Raises MlgitError with the near miss."""
        return artifacts.find(self._artifact_files, name, prefix=self.project.prefix)

    def artifact_path(self, name: str) -> str:
        """The path of an artifact of this name, '' where none is declared."""
        return next((each.path for each in self.artifacts.values() if name in (each.name, each.local)), "")

    def model(self, artifact: DeclaredArtifact) -> Model:
        """What mlgit.yaml declares for an artifact."""
        return artifacts.model_of(self.config, artifact)

    @cached_property
    def recorded(self) -> Mapping[str, Content]:
        """What locks and .dvc files tell of the content of outputs, by path."""
        found = recorded_paths.recorded(self.pipeline, self.files.document)
        return {path: Content(*digest) for path, digest in found.items()}

    @cached_property
    def uncached(self) -> frozenset[str]:
        """The outputs that DVC leaves to Git."""
        return recorded_paths.uncached(self.pipeline)

    @cached_property
    def _fingerprints(self) -> Fingerprints | None:
        self.pipeline  # noqa: B018 - the search for it tells which folders have ignore rules
        return fingerprints_of(self.files, self.project.own_folder)

    @cached_property
    def contents(self) -> Contents:
        """Digests and bytes by path."""
        return Contents(
            self.files,
            cache=self.cache,
            recorded=self.recorded,
            uncached=self.uncached,
            fingerprints=self._fingerprints,
        )

    def digest(self, path: str, *, read_by: Digest | None = None) -> Digest | None:
        """The digest of what a path holds; None where nothing is known, and for paths outside of the project.

        `read_by` is what the lock of a stage that reads it says. Raises MlgitError for what is neither a file nor a folder.
        """
        if found := self._digests.get(path):
            return found
        if not recorded_paths.is_inside(path):
            return None
        if known := self.contents.known(path):
            return self._digests.setdefault(path, Digest(*known))
        content = self.contents.digest(path, read_by=Content(*read_by) if read_by else None)
        return Digest(*content) if content else None

    def digest_or_none(self, path: str, *, read_by: Digest | None = None) -> Digest | None:
        """As `digest`; None too for what is neither a file nor a folder."""
        with suppress(MlgitError):
            return self.digest(path, read_by=read_by)
        return None

    def document(self, path: str) -> Any:
        """The parsed content of a file; None where there is none, and for paths outside of the project."""
        return self.contents.document(path) if recorded_paths.is_inside(path) else None

    def is_stale(self, stage: Stage) -> bool:
        """Whether what is recorded of a stage does not belong to what is declared."""
        key = stage.address, stage.frozen
        if key not in self._stale:
            self._stale[key] = recorded_paths.is_stale(self.pipeline, stage, digest=self._seen, document=self.document)
        return self._stale[key]

    def take_stale(self, stage: Stage, other: Revision) -> None:
        """Take over what another revision knows of a stage of the same graph, of which both hold the same."""
        key = stage.address, stage.frozen
        if key in other._stale:
            self._stale[key] = other._stale[key]

    def _seen(self, path: str, *, read_by: Digest | None = None) -> Digest | None:
        """What lies outside of the project cannot be looked at from a commit: it counts as it was read."""
        return self.digest_or_none(path, read_by=read_by) if recorded_paths.is_inside(path) else read_by

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Which paths of the workspace Git ignores; none of a commit."""
        if self.commit:
            return set()
        asked = list(dict.fromkeys(paths))
        new = [path for path in asked if path not in self._ignored]
        hidden = git.ignored(self.project.root, new)
        self._ignored.update({path: path in hidden for path in new})
        return {path for path in asked if self._ignored[path]}

    def blob(self, path: str) -> str:
        """The id of the blob that a commit has at a path, '' where it has none."""
        return self.files.tree[path][1] if isinstance(self.files, CommitFiles) and path in self.files.tree else ""

    def has(self, path: str) -> bool:
        """Whether a file or folder lies there: in the commit, or in the workspace."""
        return self.files.size(path) is not None or bool(self.files.below(path))

    def routes(self, contents: Iterable[tuple[str, str]]) -> Routes | None:
        """The DVC remotes that contents, given as (path, md5), belong to; None where the pipeline files cannot be read."""
        try:
            return routes.of(self.pipeline.graph, contents)
        except MlgitError:
            return None

    def once(self, key: tuple[object, ...], work: Callable[[], Any]) -> Any:
        """What another room works out from this revision alone, worked out once."""
        if key not in self._worked_out:
            self._worked_out[key] = work()
        return self._worked_out[key]

    def remember(self) -> None:
        """Keep the digests of the workspace's files for the next command."""
        if not self.commit and "contents" in self.__dict__ and self._fingerprints:
            self._fingerprints.save()
