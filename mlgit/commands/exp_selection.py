"""What the gain of a trial is worth beside its baseline, once it is heeded from how many it was picked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mlgit import lazy_numpy as np
from mlgit.commands.notes import Note, unheard
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.evaluation import (
    comparison_settings,
    estimated_metrics,
    metric_evidence,
    metric_values,
    model_pair,
    predictions,
)
from mlgit.evaluation.align import Aligned, align
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.definitions import MetricDefinition
from mlgit.evaluation.model_results import ModelResults, RevisionResults, by_address
from mlgit.evaluation.row_columns import in_time
from mlgit.experiments import trial_refs
from mlgit.experiments.selection import Selection
from mlgit.experiments.trial import Trial
from mlgit.model_settings import Model
from mlgit.project import Project
from mlgit.revision.revisions import Revisions
from mlgit.rules import GateRule
from mlgit.statistics import best_of_many, features, leverage
from mlgit.statistics.best_of_many import BestOfMany

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

Direction = Literal["higher", "lower"]
# Tables of at most so many trials, and of about so many rows, lie in memory at once.
_AT_A_TIME = 32
_ROWS_AT_A_TIME = 2_000_000
# Of so many influences, those of several rows that are drawn by lot are added up: their sums tell the same.
_MOST_INFLUENCES = 20_000_000
_FEWEST_SUMS = 2_000
_MANY = 100  # trials, of which it is said that they are read


@dataclass(frozen=True, slots=True)
class _Asked:
    """A model (on one of its test sets) whose predictions give the objective `metric`, which is made as `definition` says."""

    model: Model
    metric: str
    definition: MetricDefinition
    better: Direction
    settings: ComparisonSettings
    before: ModelResults


class _Gain(NamedTuple):
    """By how much a trial is better than the baseline, and the influence of each of the baseline's rows (or groups) on it."""

    name: str
    value: float
    influence: Array


def select(
    project: Project,
    trials: Sequence[Trial],
    chosen: Trial,
    *,
    objective: str = "",
    direction: str = "",
    note: Note = unheard,
) -> Selection:
    """What is to be said of a trial that was picked from `trials` (all that were made at its baseline, itself among them).

    The objective is that of the trial's own search unless one is named, else the metric that mlgit.yaml declares, if it is one.
    What rows of predictions say is looked for in Git and in DVC's cache; nothing is fetched. `note` is told where that takes
    a while.
    """
    with Revisions(project) as revisions:
        config = revisions.commit(chosen.baseline).config
        metric, better = _objective(config, chosen, objective, direction)
        found = _recorded(revisions, trials, chosen, metric, better)
        if not metric or better not in ("higher", "lower"):
            return replace(found, why_not="no objective is declared (--objective names one)")
        try:
            asked = _asked(revisions, config, chosen, metric, better)
        except MlgitError as error:
            return replace(found, why_not=error.message)
        found = _paired(revisions, found, asked, chosen)
    if len(trials) < 2 or found.low is None:
        return found
    if len(trials) >= _MANY:
        note(f"comparing the rows of {len(trials):,} trials")
    return _among(project, found, asked, trials, chosen)


def _objective(config: Config, chosen: Trial, objective: str, direction: str) -> tuple[str, str]:
    metric = objective or chosen.facts.objective
    if not metric and len(config.directions) == 1:
        last = next(iter(config.directions))
        metric = next((each for each in chosen.metrics if last in (each, each.rpartition(".")[2])), "")
    own = chosen.facts.direction if metric == chosen.facts.objective else ""
    return metric, direction or own or config.direction(metric.rpartition(":")[2]) or ""


def _recorded(revisions: Revisions, trials: Sequence[Trial], chosen: Trial, metric: str, better: str) -> Selection:
    """What metrics files and messages tell."""
    [baseline] = trial_refs.load(revisions.project, (), baselines=[chosen.baseline]).baselines or (None,)
    facts, value = chosen.facts, _number(chosen.metrics.get(metric))
    known = [each for each in (_number(one.metrics.get(metric)) for one in trials) if each is not None]
    ahead = [each for each in known if value is not None and (each > value if better == "higher" else each < value)]
    return Selection(
        trial=chosen.name,
        baseline=chosen.baseline,
        n_trials=max(len(known) or len(trials), 1),
        rank=len(ahead) + 1 if value is not None and better else None,
        sampler=facts.sampler,
        space=facts.space,
        seed=facts.seed,
        objective=metric,
        direction=better,
        changes=facts.changes,
        value=value,
        before=_number(baseline.metrics.get(metric)) if baseline else None,
    )


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e300 else None


def _asked(revisions: Revisions, config: Config, chosen: Trial, metric: str, better: Any) -> _Asked:
    """The model that the objective is of. Raises MlgitError where no predictions give it."""
    models = {name: each for name, each in by_address(config.models).items() if each.predictions}
    if not models:
        raise MlgitError("mlgit.yaml names no predictions of a model")
    before, now = (
        predictions.read(revisions.commit(oid), models, gates=config.gates) for oid in (chosen.baseline, chosen.commit)
    )
    name = metric.rpartition(":")[2]
    for model, pair in _pairs(config, before, now):
        plain = name.removesuffix(f"@{model.test_set}") if model.test_set else name
        if model.named(plain) != name:
            continue
        short = metric_evidence.computable(pair, plain)
        if short and pair.current.table is not None:
            definition = metric_values.definition_of(short, model, pair.current.table)
            if pair.rows is None or pair.trouble or pair.baseline is None or definition is None:
                raise MlgitError(pair.trouble or f"the baseline has no predictions of {model.address}")
            settings = comparison_settings.settings(model, config.gates.stats)
            return _Asked(model, plain, definition, better, settings, pair.baseline)
    raise MlgitError(f"{name} cannot be computed from the predictions of {', '.join(models)}")


