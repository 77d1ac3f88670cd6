"""`mlgit init`: a Git repository that was there before gets what mlgit needs; no file of its own is ever overwritten."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.dvc import dvc_command
from mlgit.adapters.git import git, refs
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.scaffold import state, update
from mlgit.scaffold.manifest import Template, Value
from mlgit.scaffold.render import File, render
from mlgit.scaffold.state import State

CONFIG = "mlgit.yaml"

# What mlgit would write below .github, without their endings. Others use these names too.
_NAMES = (*(f"workflows/{name}" for name in ("check", "publish", "verify", "retrain", "release")), "actions/setup/action")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project is to be: its folder, and the top of the Git repository that holds it."""

    folder: Path
    git_root: Path

    @property
    def prefix(self) -> str:
        """The project's folder from the top: '' there, else ending with '/'."""
        relative = self.folder.relative_to(self.git_root).as_posix()
        return "" if relative == "." else f"{relative}/"


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was done (or would be): whether DVC was started, and which files, from the top, were written or found there."""

    place: Place
    started_dvc: bool
    written: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of mlgit.yaml, and the texts that an earlier call wrote when less could be read."""

    text: str
    earlier: tuple[bytes, ...] = ()


def find(folder: Path) -> Place:
    """The place that `folder` is.

    Raises MlgitError outside a Git repository, in a `.git`, and inside a DVC project that begins further up.
    """
    here = folder.resolve()
    if not here.is_dir():
        raise MlgitError(f"{folder}: there is no such folder", "`mlgit new DIR` makes a new project")
    git_root = git.toplevel(here)
    if git_root is None:
        raise MlgitError(
            f"{here}: not inside a Git repository", "type `git init` there first; or `mlgit new DIR` makes a new project"
        )
    above = next((each for each in here.parents if each.is_relative_to(git_root) and (each / ".dvc").is_dir()), None)
    if above is not None and not (here / ".dvc").is_dir():
        raise MlgitError(f"{here}: inside the DVC project {above}", f"type `mlgit init {above}`")
    git.require_sha1(Path(git.line(git_root, "rev-parse", "--path-format=absolute", "--git-common-dir")))
    return Place(here, git_root)


def presumed(place: Place) -> dict[str, Value]:
    """The answers about the place itself, which the workflows need."""
    branch = (refs.default_branch(place.git_root) or git.current_branch(place.git_root) or "main").removeprefix("origin/")
    slug = re.sub(r"[^a-z0-9]+", "-", place.prefix.lower()).strip("-")[:59]
    if not slug and _has_others(place.git_root / ".github"):
        slug = "mlgit"
    return {
        "project_folder": place.prefix.rstrip("/") or ".",
        "prefix": f"{slug}-" if slug else "",
        "default_branch": branch,
    }


def _has_others(folder: Path) -> bool:
    """Whether a name that mlgit would write is in use for what has nothing to do with mlgit.

    What `deploy` does its owner decides, so its text tells nothing: it is mlgit's if `setup` is there beside it.
    """
    paths = [folder / f"{name}.{ending}" for name in _NAMES for ending in ("yml", "yaml")]
    if any(path.is_file() and b"mlgit" not in path.read_bytes() for path in paths):
        return True
    return (folder / "actions/deploy").exists() and not (folder / "actions/setup").exists()


def adopt(
    place: Place,
    *,
    part: Template,
    answers: Mapping[str, Value],
    own: Mapping[str, str],
    draft: Callable[[], Draft],
    dry_run: bool,
) -> Adopted:
    """Start DVC if it is not there, and write what is missing.

    `own` are further files by path from the project's folder; `draft` gives mlgit.yaml and is asked when DVC is there.
    Raises MlgitError, before anything is written, for a path that leads out of the repository or would be ignored.
    """
    starts_dvc = not (place.folder / ".dvc").is_dir()
    if starts_dvc and git.ignored(place.git_root, [f"{place.prefix}.dvc/"]):
        raise MlgitError(f"{place.prefix}.dvc: ignored by Git, and DVC keeps its settings there", "take it out of .gitignore")
    given = render(part, answers)
    wanted: dict[str, File] = dict(given)
    wanted |= {f"{place.prefix}{path}": ("100644", text.encode()) for path, text in own.items()}
    config = f"{place.prefix}{CONFIG}"
    recorded = f"{place.prefix}{state.NAME}"
    left = {path for path in [*wanted, config, recorded] if _is_there(place.git_root, path)}
    if not dry_run:
        if starts_dvc:
            dvc_command.init_dvc(place.folder, below_git_root=bool(place.prefix))
        for path in sorted(wanted.keys() - left):
            (place.git_root / path).parent.mkdir(parents=True, exist_ok=True)
            files.write_atomic(place.git_root / path, wanted[path][1])
        _record(place, part, answers, given)
    if not dry_run or not starts_dvc:
        wanted[config], left = _drafted(place.folder / CONFIG, draft(), config=config, left=left)
        if config not in left and not dry_run:
            files.write_atomic(place.folder / CONFIG, wanted[config][1])
    return Adopted(place, starts_dvc, tuple(sorted({*wanted, config, recorded} - left)), tuple(sorted(left)))


def _record(place: Place, part: Template, answers: Mapping[str, Value], given: Mapping[str, File]) -> None:
    """Keep what was rendered, so that `mlgit template` can update it, unless a template is recorded already."""
    path = place.folder / state.NAME
    if path.exists():
        return
    name, version = part.manifest.name, part.manifest.version
    tree = git.write_tree(place.git_root, given)
    recorded = State(name, version, tree, answers, folder=place.prefix.rstrip("/") or ".")
    files.write_atomic(path, state.dump(recorded))
    kept = update.keep(place.git_root, recorded, prefix=place.prefix)
    git.update_ref(place.git_root, state.REF, kept, reason="mlgit init")


def _drafted(path: Path, draft: Draft, *, config: str, left: set[str]) -> tuple[File, set[str]]:
    """The drafted file, and what is left alone: a draft that knew less and that nobody has changed is none of that."""
    may_replace = config in left and not path.is_symlink() and path.is_file() and path.read_bytes() in draft.earlier
    is_new = may_replace and path.read_bytes() != draft.text.encode()
    return ("100644", draft.text.encode()), left - {config} if is_new else left


def _is_there(root: Path, path: str) -> bool:
    """Whether something has this name.

    Raises MlgitError when a link on the way leads out of the repository, for nothing outside it is written.
    """
    target = root / path
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise MlgitError(f"{path}: a link on the way leads out of the repository", "make it a folder, then try again")
    return target.is_symlink() or target.exists()
