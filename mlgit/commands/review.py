"""A review of a change, put together from everything that reads: `gate`, `diff`, reports and promotions show it.

What fetches, reads tables of data, or runs models is imported where that is to be done.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.evaluation import judging_code, leakage, predictions, test_set_reuse
from mlgit.evaluation.model_results import RevisionResults, Table, asked, by_address
from mlgit.gate import judge
from mlgit.gate.judge import ReviewInput
from mlgit.gate.review import Review
from mlgit.model_settings import Model
from mlgit.revision import baselines, comparison_start
from mlgit.revision.refs import ComparisonStart, Notice, RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

if TYPE_CHECKING:
    from mlgit.gate.contract_rules import ContractEvidence
    from mlgit.tables.columns import DataTable


def review_change(
    revisions: Revisions,
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
    return judge.review(review_input(revisions, base=base, head=head, into=into, labels=labels, pull=pull), today=today)


def review_input(
    revisions: Revisions,
    *,
    base: str | None,
    head: str | None,
    into: str | None = None,
    labels: Iterable[str] = (),
    pull: bool = False,
) -> ReviewInput:
    """Everything that the verdict rests on, read."""
    current_ref = RevisionRef() if head is None else comparison_start.point(revisions, head, command="gate")
    began = comparison_start.start(revisions, base=base, head=current_ref, into=into)
    if not began.point.commit:
        raise MlgitError("the workspace cannot be the baseline", "name a revision: `mlgit gate BASE`")
    rules = began.rules or began.point
    before, left, own = (revisions.at(each).own_config for each in (rules, began.point, current_ref))
    deciding, rules_from, notes = judge.decides(before, own, name=rules.name)
    looked_for = (left or deciding).models or deciding.models
    tables = _data_paths(deciding)
    chosen = deciding.gates.baseline
    found = baselines.choose(revisions, began, chosen, models=looked_for, tables=tables, head=current_ref)
    then = revisions.at(RevisionRef(found.name, found.commit)) if found else None
    now = revisions.at(current_ref)
    notes += _fetched(deciding, then, now) if pull else ()
    current = results(now, deciding)
    baseline = results(then, deciding) if then else None
    reuse = _test_set_reuse(revisions, current, now)
    models = {name: each.model for name, each in current.scored.items()}
    return ReviewInput(
        deciding=deciding,
        own=own or Config(),
        left=left,
        rules_from=rules_from,
        current=current,
        baseline=baseline,
        found=found,
        again=reevaluated(deciding, own or deciding, then, now, baseline, current, pull=pull),
        judged=reuse.judged,
        judged_at_least=reuse.at_least,
        uncounted=reuse.unknown,
        data=tables_of_rules(deciding, then, now),
        contracts=_contracts(revisions, deciding, began, now),
        private=classified(now, revisions.at(rules), revisions.at(began.point), *([then] if then else [])),
        labels=frozenset(labels),
        notes=notes,
        judging=_judging(then, now, baseline, current),
        leakage=leakage.look(now, models, declared=by_address(deciding.models)),
    )


def classified(*sides: Revision) -> frozenset[str]:
    """The columns whose values contracts of these revisions hide; one whose mlgit.yaml cannot be read hides nothing."""
    known = [each for each in sides if _has_contracts(each)]
    if not known:
        return frozenset()
    from mlgit.commands import contract_changes  # most projects have no contract

    return contract_changes.classified(*known)


def _has_contracts(side: Revision) -> bool:
    try:
        return bool(side.config.contracts)
    except MlgitError:
        return False


def _judging(
    then: Revision | None, now: Revision, baseline: RevisionResults | None, current: RevisionResults
) -> dict[str, tuple[str, ...]]:
    if then is None or baseline is None:
        return {}
    both = {name: (baseline.scored[name], each) for name, each in current.scored.items() if name in baseline.scored}
    return {
        name: judging_code.differences(then, now, before.model, each.model)
        for name, (before, each) in both.items()
        if not before.is_empty
    }


def _fetched(deciding: Config, then: Revision | None, now: Revision) -> tuple[str, ...]:
    """Bring into the cache what is read of both sides; what did not work, in words."""
    from mlgit.revision import fetching

    said = []
    for revision in (now, *([then] if then else [])):
        models = asked(deciding, revision.own_config).values()
        paths = [path for each in models for path in (*each.declared_predictions, each.metrics)]
        said.append(fetching.fetch(revision, [*paths, *_data_paths(deciding)]))
    return tuple(filter(None, dict.fromkeys(said)))


def _contracts(revisions: Revisions, deciding: Config, began: ComparisonStart, now: Revision) -> Mapping[str, ContractEvidence]:
    """From where the change left to where it is now; the data has to keep the contract of the branch that it is to go to."""
    if not any(rule.kind == "contract" for rule in deciding.gates.rules):
        return {}
    from mlgit.commands import contract_data

    if began.is_alone:
        return contract_data.of_rules(deciding, None, now, guards=())
    left = revisions.at(began.point)
    return contract_data.of_rules(deciding, left, now, guards=(revisions.at(began.rules or began.point), left))


def _data_paths(deciding: Config) -> list[str]:
    """The files of data that rules are about."""
    return list(dict.fromkeys(rule.path for rule in deciding.gates.rules if rule.path))


def _table_paths(deciding: Config) -> list[str]:
    return list(dict.fromkeys(rule.path for rule in deciding.gates.rules if rule.kind == "data"))


def results(revision: Revision, deciding: Config) -> RevisionResults:
    """What a revision says of its models, in the columns that the deciding configuration names."""
    return predictions.read(revision, asked(deciding, revision.own_config), gates=deciding.gates)


def reevaluated(
    deciding: Config,
    own: Config,
    then: Revision | None,
    now: Revision,
    baseline: RevisionResults | None,
    current: RevisionResults,
    *,
    pull: bool = False,
    run: bool = True,
) -> dict[str, Table | Notice]:
    """What the models of a commit say of the current rows, or why they say nothing, where the test data changed.

    Without `run`, what was evaluated before is all that there is.
    """
    made: dict[str, Table | Notice] = {}
    again = judge.to_judge_again(deciding, baseline, current) if then else []
    if not again:
        return made
    from mlgit.evaluation import reevaluate

    for name in again:
        model: Model = by_address(own.models).get(name) or current.scored[name].model
        try:
            assert then
            path = reevaluate.predictions(then, now, model, pull=pull, run=run)
            made[name] = predictions.from_file(path, current.scored[name].model, gates=deciding.gates)
        except MlgitError as error:
            made[name] = Notice(error.message, error.hint)
    return made


def _test_set_reuse(revisions: Revisions, current: RevisionResults, now: Revision) -> test_set_reuse.TestSetReuse:
    if not now.commit and not revisions.head:
        return test_set_reuse.TestSetReuse({})
    models = {name: each.model for name, each in current.scored.items()}
    head = now if now.commit else revisions.commit(revisions.head, name="HEAD")
    return test_set_reuse.count(head, models, test={name: each.test for name, each in current.scored.items()})


def tables_of_rules(
    deciding: Config, then: Revision | None, now: Revision
) -> Mapping[str, tuple[DataTable | None, DataTable | None]]:
    """The tables of both sides that rules are about, by path."""
    paths = _table_paths(deciding)
    if not paths:
        return {}
    from mlgit.revision import data_tables

    old, new = data_tables.read(then, paths) if then else {}, data_tables.read(now, paths)
    return {path: (old.get(path), new.get(path)) for path in paths}
