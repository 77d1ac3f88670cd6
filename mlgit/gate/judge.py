"""From two sides and the rules of one of them to a review: every rule's outcome, every metric, and the verdict.

What looks at rows is imported where there are some.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mlgit.config import Config
from mlgit.evaluation import metric_evidence, metric_table, prediction_files, row_changes
from mlgit.evaluation.comparison_settings import settings
from mlgit.evaluation.model_pair import ModelPair, digest, is_changed, join
from mlgit.evaluation.model_results import RevisionResults, Table
from mlgit.evaluation.prediction_flips import of_pair
from mlgit.evaluation.results import Leakage, MetricEvidence, TestedRows
from mlgit.evaluation.suggest import Suggestion
from mlgit.gate import (
    contract_rules,
    data_rules,
    hidden_slices,
    leakage,
    limits,
    rule_changes,
    rule_verdicts,
    slice_table,
    slice_verdicts,
)
from mlgit.gate.contract_rules import ContractEvidence
from mlgit.gate.review import Review, RuleChange
from mlgit.gate.rule_result import RuleResult, Verdict
from mlgit.model_settings import Model
from mlgit.render.text import count, few, number
from mlgit.revision.refs import Baseline, Notice
from mlgit.rules import GateRule
from mlgit.schema import near_miss
from mlgit.statistics.rows import distinct

if TYPE_CHECKING:
    from mlgit.tables.columns import DataTable
    from mlgit.tables.drift import TableDrift

LINES = "gates: {rules: [{id: f1.no_worse, metric: f1, kind: no_worse, margin: 0.01}]}"


@dataclass(frozen=True, slots=True, eq=False)
class ReviewInput:
    """All that a verdict rests on.

    `deciding` is the configuration whose rules judge, from `rules_from`; `own` that of the current side; `left` that of where
    it left the others, if that may be another one than decides. `again` are the
    predictions of the baseline's model on the current rows, or why there are none, by model; `judged` the digests of results
    that the test data of a model has seen, as far as this clone knows: `judged_at_least` where there may be more, `uncounted`
    says why nothing is known; `data` the tables of both sides, and `contracts` the contracts, that rules are about, by path;
    `private` the columns, in lower case, whose values may not be shown.
    """

    deciding: Config
    own: Config
    rules_from: str
    current: RevisionResults
    baseline: RevisionResults | None = None
    found: Baseline | None = None
    again: Mapping[str, Table | Notice] = field(default_factory=dict)
    judged: Mapping[str, frozenset[str]] = field(default_factory=dict)
    judged_at_least: frozenset[str] = frozenset()
    uncounted: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, tuple[DataTable | None, DataTable | None]] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    left: Config | None = None
    leakage: tuple[Leakage, ...] = ()
    judging: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    contracts: Mapping[str, ContractEvidence] = field(default_factory=dict)
    private: frozenset[str] = frozenset()


def decides(before: Config | None, own: Config | None, *, name: str) -> tuple[Config, str, tuple[str, ...]]:
    """The configuration whose rules judge, where it is from, and a note where that is not the baseline.

    Nothing can be loosened where the baseline declares no rule.
    """
    if before is not None and before.gates.rules:
        return before, name, ()
    if own is None or not own.gates.rules:
        return before or own or Config(), name, ()
    return own, "current", (f"{name} declares no gate rules, so those of the current side judge",)


def to_judge_again(deciding: Config, baseline: RevisionResults | None, current: RevisionResults) -> list[str]:
    """The models whose test data changed, so that the baseline's model has to be judged on the current rows."""
    if baseline is None or deciding.gates.test_set.if_changed != "reevaluate":
        return []
    return [
        name
        for name, scored in current.scored.items()
        if scored.table is not None and scored.model.test and not scored.stale and is_changed(baseline.scored.get(name), scored)
    ]


def joined(case: ReviewInput) -> dict[str, ModelPair]:
    """Both sides of every model, brought together."""
    before = case.baseline.scored if case.baseline else {}
    models: dict[str, Model] = {name: each.model for name, each in case.current.scored.items()}
    models |= {name: each.model for name, each in before.items() if name not in models}
    if_changed = case.deciding.gates.test_set.if_changed
    return {
        name: join(
            model,
            before.get(name),
            case.current.scored.get(name),
            if_changed=if_changed,
            again=case.again.get(name),
            private=case.private,
        )
        for name, model in models.items()
    }


