"""What predictions cost: a cost for each pair of a label and a prediction, averaged over rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import averages, rows
from mlgit.statistics.estimate import Estimate, Estimator
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions, weights_of

Costs = Mapping[Any, Mapping[Any, float]]


@averages.unwarned
def _cost_per_row(given: Predictions, _: Measure, __: Any) -> Estimate:
    """The mean cost; a pair that none is named for costs nothing, if costs speak of both of its classes elsewhere."""
    found = rows.classes(given.label, given.prediction)
    weight = weights_of(given)
    rows.same_length(found.label, *(() if weight is None else (weight,)))
    seen, place = rows.numbered(found.label * len(found.names) + found.predictions[0])
    pairs = [(found.names[code // len(found.names)], found.names[code % len(found.names)]) for code in seen.tolist()]
    _check(given.costs, pairs, found.names)
    costs = np.array([float(given.costs.get(label, {}).get(said, 0.0)) for label, said in pairs])
    made = averages.mean(np.asarray(costs[place]), weight=weight, least=min(0.0, _lowest(given.costs)))
    return averages.bounded(made, said=found.predictions[0], reach=_reach(given.costs))


def _check(costs: Costs, pairs: list[tuple[Any, Any]], names: tuple[Any, ...]) -> None:
    """Raises MlgitError for a wrong prediction of or as a class that costs do not know: a model could gain by such a one."""
    if not any(costs.values()):
        raise MlgitError("cost_per_row: no cost is declared", "declare costs: {LABEL: {PREDICTION: COST}} of the model")
    known = {*costs, *(said for each in costs.values() for said in each)}
    for cost in (cost for each in costs.values() for cost in each.values()):
        if not math.isfinite(cost):
            raise MlgitError(f"costs: {cost} is no cost", "declare finite numbers")
    for label, said in pairs:
        unknown = [each for each in (label, said) if label != said and each not in known]
        if unknown:
            what = "label" if unknown[0] == label else "prediction"
            raise MlgitError(f"costs do not speak of the {what} {unknown[0]!r}", _hint(unknown[0], known - {*names}, what))
    for name in costs:
        near = _near(name, {*names} - known) if name not in names else ""
        if near:
            raise MlgitError(f"costs: no row has the label {name!r}", f"did you mean {near}?")


def _hint(name: Any, free: set[Any], what: str) -> str:
    """What the class may be called in costs, or how to add it."""
    near = _near(name, free)
    if near:
        return f"costs have {near}, which no row has: write both alike"
    place = f"{{{name}: {{PREDICTION: COST}}}}" if what == "label" else f"{{LABEL: {{{name}: COST}}}}"
    return f"add to costs: {place}, with 0 for what costs nothing"


def _near(name: Any, names: set[Any]) -> str:
    """The nearest of names, as it is written; '' where none is near. A number is near to itself as a text."""
    shown = {str(each): each for each in names}
    found = get_close_matches(str(name), sorted(shown), n=1)
    return repr(shown[found[0]]) if found else ""


def _reach(costs: Costs) -> float:
    """How far two predictions of one row can be apart in what they cost."""
    return max(max(0.0, *map(float, each.values())) - min(0.0, *map(float, each.values())) for each in costs.values() if each)


def _lowest(costs: Costs) -> float:
    return min((float(cost) for each in costs.values() for cost in each.values()), default=0.0)


ESTIMATORS: tuple[Estimator, ...] = (Estimator("cost_per_row", "lower", ("label", "prediction", "costs"), _cost_per_row),)
