"""Trials to and from a Git remote. One has the same name in every clone, for names come from what is tried.

A trial that was made here and there, each on its own, is the same where its files are: who was first keeps the ref. Where its
files differ, as those of a training that does not repeat itself, neither side is overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import git, many_refs, remote_tags
from mlgit.adapters.git.objects import GitObjects
from mlgit.experiments import trial
from mlgit.experiments.trial_refs import TrialRef

_FILES = b"tree "


@dataclass(frozen=True, slots=True)
class TrialSides:
    """Trials of one side beside those of another.

    `missing` are those that the other has not, `same` those that are there by commit or by files, and `other` those that have
    other files there, each with the commit that is there.
    """

    missing: tuple[TrialRef, ...] = ()
    same: tuple[TrialRef, ...] = ()
    other: tuple[tuple[TrialRef, str], ...] = ()


def look(root: Path, remote: str) -> tuple[TrialRef, ...]:
    """The trials of a remote. Raises MlgitError when it does not answer."""
    done = git.run(root, "ls-remote", "--quiet", "--", remote, f"{trial.SPACE}*", check=False)
    if done.code:
        raise remote_tags.silent(remote, remote_tags.last_line(done))
    rows = [row.partition("\t") for row in done.text.splitlines()]
    places = [(ref, trial.of_ref(ref), commit) for commit, _, ref in rows]
    return tuple(TrialRef(ref, *place, commit) for ref, place, commit in places if place)


def beside(root: Path, remote: str, chosen: Iterable[TrialRef], others: Collection[TrialRef], *, theirs: bool) -> TrialSides:
    """The chosen trials beside those of the other side, which are the remote's where `theirs` is not the side of the chosen.

    What is on both sides with two commits is brought here to be compared; no ref moves.
    """
    known = {each.ref: each.commit for each in others}
    wanted = list(chosen)
    both = [each for each in wanted if each.ref in known and known[each.ref] != each.commit]
    distant = {each.ref: each.commit if theirs else known[each.ref] for each in both}
    lacking = _lacking(root, distant.values())
    many_refs.fetch(root, remote, [ref for ref, commit in distant.items() if commit in lacking])
    files = _files(root, [*distant.values(), *(known[each.ref] if theirs else each.commit for each in both)])
    other = [each for each in both if files.get(each.commit, each.commit) != files.get(known[each.ref], "")]
    return TrialSides(
        missing=tuple(each for each in wanted if each.ref not in known),
        same=tuple(each for each in wanted if each.ref in known and each not in other),
        other=tuple((each, known[each.ref]) for each in other),
    )


def _lacking(root: Path, commits: Iterable[str]) -> set[str]:
    wanted = list(dict.fromkeys(commits))
    if not wanted:
        return set()
    listed = "".join(f"{each}\n" for each in wanted).encode()
    done = git.run(root, "cat-file", "--batch-check=%(objectname)", stdin=listed, env={"GIT_NO_LAZY_FETCH": "1"})
    return {row.split()[0] for row in done.text.splitlines() if row.endswith(" missing")}


def _files(root: Path, commits: Sequence[str]) -> dict[str, str]:
    """The trees of commits by their ids."""
    objects = GitObjects(root)
    try:
        found = objects.read(commits) if commits else {}
    finally:
        objects.close()
    heads = {oid: content.partition(b"\n")[0] for oid, (_, content) in found.items()}
    return {oid: line.removeprefix(_FILES).decode() for oid, line in heads.items() if line.startswith(_FILES)}


def send(root: Path, remote: str, trials: Iterable[TrialRef], *, force: bool = False) -> dict[str, str]:
    """Send trials in one process; the refs that were not taken, with what was said. `force` replaces those that are there."""
    return many_refs.push(root, remote, [f"{each.commit}:{each.ref}" for each in trials], force=force)


def bring(root: Path, remote: str, trials: Iterable[TrialRef], *, force: bool = False) -> None:
    """Bring trials in one process. `force` replaces those that are here. Raises MlgitError where the remote does not."""
    many_refs.fetch(root, remote, [f"{'+' * force}{each.ref}:{each.ref}" for each in trials])


def remove(root: Path, trials: Iterable[TrialRef]) -> None:
    """Remove the refs of trials here, all or none."""
    many_refs.delete(root, {each.ref: each.commit for each in trials})


def remove_there(root: Path, remote: str, trials: Iterable[TrialRef]) -> dict[str, str]:
    """Remove the refs of trials at the remote; those that it keeps, with what it said."""
    return many_refs.push(root, remote, [f":{each.ref}" for each in trials])
