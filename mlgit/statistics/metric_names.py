"""What built-in metrics are called elsewhere: by scikit-learn, its scorers and its report of classes, and by others.

A name that can mean several things, or that lacks what the metric must be told, is no name of any: `auc` is the area under any
curve, `mAP@50` is about boxes in pictures, and `micro avg` stands in a report of classes only where it is not the accuracy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from mlgit.statistics import estimators, metrics
from mlgit.statistics.measure import Measure

_ALIASES = {
    "accuracy": "acc binary_accuracy categorical_accuracy precision_micro recall_micro f1_micro micro_precision micro_recall"
    " micro_f1",
    "precision": "positive_predictive_value ppv",
    "recall": "sensitivity true_positive_rate tpr",
    "specificity": "true_negative_rate tnr selectivity",
    "f_beta": "fbeta",
    **{f"{name}_{how}": f"{how}_{name} {how}_avg_{name}" for name in ("precision", "recall") for how in ("macro", "weighted")},
    **{f"f1_{how}": f"{how}_f1 {how}_avg_f1" for how in ("macro", "weighted")},
    "mcc": "matthews_corrcoef matthews_correlation_coefficient matthews_correlation",
    "cohen_kappa": "cohens_kappa",
    "quadratic_kappa": "quadratic_weighted_kappa qwk",
    "roc_auc": "auc_roc auroc rocauc aucroc",
    "roc_auc_macro": "roc_auc_ovr",
    "roc_auc_weighted": "roc_auc_ovr_weighted",
    "log_loss": "logloss binary_logloss multi_logloss mlogloss cross_entropy crossentropy binary_crossentropy"
    " binary_cross_entropy categorical_crossentropy",
    "brier": "brier_score_loss brier_loss",
    "ece": "expected_calibration_error",
    "mae": "mean_absolute_error",
    "mse": "mean_squared_error",
    "rmse": "root_mean_squared_error",
    "r2": "r^2 r_squared rsquared coefficient_of_determination",
    "mape": "mean_absolute_percentage_error",
    "wape": "weighted_absolute_percentage_error",
    "median_ae": "median_absolute_error medae",
    "msle": "mean_squared_log_error",
    "rmsle": "root_mean_squared_log_error",
    "quantile_loss": "pinball_loss mean_pinball_loss",
    "mrr": "mean_reciprocal_rank recip_rank reciprocal_rank",
    "recall_at_k": "recall@k",
    "precision_at_k": "precision@k",
    "pass_at_k": "pass@k",
    "pass_hat_k": "pass^k",
    "hit_rate": "hit_rate@k hit_ratio hitrate",
}
_KNOWN = {alias: name for name, listed in _ALIASES.items() for alias in listed.split()}
# Metrics of the first k, by what is written before the number: `recall@5`, `hit_at_10`.
_AT = {
    "ndcg": "ndcg mean_ndcg",
    "mrr": "mrr rr recip_rank mean_reciprocal_rank",
    "map": "map mean_average_precision",
    "recall_at_k": "recall r",
    "precision_at_k": "precision p prec",
    "hit_rate": "hit hits hit_rate hit_ratio hitrate hr success",
    "top_k_accuracy": "top_k_accuracy",
    "lift": "lift",
    "pass_at_k": "pass",
}
_FIRST = {alias: name for name, listed in _AT.items() for alias in listed.split()}
_OF_SHARE = {"recall_at_k", "precision_at_k", "lift"}
_LEVEL = {"quantile_loss": "level", "coverage": "level", "interval_width": "level", "interval_score": "level"}
_LEVEL |= {"coverage_error": "level", "recall_at_precision": "at", "precision_at_recall": "at", "specificity_at_recall": "at"}
_NUMBER = r"(\d{1,9})"
_AT_K = re.compile(rf"(?P<name>[a-z_]+?)_?(?:@|_at_){_NUMBER}(?P<percent>%?)")
_HAT_K = re.compile(rf"pass(?:\^|_hat_){_NUMBER}")
_TOP_K = re.compile(rf"(?:top_?{_NUMBER}_acc(?:uracy)?|acc(?:uracy)?_top_?{_NUMBER})")
_F_BETA = re.compile(r"(?:f|f_)(2|0?\.\d+|\d+\.\d+|0_5)|(?:fbeta|f_beta)[_@](\d+|\d*\.\d+)")
_MOST_BETA = 1_000_000
_AT_LEVEL = re.compile(r"(?P<name>[a-z_]+?)[_@=](?P<level>0?\.\d+)")
# What a report of classes says of each, and of an average over them.
_OF_CLASS = {"precision": "precision", "recall": "recall", "f1-score": "f1", "f1": "f1", "specificity": "specificity"}
_AVERAGES = {"macro avg": "macro", "weighted avg": "weighted", "micro avg": "", "samples avg": ""}


def measure_of(name: str, *, classes: Collection[str] = ()) -> Measure | None:
    """The built-in metric that a name stands for; None where it stands for none, or does not say all that the metric asks.

    Of a dotted name (`test.f1`) as much is read as means something, from its end: `macro avg.f1-score`, and `CLASS.recall` for
    one of `classes`, the texts of the labels; whoever computes that passes the class as `positive`.
    """
    if name in classes:
        return None
    for start in _starts(name):
        head, _, key = name[start:].rpartition(".")
        if key in _OF_CLASS and head:
            if (average := _AVERAGES.get(head.replace("_", " ").lower())) is not None:
                return Measure(f"{_OF_CLASS[key]}_{average}") if average and key != "specificity" else None
            if (found := _class_of(head, classes)) is not None:
                return Measure(_OF_CLASS[key], of_class=found)
            if _number(head) is not None and key != "f1":
                return None  # a class that is not known here
        plain = _plain(name[start:])
        if plain is not None:
            return plain if is_complete(plain) else None
    return None


def built_in(name: str) -> str:
    """The built-in metric that a name stands for, whatever else it must be told (`fbeta_score`), else the name itself."""
    found = _plain(name)
    return found.name if found is not None else name


def is_complete(measure: Measure) -> bool:
    """Whether a metric is built in, takes what it is given, and lacks nothing."""
    given = measure.given.keys()
    if measure.name in metrics.METRICS or measure.name in metrics.TAKES:
        is_whole = measure.name != "f_beta" or measure.beta is not None
        if is_whole and given <= set(metrics.TAKES.get(measure.name, ())):
            return True
    if measure.name in _OF_SHARE and not given & {"k", "at"}:
        return False
    known = estimators.named(measure.name)
    return any(set(each.requires) <= given <= set(each.takes) for each in known)


def _starts(name: str) -> Iterator[int]:
    """Where the name, or what is behind one of its dots, begins; a dot between digits is that of a number."""
    yield 0
    for found in re.finditer(r"\.", name):
        place = found.start()
        if not (name[:place][-1:].isdigit() and name[place + 1 :][:1].isdigit()):
            yield place + 1


def _class_of(text: str, classes: Collection[str]) -> str | None:
    """The class of this text, or of the same number written otherwise: 1.0 is 1."""
    if text in classes:
        return text
    number = _number(text)
    return None if number is None else next((each for each in classes if _number(each) == number), None)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(?:\.\d+)?", text) else None


@lru_cache(maxsize=4096)
def _plain(name: str) -> Measure | None:
    """The metric of a name without dots before it."""
    key = re.sub(r"[\s-]+", "_", name.strip().lower())
    if "mAP" in name:
        return None
    for each in dict.fromkeys([key, key.removesuffix("_score"), key.replace("_score_", "_")]):
        found = _KNOWN.get(each, each)
        if found in metrics.METRICS or found in metrics.TAKES or estimators.named(found):
            return Measure(found)
        if (told := _told(each)) is not None:
            return told
    return None


def _told(key: str) -> Measure | None:
    """The metric of a name that holds a parameter."""
    if found := _F_BETA.fullmatch(key):
        beta = float((found[1] or found[2]).replace("_", "."))
        return None if not 0 < beta <= _MOST_BETA else Measure("f1") if beta == 1 else Measure("f_beta", beta=beta)
    if found := _HAT_K.fullmatch(key):
        return _of_first("pass_hat_k", int(found[1]))
    if found := _TOP_K.fullmatch(key):
        return _of_first("top_k_accuracy", int(found[1] or found[2]))
    if (found := _AT_K.fullmatch(key)) and found["name"] in _FIRST:
        metric, number = _FIRST[found["name"]], int(found[2])
        if not found["percent"]:
            return _of_first(metric, number)
        return Measure(metric, at=number / 100) if metric in _OF_SHARE and 0 < number < 100 else None
    if found := _AT_LEVEL.fullmatch(key):
        metric = _KNOWN.get(found["name"], found["name"])
        level = float(found["level"])
        if metric in _LEVEL and level > 0:
            return Measure(metric, level=level) if _LEVEL[metric] == "level" else Measure(metric, at=level)
    return None


def _of_first(metric: str, number: int) -> Measure | None:
    return Measure(metric, k=number) if number else None
