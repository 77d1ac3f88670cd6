"""`mlgit new`: a rendered template becomes a Git repository with a DVC project and one commit, or nothing at all.

Everything is made in a folder beside the target and moved there in one step when it is complete. What happens after
rendering is this fixed list, never chosen by a template: git init, dvc init, write, commit, keep the pristine render.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.dvc import dvc_command, objects
from mlgit.adapters.git import git
from mlgit.adapters.system import bounds, files, locks
from mlgit.errors import MlgitError
from mlgit.scaffold import sources, state
from mlgit.scaffold.manifest import Template, Value
from mlgit.scaffold.render import File, render
from mlgit.scaffold.sources import TemplateSource
from mlgit.scaffold.state import State

_STAGE = ".mlgit-new-"
_OWN = TemplateSource("builtin", "")


@dataclass(frozen=True, slots=True)
class Created:
    """A project just made: its folder, first commit, pristine render and number of rendered files."""

    folder: Path
    commit: str
    tree: str
    template_commit: str
    n_files: int


def create(folder: Path, *, template: Template, answers: Mapping[str, Value], source: TemplateSource = _OWN) -> Created:
    """Make the project `folder` from a template and complete answers; `source` is where the template comes from.

    Raises MlgitError, and leaves everything as it was, when the folder is not free, when it lies in another
    repository's working tree, when Git knows no identity, and for every fault of the template.
    """
    with bounds.bounded(template.manifest.name):
        contents = render(template, answers)
    target = folder.resolve()
    try:
        _check_place(target)
        with _staged(target) as project:
            git.init(project)
            # asked here, not before, because an identity may be configured for folders (includeIf "gitdir:...")
            git.require_identity(project)
            # DVC starts while the folder is empty: Python would import a template's `yaml.py` from it
            dvc_command.init_dvc(project)
            _write(project, contents)
            commit, tree, pristine = _commit(
                project, contents, template=template, answers=answers, source=source, folder=target
            )
    except OSError as error:
        raise MlgitError(f"{folder}: cannot be made: {error.strerror or error}") from error
    return Created(target, commit, tree, pristine, len(contents))


def _check_place(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise MlgitError(f"{target}: there is a file of this name", "choose another folder")
    for near in (target, *target.parents):
        if near.is_dir():  # what a killed process left is no content
            _sweep(near)
            if near != target:
                break
    if target.is_dir() and any(target.iterdir()):
        raise MlgitError(f"{target}: the folder is not empty", "choose a new folder, or empty this one")
    outer = next((parent for parent in target.parents if (parent / ".git").exists()), None)
    if outer is None:
        return
    # A repository in another one's working tree is a trap (the outer one sees a gitlink to nowhere and `git add` takes
    # no file of it), unless the outer one has been told to ignore the place.
    place = target.relative_to(outer).as_posix()
    if not git.ignored(outer, [f"{place}/"]):
        raise MlgitError(
            f"{target}: inside the Git repository {outer}",
            f"choose a folder outside it, or add `/{place}/` to {outer / '.gitignore'}",
        )


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A folder that becomes `target` when the block succeeds and is gone, with all in it, when it does not."""
    missing = [path for path in (target, *target.parents) if not path.exists()]
    first = missing[-1] if missing else target
    prefix = f"{_STAGE}{objects.machine()}-{os.getpid()}-"
    stage = Path(tempfile.mkdtemp(prefix=prefix, dir=first.parent if missing else target))
    try:
        project = stage / target.relative_to(first)
        project.mkdir(parents=True, exist_ok=True)
        yield project
        if missing:
            os.chmod(stage, 0o777 & ~files.current_umask())
            os.rename(stage, first)
        else:
            _move_up(stage)
    finally:
        files.remove(stage)


def _sweep(above: Path) -> None:
    """Remove what processes of this machine and user were making here when they were killed."""
    for each in above.glob(f"{_STAGE}{objects.machine()}-*-*"):
        pid = each.name.removeprefix(_STAGE).split("-")[1]
        is_own = each.is_dir() and not each.is_symlink() and each.lstat().st_uid == os.geteuid()
        if is_own and pid.isascii() and pid.isdigit() and not locks.is_alive(int(pid)):
            files.remove(each)


def _move_up(stage: Path) -> None:
    """Move what is in `stage` into the existing (perhaps mounted, perhaps current) folder above it, `.git` last."""
    moved: list[Path] = []
    try:
        for path in sorted(stage.iterdir(), key=lambda each: each.name == ".git"):
            moved.append(stage.parent / path.name)
            os.rename(path, moved[-1])
    except BaseException:
        for path in moved:
            files.remove(path)
        raise


def _write(project: Path, contents: Mapping[str, File]) -> None:
    for path, (mode, content) in contents.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(content)
        if mode == "100755":
            os.chmod(project / path, 0o777 & ~files.current_umask())


def _commit(
    project: Path,
    contents: Mapping[str, File],
    *,
    template: Template,
    answers: Mapping[str, Value],
    source: TemplateSource,
    folder: Path,
) -> tuple[str, str, str]:
    """The first commit, and the pristine render beside it; the ids of the commit, the rendered tree and its commit."""
    name, version = template.manifest.name, template.manifest.version
    tree = git.write_tree(project, contents)
    message = state.message("Render the template", template=name, version=version)
    pristine = git.write_commit(project, tree, message=message, signature=state.SIGNATURE)
    git.update_ref(project, state.REF, pristine, reason="mlgit new")
    origin = sources.recorded(source, project=folder)
    made = State(name, version, tree, answers, source=origin, ref=source.ref, commit=source.commit)
    (project / state.NAME).write_text(state.dump(made), encoding="utf-8", newline="\n")
    # by name, because a user's own ignore rules must not hold back a file of the project
    git.stage(project, [*contents, state.NAME, *dvc_command.FILES])
    commit = git.commit_all(project, state.message("Start from the template", template=name, version=version))
    return commit, tree, pristine
