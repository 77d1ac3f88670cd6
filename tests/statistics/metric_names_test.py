"""Names of metrics elsewhere: of scikit-learn, with a parameter in the name, of a report of classes; and what is no name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.statistics import estimators, metric_names, metrics
from mlgit.statistics.measure import Measure
from mlgit.statistics.metric_names import built_in, is_complete, measure_of
from tests.kit.late import Late

sklearn = Late("sklearn.metrics")


def of(name, **given):
    return Measure(name, **given)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # functions of scikit-learn
        *(("accuracy_score", of("accuracy")), ("balanced_accuracy_score", of("balanced_accuracy"))),
        *(("precision_score", of("precision")), ("recall_score", of("recall")), ("f1_score", of("f1"))),
        *(("matthews_corrcoef", of("mcc")), ("cohen_kappa_score", of("cohen_kappa")), ("log_loss", of("log_loss"))),
        *(("brier_score_loss", of("brier")), ("roc_auc_score", of("roc_auc"))),
        *(("average_precision_score", of("average_precision")), ("mean_absolute_error", of("mae"))),
        *(("mean_squared_error", of("mse")), ("root_mean_squared_error", of("rmse")), ("r2_score", of("r2"))),
        *(("mean_absolute_percentage_error", of("mape")), ("median_absolute_error", of("median_ae"))),
        *(("ndcg_score", of("ndcg")), ("root_mean_squared_log_error", of("rmsle"))),
        *(("explained_variance_score", of("explained_variance")), ("expected_calibration_error", of("ece"))),
        # its scorers
        *(("f1_macro", of("f1_macro")), ("recall_weighted", of("recall_weighted")), ("precision_micro", of("accuracy"))),
        *(("roc_auc_ovr", of("roc_auc_macro")), ("roc_auc_ovr_weighted", of("roc_auc_weighted"))),
        # a parameter in the name
        *(("ndcg@10", of("ndcg", k=10)), ("NDCG@10", of("ndcg", k=10)), ("ndcg_at_10", of("ndcg", k=10))),
        *(("recall@5", of("recall_at_k", k=5)), ("precision_at_10", of("precision_at_k", k=10))),
        *(("P@5", of("precision_at_k", k=5)), ("hit@10", of("hit_rate", k=10)), ("hit_rate_at_3", of("hit_rate", k=3))),
        *(("map@100", of("map", k=100)), ("MRR@10", of("mrr", k=10)), ("pass@1", of("pass_at_k", k=1))),
        *(("pass_at_5", of("pass_at_k", k=5)), ("pass^3", of("pass_hat_k", k=3)), ("pass_hat_3", of("pass_hat_k", k=3))),
        *(("top_5_accuracy", of("top_k_accuracy", k=5)), ("top-3 accuracy", of("top_k_accuracy", k=3))),
        *(("acc_top5", of("top_k_accuracy", k=5)), ("top_k_accuracy@5", of("top_k_accuracy", k=5))),
        *(("lift@10%", of("lift", at=0.1)), ("recall@5%", of("recall_at_k", at=0.05)), ("lift@200", of("lift", k=200))),
        *(("f2", of("f_beta", beta=2.0)), ("f0.5", of("f_beta", beta=0.5)), ("f0_5", of("f_beta", beta=0.5))),
        *(("f2_score", of("f_beta", beta=2.0)), ("fbeta_3", of("f_beta", beta=3.0)), ("f1.0", of("f1"))),
        *(("recall_at_precision_0.9", of("recall_at_precision", at=0.9)), ("coverage@0.8", of("coverage", level=0.8))),
        *(("pinball_loss_0.9", of("quantile_loss", level=0.9)), ("quantile_loss@.5", of("quantile_loss", level=0.5))),
        # other spellings
        *(("f1-score", of("f1")), ("F1 Score", of("f1")), ("macro_f1", of("f1_macro")), ("f1_score_macro", of("f1_macro"))),
        *(("Weighted Precision", of("precision_weighted")), ("logloss", of("log_loss")), ("AUROC", of("roc_auc"))),
        *(("sensitivity", of("recall")), ("MAE", of("mae")), ("RMSE", of("rmse")), ("QWK", of("quadratic_kappa"))),
        *(("macro_avg_f1-score", of("f1_macro")), ("R2", of("r2")), ("acc", of("accuracy"))),
        # behind dots
        *(("test.f1", of("f1")), ("run.test.f0.5", of("f_beta", beta=0.5)), ("valid_0.ndcg@5", of("ndcg", k=5))),
        *(("a.b.log_loss", of("log_loss")), ("test.coverage_0.8", of("coverage", level=0.8))),
    ],
)
def test_name_stands_for_a_metric(name, expected):
    assert measure_of(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("neg_log_loss", "neg_mean_absolute_error", "latency", "support", "", ".", "...", "train.seconds", "size"),
        # what they need is not said
        *("fbeta_score", "f_beta", "top_k_accuracy_score", "mean_pinball_loss", "precision_at_k", "recall@k", "lift"),
        *("hit_rate", "coverage", "pass@k"),
        # what can mean several things, or nothing
        *("auc", "pr.auc", "pr_auc", "kappa", "mAP@50", "test.mAP", "accuracy@5", "recall@0.1", "f05", "f12", "f0", "ndcg@0"),
        *("recall@0%", "recall@100%", "ndcg@10%", "pass@99999999999", "top_0_accuracy", "roc_auc_ovo", "f1_samples"),
        *("coverage_0.0", "f0.0", "f-1"),
    ],
)
def test_name_that_does_not_say_all_stands_for_none(name):
    assert measure_of(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fbeta_score", "f_beta"),
        ("top_k_accuracy_score", "top_k_accuracy"),
        ("mean_pinball_loss", "quantile_loss"),
        ("Hit_Ratio", "hit_rate"),
        ("latency", "latency"),
        ("test.f1", "test.f1"),
    ],
)
def test_name_may_lack_what_is_declared_beside_it(name, expected):
    assert built_in(name) == expected


def test_every_name_leads_to_a_metric_that_is_built_in():
    known = {*metrics.METRICS, *metrics.TAKES, *(each.name for each in estimators.ESTIMATORS)}
    targets = [*metric_names._ALIASES, *metric_names._AT, *metric_names._LEVEL, *metric_names._OF_SHARE]
    assert [each for each in targets if each not in known] == []
    names = [alias for listed in metric_names._ALIASES.values() for alias in listed.split()]
    assert [each for each in names if built_in(each) not in known] == []
    assert [each for each in names if names.count(each) > 1 or each in known] == []


CLASSES = ("setosa", "Iris v1.0", "a.b", "0", "1", "12")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("setosa.precision", of("precision", of_class="setosa")),
        ("Iris v1.0.recall", of("recall", of_class="Iris v1.0")),
        ("a.b.f1-score", of("f1", of_class="a.b")),
        ("test.a.b.f1-score", of("f1", of_class="a.b")),
        ("report.setosa.specificity", of("specificity", of_class="setosa")),
        ("0.precision", of("precision", of_class="0")),
        ("1.0.precision", of("precision", of_class="1")),  # the same number
        ("12.recall", of("recall", of_class="12")),
        ("2.recall", None),  # a class that the rows do not have
        ("7.5.recall", None),
        ("3.0.recall", None),
        ("setosa.support", None),
        ("test.precision", of("precision")),
        ("0.accuracy", of("accuracy")),  # of a fold
        ("macro avg.f1-score", of("f1_macro")),
        ("test.macro avg.precision", of("precision_macro")),
        ("weighted avg.recall", of("recall_weighted")),
        ("macro avg.support", None),
        ("micro avg.f1-score", None),
        ("test.samples avg.recall", None),
        ("accuracy", of("accuracy")),
        ("setosa", None),
    ],
)
def test_names_of_a_report_of_classes(name, expected):
    assert measure_of(name, classes=CLASSES) == expected


def test_class_that_is_not_known_is_a_prefix():
    assert measure_of("setosa.precision") == of("precision")
    assert measure_of("0.recall") is None


texts = st.text(st.sampled_from("ab. -_1"), min_size=1, max_size=6)


@pytest.mark.filterwarnings("ignore")
@given(st.lists(st.tuples(texts, st.booleans(), texts), min_size=4, max_size=30))
def test_report_of_scikit_learn_is_read_back(drawn):
    label = np.array([f"x{each}" for each, _, _ in drawn], dtype=object)
    said = np.array([f"x{one}" if right else f"x{other}" for one, right, other in drawn], dtype=object)
    classes = {*label.tolist(), *said.tolist()}
    report = sklearn.classification_report(label, said, output_dict=True, zero_division=0)
    for outer, inner in report.items():
        for key, expected in inner.items() if isinstance(inner, dict) else [("", inner)]:
            name = f"{outer}.{key}" if key else outer
            found = measure_of(name, classes=classes)
            if key == "support":
                assert found is None
                continue
            value = metrics.value(found, label, prediction=said, positive=found.of_class)
            if value == value:  # undefined here, 0 there
                assert value == pytest.approx(expected), name
            else:
                assert expected == 0


@given(st.text(st.sampled_from("f1recalpistndg@_.^%0 -avmo"), max_size=14))
def test_whatever_is_asked_is_answered_by_a_whole_metric_or_none(name):
    found = measure_of(name, classes=CLASSES)
    assert found is None or is_complete(found)
