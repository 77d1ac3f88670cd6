"""Reads the trials on `refs/exps`, those that DVC wrote too: all at once, and each commit once for as long as it is kept.

What a commit holds never changes, so what was read of it is kept below `.dvc/tmp/mlgit`, in the project.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from mlgit import __version__
from mlgit.adapters.git import git
from mlgit.adapters.system import state_files
from mlgit.errors import MlgitError, near_miss
from mlgit.experiments import trial, trial_message
from mlgit.experiments.flat_names import FlatNames
from mlgit.experiments.trial import Trial, TrialFacts
from mlgit.project import Project
from mlgit.render.text import few

_NAME = "trials"
_LARGEST_COMMIT = 4 << 20
_TREE = re.compile(rb"tree ([0-9a-f]{40,64})\n")
_COMMITTER = re.compile(rb"^committer [^\n]*> (-?[0-9]{1,15}) [+-][0-9]{4}$", re.MULTILINE)
_facts = attrgetter(*(each.name for each in fields(TrialFacts)))
_HEX = re.compile(r"[0-9a-f]{7,64}")


class TrialRef(NamedTuple):
    """A ref of a trial: nothing of the trial itself is read."""

    ref: str
    baseline: str
    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class RecordedTrials:
    """The trials on refs, by baseline as it was asked for and by name, and each baseline as a trial without a name and ref.

    `metric_files` are the metrics of each baseline by file.
    """

    trials: tuple[Trial, ...] = ()
    baselines: tuple[Trial, ...] = ()
    metric_files: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)


class _Kept(NamedTuple):
    """What is kept of a commit."""

    when: int
    facts: TrialFacts
    params: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]


def listed(root: Path) -> tuple[TrialRef, ...]:
    """The refs of all trials of a repository, by baseline and name; those that DVC keeps for itself are none."""
    rows = git.run(root, "for-each-ref", "--format=%(objectname) %(refname)", trial.SPACE).text.splitlines()
    found = []
    for commit, _, ref in (row.partition(" ") for row in rows):
        place = trial.of_ref(ref)
        if place:
            found.append(TrialRef(ref, *place, commit))
    return tuple(found)


def find(root: Path, word: str, *, prefer: str = "") -> TrialRef:
    """The trial of this name, with or without the digits at its end, of this ref, or commit (seven digits will do).

    Of two on other baselines that of `prefer` is meant.

    Raises MlgitError where there is none, with the near miss, or more than one.
    """
    return choose(listed(root), word, prefer=prefer)


def choose(refs: Collection[TrialRef], word: str, *, prefer: str = "") -> TrialRef:
    """As `find`, of refs that are read already."""
    found = [each for each in refs if word in (each.name, each.ref)]
    if not found and _HEX.fullmatch(word):
        found = [each for each in refs if each.commit.startswith(word)]
    if not found:
        digits = re.compile(re.escape(word) + r"-[0-9a-f]{6,}")
        found = [each for each in refs if digits.fullmatch(each.name)]
    if len(found) > 1:
        found = [each for each in found if each.baseline == prefer] or found
    if not found:
        guess = near_miss(word, {each.name for each in refs})
        raise MlgitError(f"no trial is called '{word}'{guess}", "`mlgit exp list --all` lists them")
    if len(found) > 1:
        refs_named = few([each.ref for each in found])
        raise MlgitError(f"{len(found)} trials are called '{word}'", f"name one by its ref: {refs_named}")
    return found[0]


def load(project: Project, refs: Iterable[TrialRef], *, baselines: Iterable[str] = ()) -> RecordedTrials:
    """These trials with their parameters and metrics, and their baselines (and others given by their full commit ids).

    A ref that leads to no commit is left out. What cannot be read of a commit stands in the trial's `notes`.
    """
    chosen = tuple(refs)
    commits = list(dict.fromkeys([*baselines, *(each.baseline for each in chosen)]))
    wanted = list(dict.fromkeys([*commits, *(each.commit for each in chosen)]))
    path = str(project.own_folder / _NAME)
    kept = _kept(path)
    new = [commit for commit in wanted if commit not in kept]
    if new:
        read = _read(project, new)
        kept |= {commit: found for commit, (found, _) in read.items()}
        final = {commit for commit, (_, is_final) in read.items() if is_final}
        used = {*wanted, *(commit for each in listed(project.git_root) for commit in (each.commit, each.baseline))}
        _keep(path, {oid: each for oid, each in kept.items() if oid in used and (oid in final or oid not in read)})
    shown = [kept[commit] for commit in wanted if commit in kept]
    params, metrics = FlatNames(each.params for each in shown), FlatNames(each.metrics for each in shown)
    names = params, metrics
    return RecordedTrials(
        tuple(_trial(each, kept[each.commit], *names) for each in chosen if each.commit in kept),
        tuple(_trial(TrialRef("", commit, "", commit), kept[commit], *names) for commit in commits if commit in kept),
        {commit: kept[commit].metrics for commit in commits if commit in kept},
    )


def metrics_of(project: Project, commits: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The metrics of commits that were just made, flat: what is kept of others is neither read nor written."""
    found = {oid: each.metrics for oid, (each, _) in _read(project, list(commits)).items()}
    names = FlatNames(found.values())
    return {oid: names.flat(each) for oid, each in found.items()}


