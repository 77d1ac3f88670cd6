"""Makes a trial a branch, ready to be pushed and reviewed: one commit where it began, with what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import project as projects
from mlgit.adapters.git import git, merging
from mlgit.adapters.git.merging import Entry
from mlgit.commands import exp_selection
from mlgit.commands.notes import Note, unheard
from mlgit.errors import MlgitError
from mlgit.experiments import promotion_message, trial_refs
from mlgit.experiments import selection as selections
from mlgit.experiments.selection import Selection
from mlgit.experiments.trial import Trial
from mlgit.experiments.trial_refs import TrialRef
from mlgit.project import Project
from mlgit.render.text import few
from mlgit.revision.revisions import Revisions

_BRANCHES = "refs/heads/"


@dataclass(frozen=True, slots=True)
class TrialPromoted:
    """The branch that a trial became, its one commit, and what is to be said of the trial; `is_new`: it was not there;
    `has_cards`: the project has model cards, which the branch is to bring up to date.
    """

    name: str
    branch: str
    commit: str
    baseline: str
    selection: Selection
    message: str
    is_new: bool = True
    has_cards: bool = False

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "name": self.name,
            "branch": self.branch,
            "commit": self.commit or None,
            "baseline": self.baseline,
            "new": self.is_new,
            "selection": {key: value for key, value in self.selection.document().items() if key != "schema"},
            "message": self.message,
        }


def promote_trial(
    word: str,
    *,
    branch: str = "",
    message: str = "",
    objective: str = "",
    direction: str = "",
    dry_run: bool = False,
    note: Note = unheard,
) -> TrialPromoted:
    """Make a trial a branch (`exp/NAME` unless one is named) of one commit on its baseline. Nothing is checked out.

    The message says what was set, what it gained, and from how many trials it was picked. Raises MlgitError where what is
    recorded does not belong to what is declared, where outputs are in no cache here, and where the branch is another one.
    """
    project = projects.find()
    root = project.git_root
    git.require_identity(root)
    listed = trial_refs.listed(root)
    chosen = trial_refs.choose(listed, word, prefer=git.head(root))
    name = branch or f"exp/{chosen.name}"
    _check_branch(root, name)
    tree = _tree(root, chosen)
    siblings = trial_refs.load(project, [each for each in listed if each.baseline == chosen.baseline]).trials
    own = _of(siblings, chosen)
    _check_complete(project, chosen)
    found = exp_selection.select(project, siblings, own, objective=objective, direction=direction, note=note)
    text = promotion_message.write(found, title=message)
    has_cards = any((project.root / each.card.out).exists() for each in projects.load_config(project).models.values())
    there = git.run(root, "rev-parse", "--verify", "--quiet", f"{_BRANCHES}{name}^{{commit}}", check=False).text.strip()
    if there:
        _check_same(root, name, there, tree, chosen)
        return TrialPromoted(chosen.name, name, there, chosen.baseline, found, text, is_new=False, has_cards=has_cards)
    if dry_run:
        return TrialPromoted(chosen.name, name, "", chosen.baseline, found, text)
    commit = git.run(root, "commit-tree", tree, "-p", chosen.baseline, stdin=text.encode()).text.strip()
    _create(root, name, commit)
    return TrialPromoted(chosen.name, name, commit, chosen.baseline, found, text, has_cards=has_cards)


def _of(siblings: tuple[Trial, ...], chosen: TrialRef) -> Trial:
    found = next((each for each in siblings if each.ref == chosen.ref), None)
    if found is None:
        raise MlgitError(f"{chosen.ref} leads to no commit of this clone", "`git fetch` brings what is missing")
    return found


def _check_branch(root: Path, name: str) -> None:
    if git.run(root, "check-ref-format", "--branch", name, check=False).code or name.startswith("-"):
        raise MlgitError(f"--branch {name}: no name of a branch", "letters, digits, dashes and slashes, as `tune/depth`")


def _tree(root: Path, chosen: TrialRef) -> str:
    """The files of a trial, without those that DVC keeps for itself and once put into a commit by mistake."""
    tree = git.line(root, "rev-parse", "--verify", f"{chosen.commit}^{{tree}}")
    listed = git.run(root, "diff-tree", "-r", "-z", "--name-only", "--no-renames", chosen.baseline, chosen.commit).text
    strange: dict[str, Entry | None] = {path: None for path in listed.split("\0") if "/.dvc/tmp/" in f"/{path}"}
    return merging.changed_tree(root, tree, strange)


def _check_complete(project: Project, chosen: TrialRef) -> None:
    """Raises MlgitError where a stage's record does not belong to what is declared, or its outputs are not here."""
    with Revisions(project) as revisions:
        revision, before = revisions.commit(chosen.commit), revisions.commit(chosen.baseline)
        stages = revision.pipeline.graph.stages
        stale = [each.address for each in stages if not each.is_source and revision.is_stale(each)]
        if stale:
            raise MlgitError(
                f"{chosen.name}: stale, so its results do not belong to its files: {few(stale)}",
                "`mlgit exp run` with the same settings makes a trial that is complete",
            )
        changed = [
            out.target
            for stage in stages
            for out in stage.outs
            if out.cache and (content := revision.recorded.get(out.target)) and before.recorded.get(out.target) != content
        ]
        absent = [path for path in changed if not revisions.cache.has_all(revision.recorded[path].md5)]
    if absent:
        raise MlgitError(
            f"what {chosen.name} made is not here: {few(absent)}", f"`mlgit exp pull {chosen.name}` brings it, then again"
        )


def _check_same(root: Path, name: str, there: str, tree: str, chosen: TrialRef) -> None:
    """Raises MlgitError where a branch of this name is not that of this trial."""
    text = git.run(root, "show", "--no-patch", "--format=%T%n%P%n%B", there).text
    own_tree, parents, message = text.split("\n", 2)
    said = selections.read(message)
    if (own_tree, parents) != (tree, chosen.baseline) or said is None or said.trial != chosen.name:
        raise MlgitError(f"there is a branch '{name}' already", f"name another: `--branch NAME`, or `git branch -D {name}`")


def _create(root: Path, name: str, commit: str) -> None:
    ref = f"{_BRANCHES}{name}"
    done = git.run(root, "update-ref", "-m", "mlgit exp promote", ref, commit, "0" * len(commit), check=False)
    if done.code:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["Git gave no reason"]
        raise MlgitError(f"the branch '{name}' could not be made: {said[-1]}", "name another: `--branch NAME`")
