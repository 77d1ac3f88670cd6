"""Tags to and from a Git remote, without ever overwriting one on either side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlgit.adapters.git import git, refs
from mlgit.adapters.git.tags import LOG
from mlgit.adapters.system import process
from mlgit.adapters.system.process import Bounds, Completed
from mlgit.errors import MlgitError

_SPACE = "refs/tags/"
# What one answer of a remote may write, where its time is bounded.
_LARGEST = 4 << 30
# What Git says of a ref that another writer moved or made first.
_OVERTAKEN = (
    *("already exists", "fetch first", "non-fast-forward", "needs force", "stale info", "failed to update ref"),
    *("cannot lock ref", "incorrect old value", "reference already exists", "failed to lock", "would clobber"),
)
# What Git says of a ref that only fails because another one did.
_DRAGGED_ALONG = ("atomic push failed", "atomic transaction failed", "atomic push failure", "transaction failed")

Outcome = Literal["done", "overtaken", "without log", "refused"]


@dataclass(frozen=True, slots=True)
class There:
    """What a remote has: tags by name (below refs/tags/) with the ids of their objects, and the commit of the log or ''.

    `branch` is the commit of the branch that was asked for, '' for none.
    """

    remote: str
    tags: Mapping[str, str] = field(default_factory=dict)
    log: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a push ended: done; overtaken by another writer; done, but for the log; refused, with what the remote said."""

    outcome: Outcome
    said: str = ""


def remotes(root: Path) -> list[str]:
    """The names of the repository's remotes."""
    return git.run(root, "remote").text.split()


def is_shallow(root: Path) -> bool:
    """Whether the clone lacks history."""
    return git.line(root, "rev-parse", "--is-shallow-repository") == "true"


def look(root: Path, remote: str, *, branch: str = "", patience: float | None = None) -> There:
    """Ask a remote (a name or an address) for its tags and its log, and for the commit of a branch.

    Raises MlgitError when it cannot be reached, or has not answered after `patience` seconds.
    """
    head = f"refs/heads/{branch}"
    patterns = [f"{_SPACE}*", LOG, *([head] if branch else [])]
    done = _ask(root, ["ls-remote", "--quiet", "--", remote, *patterns], remote=remote, patience=patience)
    if done.code:
        raise silent(remote, last_line(done))
    found = {ref: oid for oid, _, ref in (row.partition("\t") for row in done.text.splitlines()) if not ref.endswith("^{}")}
    tags = {ref.removeprefix(_SPACE): oid for ref, oid in found.items() if ref.startswith(_SPACE)}
    return There(remote, tags, found.get(LOG, ""), found.get(head, "") if branch else "")


def _ask(root: Path, args: list[str], *, remote: str, patience: float | None, stdin: bytes = b"") -> Completed:
    """Run a command of Git that speaks to a remote, for `patience` seconds at most."""
    if patience is None:
        return git.run(root, *args, stdin=stdin, check=False)
    bounds = Bounds(seconds=patience, file_size=_LARGEST)
    try:
        return process.run_bounded(["git", *args], cwd=root, env=git.environment(root), bounds=bounds, stdin=stdin)
    except process.OutOfBoundsError as error:
        raise silent(remote, f"`git {args[0]}` {error}") from error


def silent(remote: str, why: str) -> MlgitError:
    """The error where a remote does not answer."""
    return MlgitError(f"the remote '{remote}' does not answer: {why}", "`git remote -v` lists the remotes")


def followed_branch(root: Path, remote: str) -> str:
    """The name of the remote's default branch, '' where this clone follows none."""
    name = (refs.default_branch(root) or "").removeprefix("remotes/").removeprefix(f"{remote}/")
    return name if name and git.has_ref(root, f"refs/remotes/{remote}/{name}") else ""


def catch_up(root: Path, there: There, names: Iterable[str], *, branch: str = "", patience: float | None = None) -> str:
    """Bring tags, the log and a branch of a remote, as far as they are missing here, in one go; tags that are here stay.

    Returns the commit at which this clone then knows the branch, '' for none.
    """
    known = git.resolve(root, followed := f"refs/remotes/{there.remote}/{branch}") if branch else ""
    specs = [f"{_SPACE}{name}:{_SPACE}{name}" for name in names]
    specs += [LOG] if there.log and git.run(root, "cat-file", "-e", there.log, check=False).code else []
    specs += [f"refs/heads/{branch}"] if known != there.branch else []
    if specs:
        _fetch(root, there.remote, specs, patience=patience)
    return git.resolve(root, followed) if known != there.branch else known


Side = Literal["same", "ahead", "behind", "apart"]