def _pairs(config: Config, before: RevisionResults, now: RevisionResults) -> Iterator[tuple[Model, model_pair.ModelPair]]:
    for name, results in now.scored.items():
        yield results.model, model_pair.join(results.model, before.scored.get(name), results, if_changed="unpaired")


def _paired(revisions: Revisions, found: Selection, asked: _Asked, chosen: Trial) -> Selection:
    """The selection with the paired interval of the one change."""
    config = revisions.commit(chosen.baseline).config
    address = asked.model.address
    now = predictions.read(revisions.commit(chosen.commit), {address: asked.model}, gates=config.gates)
    pair = model_pair.join(asked.model, asked.before, now.scored[address], if_changed="unpaired")
    rule = GateRule(id="selection", kind="no_worse", metric=asked.metric)
    evidence = metric_evidence.evidence(rule, pair, better=asked.better, asked=asked.settings)
    said = evidence.comparison
    if said is None or said.low is None:
        return replace(found, why_not=evidence.trouble or (said.reason if said else "") or "the rows do not give an interval")
    return replace(
        found,
        value=said.current,
        before=said.baseline,
        low=said.low,
        high=said.high,
        confidence_level=said.confidence_level,
        method=said.method,
        n_rows=said.n,
    )


def _among(project: Project, found: Selection, asked: _Asked, trials: Sequence[Trial], chosen: Trial) -> Selection:
    """The selection with what the rows of all trials say."""
    gains: list[_Gain] = []
    groups = _groups(asked, found.n_rows, len(trials))
    step = max(1, min(_AT_A_TIME, _ROWS_AT_A_TIME // max(found.n_rows, 1)))
    for start in range(0, len(trials), step):
        with Revisions(project) as revisions:
            some = trials[start : start + step]
            revisions.objects.list_alike(chosen.baseline, (each.commit for each in some), under=project.prefix)
            gains += filter(None, (_gain_of(revisions, asked, groups, each) for each in some))
    place = next((number for number, each in enumerate(gains) if each.name == chosen.name), None)
    if place is None or found.low is None:
        return replace(found, why_not="the rows do not give an interval")
    judged = _judged(gains, asked, place)
    if judged is None:
        return replace(found, why_not="no row differs from the baseline")
    ends = (judged.low, judged.high) if asked.better == "higher" else (-judged.high, -judged.low)
    assert found.high is not None
    ahead = sum(each.value > gains[place].value for each in gains)
    # the interval of one change may be of another scale, as that of roc_auc is: what holds for all is never narrower
    return replace(
        found,
        rank=found.rank or ahead + 1,
        n_compared=len(gains),
        low_of_all=min(ends[0], found.low),
        high_of_all=max(ends[1], found.high),
        pvalue=judged.pvalue,
        optimism=judged.optimism,
    )


def _groups(asked: _Asked, n_rows: int, n_trials: int) -> Array | None:
    """The number of the group of each row of the baseline whose influences are added up; None where each stays alone."""
    assert asked.before.table is not None
    if asked.settings.cluster:
        return features.groups(np.asarray(asked.before.table[asked.settings.cluster]), size=n_rows)
    if asked.settings.order or n_rows * n_trials <= _MOST_INFLUENCES:
        return None
    number = max(_FEWEST_SUMS, _MOST_INFLUENCES // n_trials)
    return np.asarray(np.random.default_rng(asked.settings.seed).permutation(n_rows) % number)


def _judged(gains: Sequence[_Gain], asked: _Asked, place: int) -> BestOfMany | None:
    influence = np.array([each.influence for each in gains])
    assert asked.before.table is not None
    if asked.settings.order:
        influence = best_of_many.in_blocks(influence, in_time(asked.model, asked.before.table, asked.settings.order))
    return best_of_many.judge(
        np.array([each.value for each in gains]),
        influence,
        chosen=place,
        confidence_level=asked.settings.confidence_level,
        seed=asked.settings.seed,
    )


def _gain_of(revisions: Revisions, asked: _Asked, groups: Array | None, each: Trial) -> _Gain | None:
    """What the rows of one trial say; None of one whose predictions are of other rows, or are not here."""
    try:
        revision = revisions.commit(each.commit)
        address = asked.model.address
        results = predictions.read(revision, {address: asked.model}, gates=revision.config.gates)
        pair = model_pair.join(asked.model, asked.before, results.scored[address], if_changed="unpaired")
        if pair.how != "paired" or pair.current.table is None or asked.before.table is None:
            return None
        gain, influence = _compared(asked, asked.before.table, pair.current.table)
        return _Gain(each.name, gain, leverage.summed(influence, groups))
    except MlgitError:
        return None


def _compared(asked: _Asked, before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[float, Array]:
    """How much better a trial is than the baseline, and the influence of each of the baseline's rows on that."""
    places = align(before[asked.model.id], now[asked.model.id])
    if not isinstance(places, Aligned):
        raise MlgitError("the rows are not the same")
    positive = asked.settings.positive
    sides = [
        estimated_metrics.estimate(asked.definition, asked.model, table, rows, positive=positive)
        for table, rows in ((before, places.baseline), (now, places.current))
    ]
    values, moved = zip(*sides, strict=True)
    sign = 1.0 if asked.better == "higher" else -1.0
    influence = np.empty(len(places.baseline))
    influence[places.baseline] = sign * (moved[1] - moved[0])
    gain = sign * (values[1] - values[0])
    if not np.isfinite(gain) or not np.isfinite(influence).all():
        raise MlgitError("the metric is undefined for these rows")
    return gain, influence