def review(case: ReviewInput, *, today: datetime.date) -> Review:
    """The verdict on a case; waivers hold until their last day, counted from `today`."""
    declared, models = case.deciding.gates, joined(case)
    rules = rule_verdicts.applicable(declared, labels=case.labels)
    seen = metric_table.Seen(case.deciding, models)
    harm = slice_verdicts.together(
        (rule, name, seen.evidence(rule, name)) for rule in rules if rule.kind == "no_harm" for name in _about(rule, models)
    )
    judged = [each for rule in rules for each in _judged(rule, case, seen, harm, today)]
    judged += _leaked(case, models) if judged or declared.leakage.is_declared else []
    judged = list(rule_verdicts.waive(judged, declared.waivers, today=today)) if judged else []
    tested = tuple(tested_by(case, each) for each in models.values())
    changed = () if case.deciding is case.own else _changes(case)
    return Review(
        verdict=_verdict(case, judged),
        judged=tuple(judged),
        baseline=case.found,
        tested=tested,
        leakage=case.leakage,
        metrics=metric_table.measured(seen, rules),
        turned=tuple(found for each in models.values() if (found := of_pair(each))),
        data=_data(case),
        rule_changes=changed,
        rules_from=case.rules_from,
        labels=tuple(sorted(case.labels)),
        resamples=declared.stats.resamples,
        seed=declared.stats.seed,
        notes=(*case.notes, *_notes(case, rules, tested), *_dependence(case, rules, models)),
    )


def _leaked(case: ReviewInput, models: Mapping[str, ModelPair]) -> list[RuleResult]:
    rule = case.deciding.gates.leakage
    found = (leakage.judge(rule, each, is_old=models[each.model].is_repeated) for each in case.leakage)
    return [each for each in found if each is not None]


def _changes(case: ReviewInput) -> tuple[RuleChange, ...]:
    """What the current side itself declares otherwise, not what others did after it had left."""
    found = rule_changes.changes(case.deciding, case.own)
    edited = None if case.left is None else {each.id for each in rule_changes.changes(case.left, case.own)}
    return tuple(each for each in found if edited is None or each.id in edited)


def suggestions(case: ReviewInput) -> dict[str, tuple[Suggestion, ...]]:
    """What the rows of each model can show of each metric, or why they tell nothing."""
    seen = metric_table.Seen(case.deciding, joined(case))
    return {name: metric_table.suggested(seen, each, case.deciding.gates.rules) for name, each in seen.models.items()}


def _verdict(case: ReviewInput, judged: Iterable[RuleResult]) -> Verdict:
    """All rules together; a baseline older than is allowed makes a pass a warning."""
    found = rule_verdicts.verdict(judged)
    return "warn" if found == "pass" and case.found and case.found.is_old else found


def _judged(
    rule: GateRule,
    case: ReviewInput,
    seen: metric_table.Seen,
    harm: Mapping[tuple[str, str], MetricEvidence],
    today: datetime.date,
) -> Iterator[RuleResult]:
    if rule.kind == "data":
        yield _if_new(case, replace(_of_data(rule, case), path=rule.path))
        return
    if rule.kind == "contract":
        yield _if_new(case, replace(contract_rules.judge(rule, case.contracts.get(rule.path)), path=rule.path))
        return
    names = _about(rule, seen.models)
    if not names:
        yield _of_no_model(rule, seen.models)
    aside = rule_verdicts.set_aside(rule, case.deciding.gates.waivers, today=today)
    for name in names:
        known = harm.get((rule.id, name)) or seen.evidence(rule, name)
        known = hidden_slices.hidden(replace(known, set_aside=aside), private=case.private)
        found = rule_verdicts.judge(rule, known)
        least, most = limits.allowed(rule, found, better=known.better)
        about = seen.models[name].model
        told = replace(_settled(found, seen.models[name]), least=least, most=most)
        told = replace(told, model=about.name, metric=about.named(told.metric))
        yield _if_new(case, replace(told, slices=slice_table.slices(rule, known)))


