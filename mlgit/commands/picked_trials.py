"""Says of a change, and of a model, which trial it is and out of how many that was picked.

`mlgit exp promote` writes it into the message of the commit. A change whose files are those of a trial is one too, whoever
committed them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.experiments import selection, trial, trial_message
from mlgit.experiments.selection import Selection
from mlgit.report.document import PickedTrial
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

# So many commits of a change are looked at, and so many promoted trials among those before a model.
_MOST_COMMITS = 2000
_MOST_PROMOTED = 20
_NOT_PROMOTED = "it was not brought here by `mlgit exp promote`"
_BOUNDARY = "\x01"


def of_change(revisions: Revisions, base: str) -> tuple[PickedTrial, ...]:
    """The trials among the commits from `base` to HEAD, the newest first; each once."""
    head = revisions.head
    if not head or not base:
        return ()
    found: dict[str, PickedTrial] = {}
    for commit, picked in _in_commits(revisions, f"{base}..{head}"):
        found.setdefault(picked.trial, _shown(picked, commit))
    for picked in _by_files(revisions, base, head):
        found.setdefault(picked.trial, _shown(picked, head))
    return tuple(found.values())


def of_model(revisions: Revisions, revision: Revision, path: str, md5: str) -> tuple[str, ...]:
    """What is to be said of the trial that made a model; nothing where none did.

    It is the newest promoted trial before a revision whose model is this one, to the byte.
    """
    head = revision.commit or revisions.head
    for number, (commit, picked) in enumerate(_in_commits(revisions, head) if head and md5 else ()):
        if number >= _MOST_PROMOTED:
            break
        try:
            there = revisions.commit(commit).contents.recorded(path)
        except MlgitError:  # a commit whose pipeline cannot be read made no model
            continue
        if there is not None and there.md5 == md5:
            return selection.told(picked)
    return ()


def _in_commits(revisions: Revisions, which: str) -> Iterator[tuple[str, Selection]]:
    """The promoted trials among some commits, the newest first."""
    limits = [f"--max-count={_MOST_COMMITS}", f"--grep=^{selection.TRAILER}: "]
    done = git.run(revisions.project.git_root, "log", *limits, "--format=%x01%H%n%B", which, "--", check=False)
    for entry in done.text.split(_BOUNDARY)[1:] if done.code == 0 else ():
        commit, _, message = entry.partition("\n")
        picked = selection.read(message)
        if picked is not None:
            yield commit, picked


def _by_files(revisions: Revisions, base: str, head: str) -> Iterator[Selection]:
    """The trials whose files are those of a commit of the change."""
    root = revisions.project.git_root
    rows = git.run(root, "for-each-ref", "--format=%(tree) %(objectname) %(refname)", trial.SPACE, check=False).text
    refs = [row.split(" ", 2) for row in rows.splitlines() if row.count(" ") >= 2]
    if not refs:
        return
    commits = git.run(root, "log", f"--max-count={_MOST_COMMITS}", "--format=%T", f"{base}..{head}", "--", check=False)
    trees = set(commits.text.split()) - {git.line(root, "rev-parse", f"{base}^{{tree}}")}
    for tree, commit, ref in refs:
        named = trial.of_ref(ref)
        if tree in trees and named is not None and trial.is_name(named[1]):
            same = [other for _, _, other in refs if (known := trial.of_ref(other)) and known[0] == named[0]]
            yield _recorded(root_message=_message(revisions, commit), name=named[1], baseline=named[0], n_trials=len(same))


def _message(revisions: Revisions, commit: str) -> str:
    _, content = git.read_objects(revisions.project.git_root, [commit]).get(commit, ("", b""))
    return content.partition(b"\n\n")[2].decode("utf-8", "replace")


def _recorded(*, root_message: str, name: str, baseline: str, n_trials: int) -> Selection:
    """What a trial's own commit says of how it was found."""
    facts = trial_message.read(root_message)
    return Selection(
        trial=name,
        baseline=baseline,
        n_trials=max(n_trials, 1),
        sampler=facts.sampler,
        space=facts.space,
        seed=facts.seed,
        objective=facts.objective,
        direction=facts.direction,
        changes=facts.changes,
        why_not=_NOT_PROMOTED,
    )


def _shown(picked: Selection, commit: str) -> PickedTrial:
    return PickedTrial(picked.trial, picked.n_trials, picked.sampler, picked.space, commit, selection.told(picked))
