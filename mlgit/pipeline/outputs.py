"""Outputs looked over before a stage runs: what lies there is deleted, and some of it nobody could bring back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from mlgit.adapters.dvc import gitignore, protected_paths
from mlgit.adapters.dvc.protected_paths import Protected
from mlgit.errors import MlgitError
from mlgit.pipeline.model import Output, Stage

Refusing = Callable[[str, bool], str]  # path from the root, and whether it was made: the .dvcignore pattern that leaves it out


class Outputs:
    """The outputs of one project. `dvcignored` answers for .dvcignore; None where no pattern stands in one.

    `without_git`: DVC is told to leave Git out of it, so what Git tracks may be an output.
    """

    def __init__(self, root: Path, *, kept: Protected, dvcignored: Refusing | None = None, without_git: bool = False) -> None:
        self._root = root
        self._top = str(root)
        self._without_git = without_git
        self._kept = kept
        self._dvcignored = dvcignored
        self._doubts: dict[str, MlgitError] = {}

    def refuse_declared(self, stages: Iterable[Stage]) -> None:
        """Raise MlgitError for an output that DVC refuses in every command, whether its stage runs or not."""
        for stage in stages:
            for out in stage.outs:
                if stage.exotic:
                    self._refuse_protected(stage, out)
                self._refuse_dvcignored(stage, out, made=False)

    def _refuse_protected(self, stage: Stage, out: Output) -> None:
        why = "" if "://" in out.path else self._kept.reason(out.target)
        if out.target.endswith(".dvc") and os.path.isfile(os.path.join(self._root, out.target)):
            why = "is a file of DVC"  # written with a slash at its end, which DVC takes for a folder
        if why:
            raise MlgitError(
                f"{_where(stage, out)}: '{out.path}' {why}, so it cannot be an output", "name the files that the stage writes"
            )

    def _refuse_dvcignored(self, stage: Stage, out: Output, *, made: bool) -> None:
        inside = self._inside(out)
        pattern = self._dvcignored(inside, made) if self._dvcignored and inside else ""
        if pattern:
            raise MlgitError(
                f"{_where(stage, out)}: '{out.path}' is left out by .dvcignore ({pattern})", "change .dvcignore, or the path"
            )

    def expect(self, stages: Iterable[Stage]) -> dict[str, MlgitError]:
        """Look at the outputs of the stages of a plan: why one may not run, by address; what may be up to date is not judged.

        Raises MlgitError for an output that is, holds or lies in what has to outlast every run.
        """
        wanted = [each for each in stages if not each.frozen]
        for stage in wanted:
            for out in stage.outs:
                self._refuse_protected(stage, out)
        cached = {inside: stage for stage in wanted for out in stage.outs if out.cache and (inside := self._inside(out))}
        tracked = () if self._without_git else gitignore.tracked(self._root, cached)
        self._doubts = {cached[path].address: gitignore.tracked_error(path) for path in tracked}
        for path in (each for each in cached if not self._without_git and self._kept.leads_away(each)):
            self._doubts[cached[path].address] = MlgitError(
                f"output '{path}' lies behind a link that leads out of the repository, where Git cannot ignore it",
                "let the link be the output, or declare it with `cache: false`",
            )
        for stage in wanted:
            found = self._repository(stage) or self._far_folder(stage)
            if found:
                self._doubts.setdefault(stage.address, found)
        return self._doubts

    def refuse(self, stage: Stage) -> None:
        """Raise MlgitError for a stage whose outputs may not be taken away now."""
        found = self._doubts.get(stage.address) or self._repository(stage)
        if found:
            raise found

    def refuse_made(self, stage: Stage) -> None:
        """Raise MlgitError for an output that DVC does not see now that it is there."""
        for out in stage.outs:
            self._refuse_dvcignored(stage, out, made=True)
            inside = self._inside(out)
            project = protected_paths.nested_project(self._top, inside)
            if project and os.path.isdir(f"{self._top}/{inside}"):
                raise MlgitError(
                    f"{_where(stage, out)}: '{project}' is a project of its own, because of the .dvc in it",
                    "DVC would record nothing of it: let the stage write to another folder, or without a .dvc",
                )

    def _repository(self, stage: Stage) -> MlgitError | None:
        for out in stage.outs if stage.cmd or stage.exotic else ():
            if out.persist or "://" in out.path:
                continue
            found = protected_paths.repository_in(os.path.join(self._top, out.target))
            if found:
                return MlgitError(
                    f"{_where(stage, out)}: '{out.path}' holds a repository, which the stage would delete: {found}",
                    "move it away, or delete it if nothing in it is needed",
                )
        return None

    def _far_folder(self, stage: Stage) -> MlgitError | None:
        """A stage that runs outside the project and whose result the run cache takes: there DVC fails, after it ran."""
        if not stage.wdir.startswith(("..", "/")) or Path(os.path.normpath(self._root / stage.wdir)).is_relative_to(self._root):
            return None
        if stage.always_changed or not stage.inputs() or not all(self._inside(out) and not out.persist for out in stage.outs):
            return None
        return MlgitError(
            f"{stage.file}: stages.{stage.name}.wdir: '{stage.wdir}' lies outside the project, which DVC does not record",
            "let the command change its folder",
        )

    def _inside(self, out: Output) -> str:
        """The path of a local output from the root; '' outside the project."""
        if "://" in out.path or not out.target.startswith(("..", "/")):
            return "" if "://" in out.path else out.target
        full, top = os.path.normpath(os.path.join(self._root, out.target)), f"{self._root}/"
        return full.removeprefix(top) if full.startswith(top) else ""


def _where(stage: Stage, out: Output) -> str:
    return f"{stage.file}: stages.{stage.name}.{out.kind}s" if stage.name else f"{stage.file}: outs"