def _about(rule: GateRule, models: Mapping[str, ModelPair]) -> list[str]:
    """The models that a rule is about: the one it names, else those with the metric, else those whose rows give it.

    What is recorded by this change alone takes a rule off no model.
    """
    models = {name: each for name, each in models.items() if each.is_subject_of(rule)}
    if rule.model:
        return list(models)
    recorded = [name for name, each in models.items() if metric_evidence.has(each, rule.metric)]
    if any((before := models[name].baseline) and rule.metric in before.recorded for name in recorded):
        return recorded
    given = [name for name, each in models.items() if each.is_void or metric_evidence.computable(each, rule.metric)]
    return [name for name in models if name in recorded or name in given]


def _of_no_model(rule: GateRule, models: Mapping[str, ModelPair]) -> RuleResult:
    known = sorted({metric for each in models.values() for metric in each.current.recorded})
    reason = f"no model has {rule.metric}{near_miss(rule.metric, known)}"
    settle = "name the file with this metric in mlgit.yaml: models: {NAME: {metrics: PATH}}, or its predictions"
    sets = sorted({each.model.test_set for each in models.values()} - {""})
    if rule.on and rule.on not in sets:
        reason = f"no model has a test set '{rule.on}'{near_miss(rule.on, sets)}"
        settle = f"declare it: models: {{NAME: {{tests: {{{rule.on}: {{predictions: PATH}}}}}}}}"
    elif rule.model:
        reason = f"no model is called {rule.model}{near_miss(rule.model, models)}"
        settle = "name one of the models in mlgit.yaml"
    elif not models:
        reason, settle = "mlgit.yaml declares no model", "add models: {NAME: {metrics: PATH, predictions: PATH, id: COLUMN}}"
    return RuleResult(rule.id, rule.kind, rule.metric, "invalid", rule.if_invalid, reason=reason, settle=settle)


def _settled(found: RuleResult, joined: ModelPair) -> RuleResult:
    """With what would mend an outcome for which the rule alone does not know it."""
    return found if found.outcome != "invalid" or found.settle else replace(found, settle=joined.settle)


def _if_new(case: ReviewInput, found: RuleResult) -> RuleResult:
    """What a rule without a baseline counts as is for `gates.baseline.if_missing` to say."""
    return replace(found, effect=case.deciding.gates.baseline.if_missing) if found.outcome == "first" else found


def _of_data(rule: GateRule, case: ReviewInput) -> RuleResult:
    from mlgit.tables import drift

    baseline, current = case.data.get(rule.path, (None, None))
    before, now = drift.profiles(baseline, current)
    if current is None:
        told = f"{rule.path}: no such file"
        return RuleResult(
            rule.id, rule.kind, "", "invalid", rule.if_invalid, reason=told, settle="`mlgit run` or `dvc pull` brings it"
        )
    if current.rows is None:
        told = f"{rule.path}: {current.reason or 'cannot be read as a table'}"
        return RuleResult(rule.id, rule.kind, "", "invalid", rule.if_invalid, reason=told, settle=current.hint)
    if baseline is not None and baseline.rows is None:
        told = f"{rule.path} of the baseline: {baseline.reason or 'cannot be read as a table'}"
        return RuleResult(rule.id, rule.kind, "", "invalid", rule.if_invalid, reason=told, settle=baseline.hint)
    stability = dict(drift.measure(rule.path, baseline, current, keys=_keys(case)).moved) if rule.psi is not None else None
    return data_rules.judge(rule, before, now, stability=stability)


def _keys(case: ReviewInput) -> set[str]:
    return {key for each in case.current.scored.values() for key in each.model.keys}


def _data(case: ReviewInput) -> tuple[TableDrift, ...]:
    sides = {path: sides for path, sides in case.data.items() if sides != (None, None)}
    if not sides:
        return ()
    from mlgit.tables import drift

    return tuple(drift.measure(path, *both, keys=_keys(case)) for path, both in sides.items())


