"""Metrics of the scores of many classes: log loss, Brier score, top-k accuracy, and each class against all others.

Values are those of scikit-learn's functions of the same meaning. ROC AUC and average precision are made from the influence of
each row (`delong`, `ranked_rows`), for one class or as a mean over classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.render.text import count
from mlgit.statistics import averages, delong, metrics, ranked_rows
from mlgit.statistics.class_scores import ClassScores, class_scores, probabilities
from mlgit.statistics.delong import Components
from mlgit.statistics.estimate import Estimate, Estimator, Need
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Probabilities this near to 0 and 1 are cut, as in scikit-learn.
_LEAST = 2.0**-52
# With fewer rows of a class, no method known keeps its promise near the ends of the scale.
FEWEST_OF_A_CLASS = 20
# What classes with too few rows may add to a mean over classes, in standard errors of it.
_HARMLESS = 0.5


def _log_loss(given: Predictions, _: Measure, __: Any) -> Estimate:
    found = probabilities(given, metric="log_loss")
    losses = -np.log(np.clip(found.own, _LEAST, 1 - _LEAST))
    return averages.mean(losses, weight=found.weight, least=0.0, most=metrics.LARGEST_LOG_LOSS)


def _brier(given: Predictions, _: Measure, __: Any) -> Estimate:
    """The sum over classes of squared differences, from 0 to 2; of two classes half of it, from 0 to 1."""
    found = probabilities(given, metric="brier")
    losses = (found.scores**2).sum(axis=0) + 1 - 2 * found.own
    half = 0.5 if len(found.names) == 2 else 1.0
    made = averages.mean(np.maximum(losses, 0.0) * half, weight=found.weight, least=0.0, most=2 * half)
    return averages.bounded(made, said=found.scores.T, reach=2 * half, graded=True)


def _top_k_accuracy(given: Predictions, measure: Measure, _: Any) -> Estimate:
    found, k = class_scores(given, metric="top_k_accuracy"), measure.k or 0
    if not 0 < k < len(found.names):
        raise MlgitError(
            f"top_k_accuracy: k is {k}, and there are {len(found.names)} classes",
            f"write a k from 1 to {len(found.names) - 1}",
        )
    own, before = found.own, np.zeros(len(found.label), dtype=np.int64)
    for place, score in enumerate(found.scores):
        before += score > own
        # of equal scores the class that comes later is taken first; of two classes the first, as below a threshold
        before += (score == own) & ((found.label < place) if len(found.names) > 2 else (found.label > place))
    made = averages.mean((before < k).astype(float), weight=found.weight, least=0.0, most=1.0)
    return averages.bounded(made, said=found.scores.T)


def _of_class(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    """One class against all others, by its own scores."""
    chosen = positive if measure.of_class is None else measure.of_class
    if chosen is None:
        raise MlgitError(f"{measure.name}: which of the classes is looked at is not declared", "write class: NAME beside it")
    found = class_scores(given, metric=measure.name)
    place = found.place(chosen)
    each, name = _components(found, place, measure.name), found.names[place]
    number = int(found.rows_of_class[place])
    fewest, counted = min((number, f"'{name}' row"), (len(found.label) - number, "other row"))
    if each.value != each.value:
        return averages.unknown(
            len(found.label), f"no row is of the class {name}" if not number else f"all rows are of the class {name}"
        )
    note = "" if fewest >= FEWEST_OF_A_CLASS else f"{count(fewest, counted)}, at least {FEWEST_OF_A_CLASS} needed"
    return Estimate(
        each.value,
        each.influence,
        seen=_order(found, place),
        n_counted=fewest,
        counted=counted,
        note=note,
        may_pass=not note,
        least=0.0,
        most=1.0,
        rare=_rare(found, np.array([place]), np.ones(1)),
    )


def _rare(found: ClassScores, places: Array, shares: Array) -> Array:
    """How far each row could move a mean over classes of these shares: of the rows of that class, or of all others, that could
    move it farthest."""
    scale = np.ones(len(found.label)) if found.weight is None else found.weight
    weights = np.bincount(found.label, weights=scale, minlength=len(found.names))[places]
    others = float(scale.sum()) - weights
    rarest = int((shares / np.minimum(weights, others)).argmax())
    is_one = found.label == places[rarest]
    if others[rarest] < weights[rarest]:
        is_one = ~is_one
    return np.asarray(np.where(is_one, scale, 0.0) * shares[rarest] / min(weights[rarest], others[rarest]))


def _order(found: ClassScores, *places: int) -> Array:
    """The place of each row among the scores of some classes, shape (n, m): all that is seen of them."""
    tied = [metrics.tied(found.columns[place]) for place in places]
    return np.column_stack([ranked_rows.ranked_rows(found.label, each, None).run for each in tied])


def _components(found: ClassScores, place: int, name: str) -> Components:
    is_one = (found.label == place).astype(np.int64)
    tied = metrics.tied(found.columns[place])
    if name.startswith("average_precision"):
        return ranked_rows.average_precision(ranked_rows.ranked_rows(is_one, tied, found.weight))
    return delong.components(is_one, tied) if found.weight is None else delong.weighted_components(is_one, tied, found.weight)


def _macro(given: Predictions, measure: Measure, _: Any) -> Estimate:
    """The mean over classes, all alike."""
    found = class_scores(given, metric=measure.name)
    size = len(found.names)
    return _over_classes(found, measure.name, np.full(size, 1 / size), None)


def _weighted(given: Predictions, measure: Measure, _: Any) -> Estimate:
    """The mean over classes, each by its share of the rows."""
    found = class_scores(given, metric=measure.name)
    scale = np.ones(len(found.label)) if found.weight is None else found.weight
    shares = np.bincount(found.label, weights=scale, minlength=len(found.names)) / scale.sum()
    return _over_classes(found, measure.name, shares, scale / scale.sum())


def _over_classes(found: ClassScores, name: str, shares: Array, part: Array | None) -> Estimate:
    """The sum of the metric of each class times its share; `part` (n,) is that of each row, where shares are made from rows."""
    numbers, size = found.rows_of_class, len(found.label)
    empty = [each for each, number in zip(found.names, numbers, strict=True) if not number]
    if empty or numbers.max() == size:
        return averages.unknown(size, f"no row is of the class {empty[0]}")
    every = [_components(found, place, name) for place in range(len(found.names))]
    values = np.array([each.value for each in every])
    value = float(shares @ values)
    influence = sum((share * each.influence for share, each in zip(shares, every, strict=True)), np.zeros(size))
    if part is not None:
        influence = influence + part * (values[found.label] - value)
    rarest = int(numbers.argmin())
    counted, note = f"'{found.names[rarest]}' row", ""
    if shares[numbers < FEWEST_OF_A_CLASS].sum() > _HARMLESS * float(np.sqrt(influence @ influence)):
        note = f"{count(int(numbers[rarest]), counted)}, at least {FEWEST_OF_A_CLASS} needed"
    return Estimate(
        value,
        influence,
        seen=_order(found, *range(len(found.names))),
        n_counted=int(numbers[rarest]),
        counted=counted,
        note=note,
        may_pass=not note,
        least=0.0,
        most=1.0,
        rare=_rare(found, np.arange(len(found.names)), shares),
    )


_NEEDS: tuple[Need, ...] = ("label", "scores")
ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("log_loss", "lower", _NEEDS, _log_loss),
    Estimator("brier", "lower", _NEEDS, _brier),
    Estimator("top_k_accuracy", "higher", _NEEDS, _top_k_accuracy, ("k",), ("k",)),
    Estimator("roc_auc", "higher", _NEEDS, _of_class, ("of_class",)),
    Estimator("average_precision", "higher", _NEEDS, _of_class, ("of_class",)),
    Estimator("roc_auc_macro", "higher", _NEEDS, _macro),
    Estimator("roc_auc_weighted", "higher", _NEEDS, _weighted),
    Estimator("average_precision_macro", "higher", _NEEDS, _macro),
)
