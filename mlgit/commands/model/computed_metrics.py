"""The metrics of a version that its predictions give and no file has: declared ones, KPIs, and those of further test sets."""

from __future__ import annotations

from mlgit.evaluation import model_metrics, predictions
from mlgit.evaluation.model_results import by_address
from mlgit.registry.fact_writer import ComputedMetric
from mlgit.registry.facts import Facts
from mlgit.revision.revision import Revision


def of(revision: Revision, found: Facts) -> tuple[ComputedMetric, ...]:
    """As the card of a model has them: first those that gate rules are about; none where predictions are not at hand."""
    config = revision.config
    model = revision.model(revision.artifact(found.artifact))
    if not (model.declared or model.kpis or model.tests or set(model.named_metrics) - found.metrics.keys()):
        return ()
    scored = predictions.read(revision, by_address({model.name: model}), gates=config.gates).scored
    computed = [
        ComputedMetric(each.model.named(name), value, each.model.test_set)
        for each in scored.values()
        for name, value in model_metrics.computed(
            each, named=model_metrics.recorded_beside(scored, each.model, config.directions)
        ).items()
    ]
    asked = {f"{rule.metric}@{rule.on}" if rule.on else rule.metric for rule in config.gates.rules}
    return tuple(sorted(computed, key=lambda each: each.name not in asked))