def compare_log(root: Path, there: There, *, mine: str, patience: float | None = None) -> Side:
    """Where the log of a remote stands beside the one here (its commit, or ''), once its commits are brought.

    `apart`: neither continues the other, so one of them was rewritten. No ref moves.
    """
    if there.log == mine:
        return "same"
    if not there.log:
        return "behind"
    if git.run(root, "cat-file", "-e", there.log, check=False).code:
        _fetch(root, there.remote, [LOG], patience=patience)
    if not mine or git.is_ancestor(root, mine, there.log):
        return "ahead"
    return "behind" if git.is_ancestor(root, there.log, mine) else "apart"


def fetch_log(root: Path, there: There, *, mine: str) -> Side:
    """Bring the commits of a remote's log, and tell where it stands beside the one here; `mine` is its commit, or ''.

    Raises MlgitError when neither continues the other.
    """
    side = compare_log(root, there, mine=mine)
    if side == "apart":
        raise MlgitError(
            f"the log of published models on '{there.remote}' ({LOG}) does not continue the one known here, nor the other way "
            "round: one of them was rewritten",
            f"find out why: `git log {there.log[:10]}` shows theirs, `git log {LOG}` yours. To go on with theirs and "
            f"keep yours as evidence: `git update-ref {LOG}-kept {LOG}`, then `git update-ref {LOG} {there.log}`",
        )
    return side


def _fetch(root: Path, remote: str, specs: list[str], *, patience: float | None = None) -> None:
    kept = ["--no-tags", "--no-prune", "--no-prune-tags"]  # a setting may say otherwise, and take unpublished tags away
    args = ["fetch", "--quiet", *kept, "--no-write-fetch-head", "--no-recurse-submodules", "--stdin", "--", remote]
    listed = "".join(f"{spec}\n" for spec in specs).encode()
    done = _ask(root, args, remote=remote, patience=patience, stdin=listed)
    if done.code:
        raise MlgitError(f"fetching from '{remote}' failed: {last_line(done)}", f"`git fetch {remote} --tags` tells more")


def push(root: Path, remote: str, names: Iterable[str], *, log: str = "") -> Pushed:
    """Send tags and, as its fast-forward, a commit of the log: all or nothing, as far as the remote can.

    Without `log` the tags go alone.
    """
    refs = [f"{_SPACE}{name}:{_SPACE}{name}" for name in names]
    specs = [*refs, *([f"{log}:{LOG}"] if log else [])]
    atomic = ["--atomic"] if len(specs) > 1 else []
    done = git.run(root, "push", *atomic, "--porcelain", "--no-follow-tags", "--", remote, *specs, check=False)
    return outcome(done, remote, refs)


def outcome(done: Completed, remote: str, refs: list[str]) -> Pushed:
    """How a push of these refs, and perhaps of the log, ended. Raises MlgitError where the remote was not reached."""
    if done.code == 0:
        return Pushed("done")
    said = done.stderr.decode(errors="replace")
    if "does not support --atomic" in said:
        return Pushed("refused", "the remote knows no atomic push")
    rows = _rows(done)
    if not rows:
        raise MlgitError(
            f"pushing to '{remote}' failed: {last_line(done)}", "try again: what was not sent is kept in this clone"
        )
    return _judged(done, rows, refs)


def _rows(done: Completed) -> list[list[str]]:
    """The line that Git prints for every ref: a flag, the ref on both sides, and the reason."""
    return [row.split("\t") for row in done.text.splitlines() if row[:1] in "!*=+ -" and row.count("\t") == 2]


def _judged(done: Completed, rows: list[list[str]], refs: list[str]) -> Pushed:
    """How a push ended."""
    accepted = {spec for flag, spec, _ in rows if flag != "!"}
    failed = {spec: reason for flag, spec, reason in rows if flag == "!"}
    own = [reason for reason in failed.values() if not any(word in reason for word in _DRAGGED_ALONG)]
    # A host that hides the log's ref takes the tags all the same, --atomic or not.
    if failed and accepted >= {*refs}:
        overtaken = any(word in reason for reason in own for word in _OVERTAKEN)
        return Pushed("without log", "overtaken" if overtaken else _sentence(done))
    if any(word in reason for reason in failed.values() for word in _OVERTAKEN):
        return Pushed("overtaken", "; ".join(own))
    # Where two pushes meet in the server, each ref only says that the transaction failed, and another place says why.
    if not own:
        return Pushed("overtaken", _sentence(done))
    return Pushed("refused", _sentence(done))


def _sentence(done: Completed) -> str:
    """What the other side said, in its own words."""
    lines = [line.strip() for line in done.stderr.decode(errors="replace").splitlines()]
    said = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    return "; ".join(line for line in said if line) or last_line(done)


def last_line(done: Completed) -> str:
    """Why Git ended, in its own words."""
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line and not line.startswith("hint:")]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (told or lines or [f"git ended with code {done.code}"])[0].removeprefix("fatal: ").removeprefix("error: ")
