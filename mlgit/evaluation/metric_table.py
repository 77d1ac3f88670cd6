"""Every metric of every model on both sides, with what its difference is worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mlgit.config import Config
from mlgit.evaluation import metric_evidence
from mlgit.evaluation.comparison_settings import settings
from mlgit.evaluation.model_pair import ModelPair
from mlgit.evaluation.results import MetricEvidence, MetricResult, Standing
from mlgit.evaluation.suggest import Suggestion, suggest
from mlgit.rules import GateRule
from mlgit.statistics import multiple

if TYPE_CHECKING:
    from mlgit.statistics.comparison import Comparison

_MOST = 50


class Seen:
    """What is known of each metric of each model, gathered once."""

    def __init__(self, config: Config, models: Mapping[str, ModelPair]) -> None:
        self.config, self.models = config, models
        self._known: dict[tuple[str, GateRule], MetricEvidence] = {}
        self._compared: dict[tuple[str, str], Comparison] = {}

    def evidence(self, rule: GateRule, name: str) -> MetricEvidence:
        """The evidence for a rule about a model."""
        if (name, rule) not in self._known:
            joined = self.models[name]
            better = self.config.direction(rule.metric)
            asked = settings(joined.model, self.config.gates.stats, cluster=rule.cluster)
            found = metric_evidence.evidence(rule, joined, better=better, asked=asked)
            self._known[name, rule] = found
            if found.comparison is not None:
                self._compared.setdefault((name, rule.metric), found.comparison)
        return self._known[name, rule]

    def compared(self, name: str, metric: str) -> tuple[Comparison | None, MetricEvidence]:
        """The comparison of a metric, and what else is known of it."""
        found = (
            self.evidence(GateRule("", "better", metric), name) if (name, metric) not in self._compared else MetricEvidence()
        )
        return self._compared.get((name, metric)), found


def measured(seen: Seen, rules: Iterable[GateRule]) -> tuple[MetricResult, ...]:
    """Metrics that rules are about, then those with a declared direction, by model."""
    given = [each for each in rules if each.metric]
    return adjusted(
        _measured(seen, joined, metric, given)
        for joined in seen.models.values()
        for metric in list(dict.fromkeys(_metrics(seen, joined, given)))[:_MOST]
    )


def adjusted(found: Iterable[MetricResult]) -> tuple[MetricResult, ...]:
    """The same, where better or worse is a claim about all rows of the table together: each of them could be so by chance.

    Words change only, no interval and no outcome of a rule.
    """
    rows = list(found)
    known = [place for place, each in enumerate(rows) if each.pvalue is not None]
    chances = multiple.benjamini_hochberg([rows[place].pvalue or 0.0 for place in known])
    for place, chance in zip(known, chances, strict=True):
        row = rows[place] = replace(rows[place], pvalue_adjusted=chance)
        if row.standing in ("better", "worse") and len(known) > 1 and chance > 1 - row.confidence_level + 1e-12:
            rows[place] = replace(row, standing="not shown (after adjustment)")
    return tuple(rows)


def _metrics(seen: Seen, joined: ModelPair, rules: Iterable[GateRule]) -> Iterator[str]:
    for rule in rules:
        if joined.is_subject_of(rule) and (
            metric_evidence.has(joined, rule.metric) or metric_evidence.computable(joined, rule.metric)
        ):
            yield rule.metric
    made = [*metric_evidence.valued(joined)]
    yield from made
    if joined.model.test_set:  # it has no metrics file: what the main one is measured by
        main = seen.models.get(joined.model.name)
        names = [name for name in (main.current.recorded if main else ()) if seen.config.direction(name)]
        given = [name for name in names if metric_evidence.is_given(joined, name)]
        yield from given or (name for name in names if not made and metric_evidence.computable(joined, name))
    for side in (joined.current, joined.baseline):
        yield from (name for name in (side.recorded if side else ()) if seen.config.direction(name))


def _measured(seen: Seen, joined: ModelPair, metric: str, rules: Iterable[GateRule]) -> MetricResult:
    about = [rule for rule in rules if rule.metric == metric and joined.is_subject_of(rule)]
    better = seen.config.direction(metric)
    found, known = seen.compared(joined.name, metric)
    if found is None:
        return _not_shown(joined, metric, known, better=better, is_gated=bool(about))
    differing = metric_evidence.differing(joined.current, metric, found.current)
    margin = next((rule.margin.of(found.baseline) for rule in about if rule.margin and found.baseline is not None), None)
    return MetricResult(
        model=joined.model.name,
        metric=joined.model.named(metric),
        standing=_standing(found, better, margin),
        better=better,
        baseline=found.baseline,
        current=found.current,
        delta=found.delta,
        low=found.low,
        high=found.high,
        confidence_level=found.confidence_level,
        pvalue=found.pvalue_difference,
        about=found.about,
        n=found.n,
        n_discordant=found.n_discordant,
        smallest=suggest(found).smallest,
        method=found.method,
        is_gated=bool(about),
        reason="; ".join(filter(None, (found.reason or found.note, differing))),
    )


def _standing(found: Comparison, better: str | None, margin: float | None) -> Standing:
    if found.delta == 0 and not found.n_discordant:
        return "same"
    if better is None:
        return "changed"
    if found.low is None or found.high is None:
        return "inconclusive"
    least, most = (found.low, found.high) if better == "higher" else (-found.high, -found.low)
    if most < 0:
        return "worse"
    if not found.may_pass:
        return "inconclusive"
    if least > 0:
        return "better"
    return "no worse" if margin is not None and least > -margin else "inconclusive"


def _not_shown(
    joined: ModelPair, metric: str, known: MetricEvidence, *, better: metric_evidence.Better | None, is_gated: bool
) -> MetricResult:
    """A metric whose difference rows do not tell: what is known of each side, and why."""
    short = metric_evidence.computable(joined, metric)
    current = metric_evidence.value(joined.current, short) if short else None
    current = joined.current.recorded.get(metric) if current is None else current
    before = _before(joined, metric, short or "")
    standing: Standing = "unverified"
    reason = known.trouble or joined.trouble or "only single numbers are known"
    if before is None:
        standing = "first"
    is_lost = before is None and joined.baseline is not None and joined.baseline.trouble
    is_refused = bool(known.trouble) and joined.how in ("paired", "re-evaluated")
    if current is None or joined.how == "invalid" or is_lost or is_refused or not _are_finite(before, current):
        standing = "invalid"
    elif before is not None and better is None and not known.trouble:
        standing = "changed" if before != current else "same"
    delta = None if before is None or current is None or joined.is_changed else current - before
    delta = delta if _are_finite(delta) else None
    return MetricResult(
        joined.model.name,
        joined.model.named(metric),
        standing,
        better,
        before,
        current,
        delta,
        is_gated=is_gated,
        reason=reason,
    )


def _are_finite(*numbers: float | None) -> bool:
    return all(each is None or math.isfinite(each) for each in numbers)


def _before(joined: ModelPair, metric: str, short: str) -> float | None:
    if joined.baseline is None or (joined.is_changed and joined.how == "invalid"):
        return None
    found = metric_evidence.value(joined.baseline, short) if short else None
    return joined.baseline.recorded.get(metric) if found is None else found


def suggested(seen: Seen, joined: ModelPair, rules: Iterable[GateRule]) -> tuple[Suggestion, ...]:
    """What the rows of a model can show, metric by metric, and which rules ask for more."""
    about = [rule for rule in rules if joined.is_subject_of(rule) and rule.metric]
    found = []
    for metric in list(dict.fromkeys(_metrics(seen, joined, about)))[:_MOST]:
        if metric_evidence.computable(joined, metric):
            comparison, known = seen.compared(joined.name, metric)
            told = known.trouble or "there is nothing to compare with"
            n = 0 if joined.rows is None else max(map(len, joined.rows.current.values()), default=0)
            named = [rule._replace(metric=comparison.metric) for rule in about if comparison and rule.metric == metric]
            one = suggest(comparison, rules=named) if comparison else Suggestion(metric, n, 0, reason=told)
            found.append(replace(one, metric=joined.model.named(metric)))
    return tuple(found)
