"""What the name of a metric tells: which way is better, where it has one meaning only, and whether it is of training."""

from __future__ import annotations

import re

_HIGHER = {
    *("accuracy", "acc", "balanced_accuracy", "top_1_accuracy", "top_5_accuracy", "f1", "f1_score", "precision", "recall"),
    *("sensitivity", "specificity", "auc", "roc_auc", "pr_auc", "auroc", "auprc", "avg_prec", "average_precision", "map"),
    *("r2", "r2_score", "mcc", "dice", "iou", "jaccard", "bleu", "ndcg", "mrr", "ndcg_exponential", "hit_rate", "f_beta"),
    *("roc_auc_ovr", "lift", "cohen_kappa", "quadratic_kappa", "matthews_corrcoef", "d2_score"),
    *(
        "explained_variance",
        "top_k_accuracy",
        "recall_at_precision",
        "precision_at_recall",
        "specificity_at_recall",
        "pass_hat_k",
    ),
}
_LOWER = {
    *("loss", "log_loss", "logloss", "cross_entropy", "rmse", "mse", "mae", "mape", "smape", "brier", "brier_score"),
    *("mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "perplexity", "wer", "cer", "error_rate"),
    *("wape", "msle", "rmsle", "median_ae", "median_absolute_error", "mean_absolute_percentage_error", "ece"),
    *("quantile_loss", "pinball_loss", "mean_pinball_loss", "interval_score", "interval_width", "coverage_error"),
    *("cost_per_row", "calibration_slope_error", "brier_score_loss", "hamming_loss", "expected_calibration_error"),
}
# Metrics of the first k, by what is written before the number.
_OF_FIRST = {
    *("ndcg", "mrr", "map", "recall", "precision", "hit", "hits", "hit_rate", "success", "top_k_accuracy", "lift", "pass"),
    *("r", "p", "rr", "ap", "hr"),
}
_FIRST = re.compile(r"(?:_at_|@|\^)(?:k|\d+%?)$|_hat_(?:k|\d+)$", re.IGNORECASE)

# What says where or how it was measured, and nothing of the direction.
_ASIDE = {"train", "training", "test", "testing", "valid", "val", "validation", "eval", "dev"}
_ASIDE |= {"macro", "micro", "weighted", "mean", "avg", "multi", "binary", "cv"}
_TRAINING = {"train", "training"}


def direction(name: str) -> str:
    """'higher' or 'lower' for a metric whose name leaves no doubt, else ''."""
    last = name.rpartition(".")[2]
    if (found := _FIRST.search(last)) and {last[: found.start()].lower(), "_".join(_words(last[: found.start()]))} & _OF_FIRST:
        return "" if "mAP" in last else "higher"  # of boxes in pictures, by how far they lie over each other
    for word in ("_".join(_words(last)), "_".join(each for each in _words(last) if each not in _ASIDE)):
        if word in _HIGHER or word in _LOWER:
            return "higher" if word in _HIGHER else "lower"
    return ""


def of_training(name: str) -> bool:
    """Whether a metric, or a file of metrics, says that it is about the training data."""
    return bool(_TRAINING & {*_words(name)})


def _words(name: str) -> list[str]:
    """`evalRocAUC` and `eval/roc-auc` in small letters, word by word."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return [each for each in re.split(r"[^a-z0-9]+", parted.lower()) if each]