def tested_by(case: ReviewInput, joined: ModelPair) -> TestedRows:
    """The rows that a model was judged on."""
    table, model = joined.current.table, joined.model
    known = joined.current.test or (digest(model, table) if table is not None else "")
    others = case.judged.get(joined.name, frozenset()) - {joined.current.output}
    asked = settings(model, case.deciding.gates.stats)
    cluster, order = (name if table is not None and name in table else "" for name in (asked.cluster, asked.order))
    groups = distinct(table[cluster]) if table is not None and cluster else ()
    files = prediction_files.files_of(table) if table is not None else 0
    folds = prediction_files.folds_of(table) if table is not None else None
    return TestedRows(
        model=joined.name,
        how=joined.how,
        key=model.id,
        n=max(map(len, table.values()), default=0) if table is not None else 0,
        is_changed=joined.is_changed,
        digest=known,
        judged=len(others),
        is_at_least=joined.name in case.judged_at_least,
        uncounted=case.uncounted.get(joined.name, "") if table is not None else "",
        trouble=joined.trouble,
        cluster=cluster,
        clusters=len(set(map(str, groups))),
        order=order,
        changes=row_changes.changes(joined),
        judging=case.judging.get(joined.name, ()),
        remarks=(*row_changes.remarks(joined), *_of_another(case, joined)),
        seeds=files if files > 1 else 0,
        folds=0 if folds is None else int(folds.max(initial=-1)) + 1,
    )


def _dependence(case: ReviewInput, rules: Collection[GateRule], models: Mapping[str, ModelPair]) -> Iterator[str]:
    paired = [each for each in models.values() if each.rows is not None]
    if not paired:
        return
    from mlgit.evaluation import dependence

    for each in paired:
        yield from dependence.notes(each, stats=case.deciding.gates.stats, rules=rules)


def _unusable(case: ReviewInput) -> Iterator[str]:
    """What is recorded and could not be used: numbers that are none, and files that could not be read."""
    for side in filter(None, (case.baseline, case.current)):
        for each in side.scored.values():
            odd: dict[str, list[str]] = {}
            for name, value in each.recorded.items():
                if not math.isfinite(value):
                    odd.setdefault(number(value), []).append(name)
            for word, names in odd.items():
                told = f"{few(names)} {'is' if len(names) == 1 else 'are'} {word}, which is not used"
                yield f"{side.label}: {each.model.metrics}: {told}"
            if each.trouble and (each.table is not None or not each.model.predictions):
                yield f"{side.label}: {each.trouble}" + (f"; {each.hint}" if each.hint else "")


def _of_another(case: ReviewInput, joined: ModelPair) -> Iterator[str]:
    """The other models of the project that have these very predictions."""
    own = joined.current
    for name, each in case.current.scored.items():
        if name != joined.name and own.predicted and each.predicted == own.predicted and each.artifact != own.artifact:
            yield f"the predictions are byte for byte those of {name}"


def _notes(case: ReviewInput, rules: Iterable[GateRule], tested: Iterable[TestedRows]) -> Iterator[str]:
    if not case.deciding.gates.rules:
        yield f"nothing was judged: no gate rules are declared; add to mlgit.yaml: {LINES}"
    elif not list(rules):
        wanted = sorted({each.label for each in case.deciding.gates.rules})
        yield f"nothing was judged: every rule asks for a label ({', '.join(wanted)})"
    if case.left is not None and case.rules_from != "current" and (since := rule_changes.changes(case.left, case.deciding)):
        told = few([each.id for each in since])
        yield f"{case.rules_from} declares other rules than where this branch left it, and they judge: {told}"
    yield from case.current.notes
    yield from _unusable(case)
    found, allowed_days = case.found, case.deciding.gates.baseline.max_age
    if found and found.is_old:
        told = f"the baseline {found.name} is {found.age_days} days older, and {allowed_days} are allowed"
        yield f"{told}: bring the branch up to date"
    if case.baseline:
        for each in case.baseline.scored.values():
            if each.stale:
                yield f"the results of the baseline may not belong to what it declares: {', '.join(each.stale)} is stale there"
    allowed = case.deciding.gates.test_set.warn_after
    for one in tested:
        if allowed is not None and one.judged >= allowed:
            models = f"{'at least ' if one.is_at_least else ''}{count(one.judged, 'other model')}"
            were = "was" if one.judged == 1 else "were"
            yield f"{models} {were} already judged on the test set of {one.model}: its verdicts wear out, collect new rows"
