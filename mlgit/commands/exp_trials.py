"""The trials that a command is about: those on refs and those that wait or run, by name or below a baseline."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.experiments import live_values, queue, trial_refs
from mlgit.experiments.trial import Trial
from mlgit.experiments.trial_refs import RecordedTrials
from mlgit.project import Project

# So far back a commit with trials is looked for.
_FARTHEST = 1_000


@dataclass(frozen=True, slots=True)
class GatheredTrials:
    """Trials with their baselines, each of which is called as a person would: `main (a1b2c3d)`.

    `n_elsewhere` trials are on other baselines, and not among these.
    """

    trials: tuple[Trial, ...]
    baselines: tuple[Trial, ...]
    n_elsewhere: int = 0


def gather(
    project: Project, names: Sequence[str] = (), *, baseline: str | None = None, everything: bool = False
) -> GatheredTrials:
    """The trials of these names; without names those of `baseline`, a revision, or of every baseline.

    Without all of that, those of HEAD, or where it has none of the nearest commit before it that has some.
    """
    if (bool(names), baseline is not None, everything).count(True) > 1:
        raise MlgitError("names of trials, --baseline and --all exclude each other", "leave out all of them but one")
    root = project.git_root
    refs = trial_refs.listed(root)
    head = git.head(root)
    recorded = {(each.baseline, each.name) for each in refs}
    waiting = [each for each in queue.load(queue.common_folder(root)) if (each.baseline, each.name) not in recorded]
    if names:
        started = [each for each in waiting if each.name in names]
        chosen = [trial_refs.choose(refs, each, prefer=head) for each in names if each not in {one.name for one in started}]
    elif everything:
        chosen, started = list(refs), waiting
    else:
        known = {each.baseline for each in refs} | {each.baseline for each in waiting}
        commit = git.resolve(root, baseline) if baseline else nearest(root, known, head)
        chosen = [each for each in refs if each.baseline == commit]
        started = [each for each in waiting if each.baseline == commit]
    wanted = list(dict.fromkeys([*(each.baseline for each in chosen), *(each.baseline for each in started)]))
    if not wanted and not names:
        wanted = [git.resolve(root, baseline) if baseline else head] if baseline or head else []
    found = trial_refs.load(project, dict.fromkeys(chosen), baselines=wanted)
    labels = _labels(root, wanted, head)
    return GatheredTrials(
        (*found.trials, *_with_live_values(root, started, found)),
        tuple(replace(each, name=labels[each.commit]) for each in found.baselines),
        n_elsewhere=0 if names or everything else len(refs) - len(chosen),
    )


def _with_live_values(root: Path, started: Sequence[Trial], recorded: RecordedTrials) -> Iterator[Trial]:
    """Trials that are not in Git, with what they have measured so far: in files, and in what their code logged."""
    running = [each for each in started if each.status == "running"]
    runs = None
    if running:
        from mlgit.experiments.runs_of_trials import TrialRuns

        runs = TrialRuns(root, running)
    for each in started:
        base = next((one for one in recorded.baselines if one.commit == each.baseline), None)
        params = {**(base.params if base else {}), **(each.params or each.facts.changes)}
        metrics = dict(runs.metrics(each)) if runs and each.status == "running" else {}
        if each.status == "running" and each.folder:
            metrics |= live_values.metrics(each.folder, recorded=recorded.metric_files.get(each.baseline, {}))
        yield replace(each, params=params, metrics=metrics)


def nearest(root: Path, known: Collection[str], head: str) -> str:
    """The commit whose trials are meant where nobody says: HEAD, else the nearest before it that is `known` to have some."""
    if not known or head in known or not head:
        return head
    listed = git.run(root, "rev-list", f"--max-count={_FARTHEST}", head).text.split()
    return next((commit for commit in listed if commit in known), head)


def _labels(root: Path, commits: Collection[str], head: str) -> dict[str, str]:
    """How commits are called: by a branch, the current one first."""
    listed = git.run(root, "for-each-ref", "--format=%(objectname) %(HEAD) %(refname:lstrip=2)", "refs/heads").text.splitlines()
    branches: dict[str, str] = {}
    for commit, mark, name in (row.split(" ", 2) for row in listed if row.count(" ") >= 2):
        if mark == "*" or commit not in branches:
            branches[commit] = name
    return {
        each: f"{branches[each]} ({each[:7]})" if each in branches else f"HEAD ({each[:7]})" if each == head else each[:7]
        for each in commits
    }
