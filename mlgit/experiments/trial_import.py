"""Brings the trials and runs of another repository: refs as they are, each only where there is none of its name yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.experiments import trial
from mlgit.experiments.run import EXPERIMENTS, MODELS, RUNS, is_experiment_id, is_model_id, is_run_id

_KINDS = {RUNS: is_run_id, EXPERIMENTS: is_experiment_id, MODELS: is_model_id}
_SPACES = (trial.SPACE, *_KINDS)
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class RefsImported:
    """What came from another repository: new trials, runs, experiments and logged models; what was here, what was not taken."""

    title: str
    trials: int = 0
    runs: int = 0
    experiments: int = 0
    models: int = 0
    unchanged: int = 0
    kept: int = 0
    missed: tuple[str, ...] = ()


def bring(root: Path, source: str) -> RefsImported:
    """Bring the trials of `refs/exps` and the runs of another repository, with the commits that they stand on.

    What is here under the same name stays. Raises MlgitError where the repository cannot be reached.
    """
    if source.startswith("-"):
        raise MlgitError(f"'{source}' is no repository", "give a path or a URL")
    title = re.sub(r"(?<=://)[^/@]*@", "", source)
    there = _there(root, source, title)
    here = _here(root)
    new = [ref for ref in there if ref not in here]
    apart = [ref for ref, oid in there.items() if here.get(ref, oid) != oid]
    _fetch(root, source, new, title)
    missed = [f"{_shown(ref)} differs from the one here, which stays" for ref in apart[:_MOST_TOLD]]
    missed += [f"and {len(apart) - _MOST_TOLD:,} more that differ from those here"] if len(apart) > _MOST_TOLD else []
    counts = [sum(each.startswith(space) for each in new) for space in _SPACES]
    if counts[0]:
        missed.append("what DVC keeps of trials comes with `mlgit exp pull`, from the remote that it was pushed to")
    unchanged = len(there) - len(new) - len(apart)
    trials, runs, experiments, models = counts
    return RefsImported(title, trials, runs, experiments, models, unchanged, len(apart), tuple(missed))


def _there(root: Path, source: str, title: str) -> dict[str, str]:
    """The refs of the other repository that are trials, runs, experiments and logged models."""
    patterns = [f"{space}*" for space in _SPACES]
    done = git.run(root, "ls-remote", "--quiet", "--refs", "--", source, *patterns, check=False)
    if done.code:
        said = done.stderr.decode("utf-8", "replace").strip().replace(source, title).splitlines()
        told = next((line for line in said if line.startswith("fatal:")), said[-1] if said else "Git gave no reason")
        raise MlgitError(f"{title}: cannot be read: {told.removeprefix('fatal: ')}", f"does `git ls-remote {title}` work?")
    rows = (row.partition("\t") for row in done.text.splitlines())
    return {ref: oid for oid, _, ref in rows if _OID.fullmatch(oid) and _is_ours(ref)}


def _is_ours(ref: str) -> bool:
    if ref.startswith(trial.SPACE):
        found = trial.of_ref(ref)
        return found is not None and trial.is_name(found[1])
    return any(ref.startswith(space) and is_id(ref.removeprefix(space)) for space, is_id in _KINDS.items())


def _here(root: Path) -> dict[str, str]:
    rows = git.run(root, "for-each-ref", "--format=%(objectname) %(refname)", *_SPACES).text
    return {ref: oid for oid, ref in map(str.split, rows.splitlines())}


def _fetch(root: Path, source: str, refs: Sequence[str], title: str) -> None:
    """Fetch refs by name, none of them by force."""
    if not refs:
        return
    plain = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance"]
    specs = "".join(f"{ref}:{ref}\n" for ref in refs).encode()
    done = git.run(root, "fetch", *plain, "--stdin", "--", source, stdin=specs, check=False)
    if done.code:
        said = done.stderr.decode("utf-8", "replace").strip().replace(source, title).splitlines()
        raise MlgitError(f"{title}: cannot be fetched: {said[-1] if said else 'Git gave no reason'}", "try again")


def _shown(ref: str) -> str:
    found = trial.of_ref(ref)
    return f"the trial {found[1]}" if found else ref.removeprefix("refs/mlgit/")
