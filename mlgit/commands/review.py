"""A review of a change, put together from everything that reads: `gate`, `diff`, reports and promotions show it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

from mlgit.adapters.git import git
from mlgit.commands import fetching
from mlgit.config import Config, Model
from mlgit.errors import MlgitError
from mlgit.evaluation import predictions, reevaluate, test_set_reuse
from mlgit.evaluation.model_results import RevisionResults, Table, asked
from mlgit.gate import judge
from mlgit.gate.review import Review
from mlgit.project import Project
from mlgit.revision import baselines, comparison_start, data_tables
from mlgit.revision.refs import Baseline, Notice, RevisionRef
from mlgit.tables.columns import DataTable


def review_change(
    project: Project,
    *,
    base: str | None = None,
    head: str | None = None,
    into: str | None = None,
    labels: Iterable[str] = (),
    today: datetime.date,
    pull: bool = False,
) -> Review:
    """The verdict on `head` (a revision, default the workspace) beside `base` (default: where it left the default branch).

    `into` is the ref of another branch that the change is to go to: it is where the change left, and its rules judge;
    `labels` are those of the pull request; `today` decides about waivers. With `pull`, what is compared and not in the cache
    is fetched from the DVC remote. Raises MlgitError where nothing can be compared at all.
    """
    return judge.review(review_input(project, base=base, head=head, into=into, labels=labels, pull=pull), today=today)


def review_input(
    project: Project,
    *,
    base: str | None,
    head: str | None,
    into: str | None = None,
    labels: Iterable[str] = (),
    pull: bool = False,
) -> judge.ReviewInput:
    """Everything that the verdict rests on, read."""
    now = RevisionRef() if head is None else comparison_start.point(project.git_root, head, command="gate")
    began = comparison_start.start(project, base=base, head=now, into=into)
    if not began.point.commit:
        raise MlgitError("the workspace cannot be the baseline", "name a revision: `mlgit gate BASE`")
    rules = began.rules or began.point
    before, left, own = (predictions.config_of(project, each) for each in (rules, began.point, now))
    deciding, rules_from, notes = judge.decides(before, own, name=rules.name)
    looked_for = (left or deciding).models or deciding.models
    found = baselines.choose(project, began, deciding.gates.baseline, models=looked_for, head=now)
    notes += _fetched(project, deciding, found, now) if pull else ()
    current = predictions.read(project, now, asked(deciding, own), gates=deciding.gates)
    baseline = _baseline(project, deciding, found) if found else None
    judged = _wear(project, current, now)
    return judge.ReviewInput(
        deciding=deciding,
        own=own or Config(),
        left=left,
        rules_from=rules_from,
        current=current,
        baseline=baseline,
        found=found,
        again=reevaluated(project, deciding, own or deciding, found.commit if found else "", baseline, current, now, pull=pull),
        judged=judged.judged,
        is_history_cut=judged.is_at_least,
        data=_data(project, deciding, found, now),
        labels=frozenset(labels),
        notes=notes,
    )


def _fetched(project: Project, deciding: Config, found: Baseline | None, now: RevisionRef) -> tuple[str, ...]:
    """Bring into the cache what is read of both sides; what did not work, in words."""
    said = []
    for point in (now, *([RevisionRef(found.name, found.commit)] if found else [])):
        models = asked(deciding, predictions.config_of(project, point)).values()
        paths = [path for each in models for path in (each.predictions, each.metrics)]
        said.append(fetching.fetch(project, point, [*paths, *_tables(deciding)]))
    return tuple(filter(None, dict.fromkeys(said)))


def _tables(deciding: Config) -> list[str]:
    return list(dict.fromkeys(rule.path for rule in deciding.gates.rules if rule.kind == "data"))


def _baseline(project: Project, deciding: Config, found: Baseline) -> RevisionResults:
    point = RevisionRef(found.name, found.commit)
    return predictions.read(project, point, asked(deciding, predictions.config_of(project, point)), gates=deciding.gates)


def reevaluated(
    project: Project,
    deciding: Config,
    own: Config,
    commit: str,
    baseline: RevisionResults | None,
    current: RevisionResults,
    now: RevisionRef,
    *,
    pull: bool = False,
    run: bool = True,
) -> dict[str, Table | Notice]:
    """What the models of a commit say of the current rows, or why they say nothing, where the test data changed.

    Without `run`, what was evaluated before is all that there is.
    """
    made: dict[str, Table | Notice] = {}
    for name in judge.to_judge_again(deciding, baseline, current) if commit else []:
        model: Model = own.models.get(name) or current.scored[name].model
        try:
            path = reevaluate.predictions(project, model, baseline=commit, current=now, pull=pull, run=run)
            made[name] = predictions.from_file(path, current.scored[name].model, gates=deciding.gates)
        except MlgitError as error:
            made[name] = Notice(error.message, error.hint)
    return made


def _wear(project: Project, current: RevisionResults, now: RevisionRef) -> test_set_reuse.TestSetReuse:
    if not now.commit and not git.has_commits(project.git_root):
        return test_set_reuse.TestSetReuse({})
    models = {name: each.model for name, each in current.scored.items()}
    head = now.commit or git.resolve(project.git_root, "HEAD")
    return test_set_reuse.count(project, models, head=head, test={name: each.test for name, each in current.scored.items()})


def _data(
    project: Project, deciding: Config, found: Baseline | None, now: RevisionRef
) -> Mapping[str, tuple[DataTable | None, DataTable | None]]:
    paths = _tables(deciding)
    if not paths:
        return {}
    old = data_tables.read(project, RevisionRef(found.name, found.commit), paths) if found else {}
    new = data_tables.read(project, now, paths)
    return {path: (old.get(path), new.get(path)) for path in paths}
