"""The metrics mlgit can compute from rows of label, prediction and score, in forms that can be resampled fast.

Values agree with scikit-learn's functions of the same meaning, except that an undefined value is NaN instead of a
zero with a warning; averages over classes count 0 for a class without a value of its own, as scikit-learn does.
Scores are of the positive class; for log_loss and brier they are probabilities. `better` is what the definition of the
metric says and is shown in texts; whether a project wants more or less of something is declared in mlgit.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import confusion_metrics, rows
from mlgit.statistics.confusion_metrics import share
from mlgit.statistics.measure import Measure

if TYPE_CHECKING:
    from mlgit.statistics.estimate import Parameter
    from mlgit.statistics.rows import Array

Kind = Literal["confusion", "mean_loss", "means", "ranking"]

# Probabilities this near to 0 and 1 are cut, so that one sure mistake does not make the loss infinite: scikit-learn's bound.
_LEAST = 2.0**-52
LARGEST_LOG_LOSS = -math.log(_LEAST)


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A metric and how it is made from rows.

    `confusion`: `function(hits, actual, predicted)`, counts per class of shape (..., K), where `binary` ones read two
    classes of which number 1 is positive. `mean_loss` and `means`: `terms(label, value, middle)` has shape (n, m), and
    `function(means)` turns means of shape (..., m) into values. `ranking`: `function(is_positive, score, weights, ties)` with
    weights of shape (..., n). `needs` says which column is read beside the label. `beta` is that of an F-score, and `of_class`
    ones are undefined where no row has the class that is positive.
    """

    name: str
    kind: Kind
    needs: Literal["prediction", "score"]
    better: Literal["higher", "lower"]
    function: Callable[..., Array]
    terms: Callable[[Array, Array, float], Array] | None = None
    binary: bool = False
    beta: float = 1.0
    of_class: bool = False


# What a metric may be told, and the metrics that cannot do without: those that take no parameter are not listed.
TAKES: Mapping[str, tuple[Parameter, ...]] = {
    **dict.fromkeys(("precision", "recall", "specificity", "f1"), ("of_class",)),
    "f_beta": ("beta", "of_class"),
}
_ASKED = {"of_class": "class"}


def metric(wanted: str | Measure | Metric) -> Metric:
    """A metric by name, or with its parameters. Raises MlgitError naming the nearest names for one that is not known."""
    if isinstance(wanted, Metric):
        return wanted
    return of(Measure(wanted) if isinstance(wanted, str) else wanted)


@lru_cache(maxsize=1024)
def of(measure: Measure) -> Metric:
    """The metric that a measure asks for, the same object for the same measure.

    A class (`of_class`) is one against all others: whoever computes the metric passes it as `positive`. Where no row has that
    class, the metric is undefined.

    Raises MlgitError for a metric that is not known, and for a parameter that it does not take or lacks.
    """
    name, given = measure.name, measure.given
    found = _f_beta(measure.beta) if name == "f_beta" else METRICS.get(name)
    if found is None:
        raise _unknown(name)
    takes = TAKES.get(name, ())
    for each in given:
        if each not in takes:
            told = ", ".join(_ASKED.get(one, one) for one in takes)
            raise MlgitError(
                f"{name} takes no {_ASKED.get(each, each)}", f"it takes {told}" if told else "it takes no parameters"
            )
    return _of_class(found) if measure.of_class is not None else found


def _f_beta(beta: float | None) -> Metric:
    if beta is None:
        raise MlgitError("f_beta needs beta", "add beta: 2, by which recall counts more, or beta: 0.5, by which precision does")
    if not 0 < beta < math.inf:
        raise MlgitError(f"f_beta: beta is {beta}, and must be above 0", "write beta: 2, or beta: 0.5")
    function = partial(confusion_metrics.f_beta, beta=beta)
    return Metric("f_beta", "confusion", "prediction", "higher", function, binary=True, beta=beta)


def _of_class(found: Metric) -> Metric:
    def function(hits: Array, actual: Array, predicted: Array) -> Array:
        return confusion_metrics.of_class(found.function(hits, actual, predicted), actual)

    return replace(found, function=function, of_class=True)


def _unknown(name: str) -> MlgitError:
    near = get_close_matches(name, (*METRICS, "f_beta"), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(METRICS)}"
    return MlgitError(f"{name!r} is not a metric that mlgit can compute from predictions", hint)


def value(
    name: str | Measure | Metric,
    label: Any,
    *,
    prediction: Any = None,
    score: Any = None,
    positive: Any = None,
) -> float:
    """The metric of one model's rows; NaN where it is undefined (no positive row for recall, one class for roc_auc).

    Raises MlgitError for unknown metrics, a column that is not there, missing values and columns of different lengths.
    """
    chosen = metric(name)
    column = column_of(chosen, prediction=prediction, score=score)
    found: float = rows.once(("value", chosen, positive), lambda: _value(chosen, label, column, positive), column, label)
    return found


