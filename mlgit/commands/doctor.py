"""Looks a project over for damage, and mends what can be mended."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.dvc import dvc_stages, internals, settings
from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.dvc.protected_paths import Protected
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.formats import documents
from mlgit.adapters.system import files, locks, stage_environ
from mlgit.commands.remote import list_remotes
from mlgit.commands.remote_access import limit_remotes
from mlgit.errors import MlgitError
from mlgit.pipeline import sources
from mlgit.pipeline.checkup import Checkup, Damage
from mlgit.pipeline.outputs import Outputs
from mlgit.project import Project
from mlgit.registry import problems

_REMOTE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class DoctorResult:
    """What was found, each with what to do about it and whether that was done."""

    findings: tuple[Damage, ...]

    @property
    def left(self) -> tuple[Damage, ...]:
        """The findings that were not fixed."""
        return tuple(each for each in self.findings if not each.fixed)

    @property
    def exit_code(self) -> int:
        """Yes where nothing is left to do."""
        return errors.EXIT_NO if self.left else errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        rows = [
            {"kind": each.kind, "path": each.path, "message": each.message, "hint": each.hint, "fixed": each.fixed}
            for each in self.findings
        ]
        return {"schema": 1, "healthy": not self.left, "findings": rows}


def doctor(
    *,
    only_cache: bool = False,
    deep: bool = False,
    fix: bool = False,
    watch: Callable[[str, float], None] | None = None,
) -> DoctorResult:
    """Look for damage in cache, locks, pipeline files, mlgit.yaml and the registry's tags; mend with `fix` what can be.

    `deep` reads every object of the cache. `watch` is told how far that has come, from 0 to 1. Raises MlgitError where a
    run is at work that a mend would disturb.
    """
    project = projects.find()
    configured = settings.load(project.dvc_folder)
    checkup, fingerprints = _checkup(project, configured, watch=watch)
    lock = locks.held(project.own_folder / "run.lock", timeout=0, busy="an `mlgit run` is at work in this clone")
    with lock if fix else nullcontext():
        findings = (
            checkup.objects(deep=deep)
            if only_cache
            else checkup.run(deep=deep) + _of_project(project) + _of_environment(project) + _of_remotes()
        )
        if fix:
            findings = checkup.fix(findings)
    fingerprints.save()
    return DoctorResult(tuple(findings))


def _checkup(
    project: Project, configured: Settings, *, watch: Callable[[str, float], None] | None
) -> tuple[Checkup, Fingerprints]:
    source = sources.WorkspaceFiles(project.root, parsing=configured.parsing)
    source.pipeline_files()  # finds the folders
    ignored = internals.ignore_filter(project.root) if sources.has_ignore_patterns(project.root, source.folders) else None
    fingerprints = Fingerprints(project.root, project.own_folder, ignored=ignored)
    outputs = Outputs(
        project.root,
        kept=Protected(project.root, project.git_root, configured.cache_folder),
        dvcignored=internals.output_filter(project.root) if ignored else None,
    )
    checkup = Checkup(
        project.root,
        source=sources.WorkspaceFiles(project.root, parsing=configured.parsing),
        fingerprints=fingerprints,
        cache=Cache(configured),
        approve=outputs.refuse_declared,
        borrowed=dvc_stages.BorrowedStages(project.root),
        tick=partial(watch, "objects") if watch else None,
    )
    return checkup, fingerprints


def _of_environment(project: Project) -> list[Damage]:
    """A `.venv` beside the pipeline that the stages do not use, because nothing has activated it."""
    environ = stage_environ.of_stages(os.environ)
    own = project.root / ".venv/bin"
    is_active = environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX")
    if is_active or not (own / "python").exists():
        return []
    python = shutil.which("python", path=environ.get("PATH", ""))
    if python is not None and os.path.realpath(os.path.dirname(python)) == os.path.realpath(own):
        return []
    found = f"is not active: {f'stages use {python}' if python else 'stages find no `python`'}"
    return [Damage("environment", ".venv", found, "type `. .venv/bin/activate`, or `uv run mlgit run`")]


def _of_remotes() -> list[Damage]:
    """DVC remotes that do not answer within some seconds."""
    limit_remotes(_REMOTE_SECONDS)
    try:
        asked = list_remotes(check=True).remotes
    except MlgitError as error:
        return [_fault(".dvc/config", error)]
    return [Damage("remote", each.name, each.trouble, each.hint) for each in asked if each.trouble]


def _of_project(project: Project) -> list[Damage]:
    """Faults of mlgit.yaml and of the registry's tags. None is mended: what is right, people have to say."""
    found = []
    try:
        projects.load_config(project)
    except MlgitError as error:
        found.append(_fault(projects.CONFIG, error))
    for path in _documents(project):
        name = os.path.relpath(path, project.root)
        try:
            documents.parse_yaml(files.read_text(path, name=name), name=name)
        except MlgitError as error:
            found.append(_fault(name, error))
    return found + [Damage("tag", each.ref, each.message, each.hint) for each in problems.find(project.git_root)]


def _documents(project: Project) -> list[Path]:
    """The other YAML files that are mlgit's to read: notes of cards, the answers to a template, the workflows it wrote."""
    found = [*project.root.glob("cards/**/*.yaml"), project.root / ".mlgit-template.yaml"]
    flows = [*project.git_root.glob(".github/workflows/*.y*ml"), *project.git_root.glob(".github/actions/*/action.y*ml")]
    found += [path for path in flows if path.is_file() and b"mlgit" in path.read_bytes()]
    if not (project.root / "dvc.yaml").is_file():
        found.append(project.root / "params.yaml")
    return sorted(path for path in found if path.is_file())


def _fault(name: str, error: MlgitError) -> Damage:
    hint = error.hint or f"correct it, or `git checkout -- {name}` brings the last committed one back"
    return Damage("config", name, error.message.removeprefix(f"{name}: "), hint)