def _trial(ref: TrialRef, kept: _Kept, params: FlatNames, metrics: FlatNames) -> Trial:
    return Trial(
        name=ref.name,
        baseline=ref.baseline,
        status="finished",
        ref=ref.ref,
        commit=ref.commit,
        params=params.flat(kept.params),
        metrics=metrics.flat(kept.metrics),
        facts=kept.facts,
        notes=kept.notes,
        committed=kept.when,
    )


def _read(project: Project, commits: Collection[str]) -> dict[str, tuple[_Kept, bool]]:
    """What commits hold, and whether that is final; what is no commit, or not in this clone, is left out."""
    from mlgit.adapters.git.trees import described

    sizes = described(project.git_root, commits)
    small = [oid for oid, (kind, size) in sizes.items() if kind == "commit" and size <= _LARGEST_COMMIT]
    if not small:
        return {}
    from mlgit.experiments import trial_values
    from mlgit.revision.revisions import Revisions

    with Revisions(project) as revisions:
        contents = {oid: content for oid, (_, content) in revisions.objects.read(small).items()}
        trees = {oid: match[1].decode() for oid, content in contents.items() if (match := _TREE.match(content))}
        values = trial_values.read(revisions, trees)
    found = {}
    for oid, each in values.items():
        when, facts = _said(contents[oid])
        found[oid] = _Kept(when, facts, each.params, each.metrics, each.notes), each.is_final
    return found


def _said(content: bytes) -> tuple[int, TrialFacts]:
    """When a commit was made, and what its message says of a trial."""
    head, _, message = content.partition(b"\n\n")
    match = _COMMITTER.search(head)
    return int(match[1]) if match else 0, trial_message.read(message.decode("utf-8", "replace"))


def _kept(path: str) -> dict[str, _Kept]:
    note = state_files.read(path)
    if note is None:
        return {}
    try:
        version, rows = marshal.loads(note)  # noqa: S302 - sealed
        return (
            {oid: _Kept(row[0], TrialFacts(*row[1]), *row[2:]) for oid, row in rows.items()} if version == __version__ else {}
        )
    except (EOFError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return {}


def _keep(path: str, kept: Mapping[str, _Kept]) -> None:
    """Keep what is known for good; where that cannot be written, only time is lost."""
    rows = {oid: _row(each) for oid, each in kept.items()}
    with suppress(MlgitError, ValueError):
        state_files.write(path, marshal.dumps((__version__, rows)))


def _row(kept: _Kept) -> tuple[Any, ...]:
    return kept.when, _facts(kept.facts), kept.params, kept.metrics, kept.notes