def _value(chosen: Metric, label: Any, column: Any, positive: Any) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        match chosen.kind:
            case "confusion":
                return float(chosen.function(*counts(chosen, label, column, positive=positive)))
            case "ranking":
                known = tied(column)
                return float(chosen.function(*ranked(label, column, positive=positive), None, known))
            case _:
                return float(chosen.function(terms(chosen, label, column, positive=positive).mean(axis=0)))


def column_of(chosen: Metric, *, prediction: Any, score: Any) -> Any:
    """The column the metric reads. Raises MlgitError when it is not there."""
    found = prediction if chosen.needs == "prediction" else score
    if found is None:
        raise MlgitError(
            f"{chosen.name} needs a column of {chosen.needs}s", f"name it as models.NAME.{chosen.needs} in mlgit.yaml"
        )
    return found


def counts(chosen: Metric, label: Any, prediction: Any, *, positive: Any = None) -> tuple[Array, Array, Array]:
    """Hits, actual rows and predicted rows per class, each of shape (K,)."""
    key = "counts", chosen.binary, positive
    found: tuple[Array, Array, Array] = rows.once(key, lambda: _counts(chosen, label, prediction, positive), prediction, label)
    return found


def _counts(chosen: Metric, label: Any, prediction: Any, positive: Any) -> tuple[Array, Array, Array]:
    found = rows.classes(label, prediction)
    found = rows.against_rest(found, positive=positive) if chosen.binary else found
    size, predicted = len(found.names), found.predictions[0]
    if size**2 <= len(predicted):
        table = np.bincount(found.label * size + predicted, minlength=size**2).reshape(size, size)
        return np.diagonal(table), table.sum(axis=1), table.sum(axis=0)
    hits = np.bincount(found.label[found.label == predicted], minlength=size)
    return hits, np.bincount(found.label, minlength=size), np.bincount(predicted, minlength=size)


def terms(chosen: Metric, label: Any, values: Any, *, positive: Any = None, weights: Array | None = None) -> Array:
    """What the metric averages, shape (n, m); what is centred is so for these weights.

    Raises MlgitError for probabilities outside 0 to 1.
    """
    if weights is not None:
        return _terms(chosen, label, values, positive, weights)
    key = "terms", chosen.name, positive
    found: Array = rows.once(key, lambda: _terms(chosen, label, values, positive, None), values, label)
    return found


def _terms(chosen: Metric, label: Any, values: Any, positive: Any, weights: Array | None) -> Array:
    assert chosen.terms
    if chosen.needs == "prediction":
        truth, given = rows.numbers(label, what="label"), rows.numbers(values, what="prediction")
    else:
        truth, given = ranked(label, values, positive=positive)
        if ((given < 0) | (given > 1)).any():
            raise MlgitError(
                f"{chosen.name} needs probabilities, but scores lie outside 0 to 1", "use roc_auc for other scores"
            )
    rows.same_length(truth, given)
    middle = truth.mean() if weights is None else (truth * weights).sum() / weights.sum()
    return chosen.terms(truth, given, float(middle))


def ranked(label: Any, score: Any, *, positive: Any = None) -> tuple[Array, Array]:
    """Which rows are positive (0 or 1), and their scores. Raises MlgitError for labels of more than two classes."""
    found = rows.classes(label)
    if positive is None and len(found.names) > 2:
        raise MlgitError(f"the labels have {len(found.names)} classes, and a score is of one", "declare the positive label")
    given = rows.numbers(score, what="score")
    rows.same_length(found.label, given)
    truth: Array = rows.once(("truth", positive), lambda: rows.against_rest(found, positive=positive).label, label)
    return truth, given


def _first(means: Array) -> Array:
    return means[..., 0]


def _root(means: Array) -> Array:
    return np.sqrt(means[..., 0])


def _r2(means: Array) -> Array:
    """1 - error / variance of the label; NaN for a constant label."""
    spread = means[..., 2] - means[..., 1] ** 2
    return np.where(spread > 1e-12 * means[..., 2], 1 - share(means[..., 0], spread), np.nan)


def _quadratic_kappa(means: Array) -> Array:
    """1 - squared distance of label and prediction / what it were by chance; NaN where there is one class on either side."""
    apart, label, squared_label, said, squared_said = (means[..., place] for place in range(5))
    by_chance = (squared_label - label**2) + (squared_said - said**2) + (label - said) ** 2
    return np.where(by_chance > 1e-12 * (squared_label + squared_said), 1 - share(apart, by_chance), np.nan)


def _absolute(truth: Array, given: Array, _: float) -> Array:
    return abs(given - truth)[:, None]


def _squared(truth: Array, given: Array, _: float) -> Array:
    return ((given - truth) ** 2)[:, None]


def _with_label(truth: Array, given: Array, middle: float) -> Array:
    """Squared error, and the label and its square; centred, for the precision of their difference."""
    centred = truth - middle
    return np.stack([(given - truth) ** 2, centred, centred**2]).T  # column by column, as they are summed up


