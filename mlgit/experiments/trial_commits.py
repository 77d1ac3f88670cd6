"""A trial written down as DVC writes an experiment: a commit upon the baseline, and a ref that is made once."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mlgit.adapters.git import git
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.experiments import trial_message
from mlgit.experiments.trial import TrialFacts
from mlgit.experiments.worktrees import TrialTree

_NOBODY = "mlgit <experiments@mlgit.invalid>"
_DVCLIVE = "dvclive/"
_LARGEST_UNTRACKED = 1 << 20
_LOCK_IS_LEFT = 60.0  # seconds; Git holds the lock of one ref for an instant


def tree_of_tracked(git_root: Path) -> str:
    """The tree that HEAD would have with all tracked files as they lie there; index and working tree stay as they are."""
    with files.temporary_folder("index") as place:
        index = place / "index"
        current = git_root / git.line(git_root, "rev-parse", "--git-path", "index")
        if current.is_file():
            shutil.copyfile(current, index)
        env = {"GIT_INDEX_FILE": str(index)}
        git.run(git_root, "add", "--update", "--", ":(top)", env=env)
        return git.run(git_root, "write-tree", env=env).text.strip()


def require_state(git_root: Path, *, baseline: str, tree: str) -> None:
    """Raise MlgitError unless what a search begins with is in the clone: no ref leads to files that were not committed."""
    asked = f"{baseline}^{{tree}}\n{tree}\n"
    told = git.run(git_root, "cat-file", "--batch-check", stdin=asked.encode()).text
    if "missing" in told:
        raise MlgitError(
            "the files that it was asked for with are not in this clone any more: `git gc` has removed what no branch leads to",
            "type the search again; `mlgit exp remove --queued` gives up what is not done",
        )


def submodules(git_root: Path) -> tuple[str, ...]:
    """The folders of submodules, of which a trial sees no file."""
    if not (git_root / ".gitmodules").is_file():
        return ()
    rows = git.run(git_root, "ls-files", "--stage", "-z").text.split("\0")
    return tuple(row.partition("\t")[2] for row in rows if row.startswith("160000 "))


def identity(git_root: Path) -> str:
    """Who records trials, as `NAME <EMAIL>`: the committer that Git was told, else mlgit itself."""
    found = git.run(git_root, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT", check=False)
    return _NOBODY if found.code else found.text.rpartition(">")[0] + ">"


def commit(
    git_root: Path,
    place: TrialTree,
    *,
    baseline: str,
    wanted: Collection[str],
    metrics: Collection[str] = (),
    facts: TrialFacts,
    who: str,
) -> str:
    """What lies in a trial's working tree as a commit, that no ref names yet.

    Tracked files are in it as they are, of others those that are `wanted` (from the repository's top): lock files, metrics
    that DVC does not cache, .gitignore files; and what DVCLive wrote. What Git ignores is not, but for `metrics`: a trial
    without them would have been run for nothing.
    """
    top, env = place.top, place.env
    git.run(top, "add", "--update", "--", ":(top)", env=env)
    others = git.run(top, "ls-files", "-z", "--others", "--exclude-standard", env=env).text.split("\0")
    new = [path for path in others if path and (path in wanted or _is_below(path, wanted) or _is_of_dvclive(top, path))]
    new += [path for path in metrics if (top / path).is_file() and (top / path).stat().st_size <= _LARGEST_UNTRACKED]
    if new:
        git.stage(top, new, env=env)
    tree = git.run(top, "write-tree", env=env).text.strip()
    lock = place.root / "dvc.lock"
    digest = hashlib.sha256(lock.read_bytes() if lock.is_file() else b"").hexdigest()
    message = trial_message.write(digest, facts)
    signature = f"{who} {int(time.time())} {time.strftime('%z')}"
    return git.write_commit(git_root, tree, message=message, signature=signature, parents=[baseline])


def publish(git_root: Path, ref: str, *, commit: str, changes: Mapping[str, Any], replaced: str = "") -> str:
    """Name a trial's commit, only where nothing has that name, or what it `replaced`; the commit that has it then.

    That is another one where the same trial was recorded meanwhile, as by a worker whose search was killed. Raises MlgitError
    where something else has the name, or where it cannot be written.
    """
    try:
        git.update_ref(git_root, ref, commit, reason="mlgit exp run", expected=replaced)
        return commit
    except MlgitError as error:
        now = git.run(git_root, "rev-parse", "--verify", "--quiet", ref, check=False).text.strip()
        if now == replaced and _is_left(git_root, ref):
            git.update_ref(git_root, ref, commit, reason="mlgit exp run", expected=replaced)
            return commit
        if now == replaced:
            raise
        said = git.run(git_root, "log", "-1", "--format=%B", now, "--", check=False).text
        if trial_message.read(said).changes == changes:
            return now
        raise MlgitError(f"{ref}: was written by another process meanwhile", "`mlgit exp show` shows it") from error


def _is_left(git_root: Path, ref: str) -> bool:
    """Whether only a lock was in the way that a Git process left behind, which was killed long ago; it is taken away."""
    lock = Path(git.line(git_root, "rev-parse", "--path-format=absolute", "--git-path", f"{ref}.lock"))
    try:
        is_left = time.time() - lock.stat().st_mtime > _LOCK_IS_LEFT
    except OSError:
        return False
    if is_left:
        lock.unlink(missing_ok=True)
    return is_left


def _is_below(path: str, wanted: Collection[str]) -> bool:
    return any(path[:end] in wanted for end, char in enumerate(path) if char == "/")


def _is_of_dvclive(top: Path, path: str) -> bool:
    """Whether a new file is what DVCLive left of a training: small files in a folder of its name."""
    return (
        f"/{path}".rpartition("/")[0].find(f"/{_DVCLIVE.rstrip('/')}") >= 0
        and (top / path).stat().st_size <= _LARGEST_UNTRACKED
    )
