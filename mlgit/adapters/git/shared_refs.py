"""The refs of mlgit that clones share through a Git remote: verdicts, runs, templates; a process for all of one kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mlgit.adapters.git import git, remote_tags
from mlgit.errors import MlgitError

_VERDICTS = "refs/mlgit/monitor/"
RUN_SPACES = ("refs/mlgit/experiments/", "refs/mlgit/runs/", "refs/mlgit/models/")
_SPACES = (_VERDICTS, *RUN_SPACES, "refs/mlgit/template")
_KEPT = ("--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules")
_MOST_NOTES = 5


def listed(root: Path, spaces: Iterable[str] = _SPACES) -> dict[str, str]:
    """The shared refs of this clone, with the ids of their commits."""
    rows = git.run(root, "for-each-ref", "--format=%(objectname) %(refname)", *spaces).text.splitlines()
    return {ref: oid for oid, ref in (row.split(" ", 1) for row in rows)}


def push(root: Path, remote: str, there: Mapping[str, str], *, spaces: Iterable[str] = _SPACES) -> tuple[list[str], list[str]]:
    """Send what a remote (whose refs are `there`) lacks or has older; the names of what was sent, and notes on refusals."""
    sent, notes = [], []
    here = listed(root, spaces)
    for space in spaces:
        wanted = {ref: oid for ref, oid in here.items() if ref.startswith(space) and there.get(ref) != oid}
        if not wanted:
            continue
        done = git.run(root, "push", "--porcelain", "--no-follow-tags", "--", remote, _spec(space), check=False)
        rows = [row.split("\t") for row in done.text.splitlines() if row[:1] in "!*=+ -" and row.count("\t") == 2]
        taken = {spec.partition(":")[2] for flag, spec, _ in rows if flag in (" ", "*")} if done.code else wanted.keys()
        sent += [ref for ref in wanted if ref in taken]
        refused = [ref for ref in wanted if ref not in taken]
        apart = {
            ref: told for ref in refused[:_MOST_NOTES] if (told := _apart(root, ref, wanted[ref], remote, there.get(ref, "")))
        }
        notes += [*apart.values(), *_refusal(remote, [ref for ref in refused if ref not in apart], remote_tags.last_line(done))]
    return sent, notes


def _refusal(remote: str, refs: list[str], said: str) -> list[str]:
    if not refs:
        return []
    more = f" and {len(refs) - 1} more" if len(refs) > 1 else ""
    return [f"'{remote}' does not take {refs[0]}{more}: {said}; `mlgit pull` brings what is there"]


def fetch(root: Path, remote: str, there: Mapping[str, str], *, spaces: Iterable[str] = _SPACES) -> list[str]:
    """Bring what a remote (whose refs are `there`) has newer; notes of what went apart, which stays as it is."""
    here = listed(root, spaces)
    notes = []
    for space in spaces:
        wanted = [ref for ref, oid in there.items() if ref.startswith(space) and here.get(ref) != oid]
        if not wanted:
            continue
        done = git.run(root, "fetch", "--quiet", *_KEPT, "--", remote, _spec(space), check=False)
        if done.code == 0:
            continue
        now = listed(root, [space])
        left = [ref for ref in wanted if now.get(ref) != there[ref]]
        told = {ref: _apart(root, ref, now.get(ref, ""), remote, there[ref]) for ref in left[:_MOST_NOTES]}
        notes += [each for each in told.values() if each]
        lacking = [ref for ref in left if not told.get(ref) and now.get(ref) == here.get(ref)]
        if lacking and not any(told.values()):
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            notes.append(f"'{remote}' does not give {lacking[0]}{more}: {remote_tags.last_line(done)}")
    return notes


def bring(root: Path, remote: str, refs: Iterable[str]) -> None:
    """Bring what refs of a remote lead to, and move none here. Raises MlgitError where it does not give them."""
    asked = "".join(f"{ref}\n" for ref in refs).encode()
    done = git.run(root, "fetch", "--quiet", *_KEPT, "--no-filter", "--stdin", "--", remote, stdin=asked, check=False)
    if done.code:
        raise MlgitError(f"fetching from '{remote}' failed: {remote_tags.last_line(done)}", "`git remote -v` lists the remotes")


def _spec(space: str) -> str:
    name = f"{space}*" if space.endswith("/") else space
    return f"{name}:{name}"


def _apart(root: Path, ref: str, here: str, remote: str, there: str) -> str:
    """The note for a ref that was written here and there, each on its own; '' where one continues the other."""
    if not (here and there) or git.run(root, "cat-file", "-e", there, check=False).code:
        return ""
    if git.is_ancestor(root, here, there) or git.is_ancestor(root, there, here):
        return ""
    if ref.startswith(_VERDICTS):
        return (
            f"{ref} here and on '{remote}' went apart, and each stays as it is: `mlgit monitor run --push` judges what is only "
            "here anew, behind what is there"
        )
    ways = f"`git update-ref {ref}-2 {here[:10]} && git fetch {remote} +{ref}:{ref}` keeps both"
    return f"{ref} here and on '{remote}' went apart, and each stays as it is: {ways}"