def _with_both(truth: Array, given: Array, middle: float) -> Array:
    """Squared distance, and label and prediction with their squares; centred, for the precision of their differences."""
    label, said = truth - middle, given - middle
    return np.stack([(given - truth) ** 2, label, label**2, said, said**2]).T


def _log_loss(truth: Array, given: Array, _: float) -> Array:
    cut = np.clip(given, _LEAST, 1 - _LEAST)
    return -np.log(np.where(truth == 1, cut, 1 - cut))[:, None]


def _roc_auc(is_positive: Array, score: Array, weights: Array | None, tied: Ties | None = None) -> Array:
    """The share of pairs of a positive and a negative row that the score orders rightly; ties count half."""
    order, last = tied or ties(score)
    shown, ones = _passed(is_positive[order], last, None if weights is None else weights[..., order])
    zeros = shown - ones
    below = np.diff(zeros, axis=-1, prepend=0) / 2 + np.concatenate([np.zeros_like(zeros[..., :1]), zeros[..., :-1]], axis=-1)
    right = (np.diff(ones, axis=-1, prepend=0) * below).sum(axis=-1)
    return share(right, ones[..., -1].astype(float) * zeros[..., -1])


def _average_precision(is_positive: Array, score: Array, weights: Array | None, tied: Ties | None = None) -> Array:
    """The mean of the precision at every positive row, rows of equal score together."""
    order, last = (tied or ties(score)).descending
    shown, found = _passed(is_positive[order], last, None if weights is None else weights[..., order])
    precision = np.nan_to_num(share(found, shown))
    return share((np.diff(found, axis=-1, prepend=0) * precision).sum(axis=-1), found[..., -1])


def _passed(is_positive: Array, last: Array, weights: Array | None) -> tuple[Array, Array]:
    """How many rows, and how many positive ones, there are up to the end of each run."""
    if weights is None:
        return last + 1, np.cumsum(is_positive)[last]
    return np.cumsum(weights, axis=-1)[..., last], np.cumsum(weights * is_positive, axis=-1)[..., last]


class Ties(NamedTuple):
    """An order of ascending scores, and the last place of each run of equal ones, in which they stand in any order."""

    order: Array
    last: Array

    @property
    def descending(self) -> tuple[Array, Array]:
        """The same from the highest score down."""
        size = len(self.order)
        return self.order[::-1], size - 1 - np.concatenate([[0], self.last[:-1] + 1])[::-1]


def ties(score: Array) -> Ties:
    """The ties of scores: what all metrics of rankings are made from."""
    order = np.argsort(score)
    ascending = score[order]
    return Ties(order, np.flatnonzero(np.append(ascending[1:] != ascending[:-1], True)))


def tied(values: Any) -> Ties:
    """The ties of a column of scores."""
    found: Ties = rows.once("ties", lambda: ties(rows.numbers(values, what="score")), values)
    return found


METRICS = {
    each.name: each
    for each in (
        Metric("accuracy", "confusion", "prediction", "higher", confusion_metrics.accuracy),
        Metric("balanced_accuracy", "confusion", "prediction", "higher", confusion_metrics.balanced_accuracy),
        Metric("precision", "confusion", "prediction", "higher", confusion_metrics.precision, binary=True),
        Metric("recall", "confusion", "prediction", "higher", confusion_metrics.recall, binary=True),
        Metric("specificity", "confusion", "prediction", "higher", confusion_metrics.specificity, binary=True),
        Metric("f1", "confusion", "prediction", "higher", confusion_metrics.f_beta, binary=True),
        Metric("precision_macro", "confusion", "prediction", "higher", confusion_metrics.precision_macro),
        Metric("recall_macro", "confusion", "prediction", "higher", confusion_metrics.recall_macro),
        Metric("f1_macro", "confusion", "prediction", "higher", confusion_metrics.f1_macro),
        Metric("precision_weighted", "confusion", "prediction", "higher", confusion_metrics.precision_weighted),
        Metric("recall_weighted", "confusion", "prediction", "higher", confusion_metrics.accuracy),
        Metric("f1_weighted", "confusion", "prediction", "higher", confusion_metrics.f1_weighted),
        Metric("mcc", "confusion", "prediction", "higher", confusion_metrics.mcc),
        Metric("cohen_kappa", "confusion", "prediction", "higher", confusion_metrics.cohen_kappa),
        Metric("quadratic_kappa", "means", "prediction", "higher", _quadratic_kappa, _with_both),
        Metric("roc_auc", "ranking", "score", "higher", _roc_auc),
        Metric("average_precision", "ranking", "score", "higher", _average_precision),
        Metric("log_loss", "mean_loss", "score", "lower", _first, _log_loss),
        Metric("brier", "mean_loss", "score", "lower", _first, _squared),
        Metric("mae", "mean_loss", "prediction", "lower", _first, _absolute),
        Metric("mse", "mean_loss", "prediction", "lower", _first, _squared),
        Metric("rmse", "means", "prediction", "lower", _root, _squared),
        Metric("r2", "means", "prediction", "higher", _r2, _with_label),
    )
}
