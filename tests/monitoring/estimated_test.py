"""Performance without labels: what it sees, what it is blind to, and how often its interval holds what labels show."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.monitoring import estimated, expected_metrics, sketch_document
from mlgit.monitoring.sketch import Batches, Calibration, Sketch
from mlgit.statistics import metrics
from tests.kit import FULL
from tests.kit.late import Late
from tests.monitoring.windows import declared

linear = Late("sklearn.linear_model")
MODEL = declared().model("churn")
ALL = tuple(metrics.METRICS)


def table(score, truth=None, prediction=None):
    found = {"score": score, "prediction": (score > 0.5).astype(int) if prediction is None else prediction}
    return found if truth is None else found | {"label": truth}


def calibrated(rows=4000, *, seed=5):
    generator = np.random.default_rng(seed)
    score = generator.beta(0.8, 0.8, rows)
    return estimated.calibration_of(MODEL, table(score, (generator.random(rows) < score).astype(int)))


def estimates(known, rows, names=ALL, seed=0, model=MODEL):
    found, notes = estimated.of_rows(known, rows, model=model, names=names, seed=seed)
    return {name: each.shown for name, each in found.items()}, notes


def test_expected_confusion_gives_the_metrics_of_the_formula():
    """Two rows predicted positive with chances .9 and .6, two negative with .2 and .1: TP 1.5, FP .5, FN .3, TN 1.7."""
    cells = expected_metrics.cells(np.array([0.9, 0.6, 0.2, 0.1]), np.array([True, True, False, False]))
    found = expected_metrics.values(cells, cells.score[None, :], ["accuracy", "precision", "recall", "f1", "brier", "log_loss"])
    assert {name: float(each[0]) for name, each in found.items()} == pytest.approx(
        {
            "accuracy": 3.2 / 4,
            "precision": 1.5 / 2,
            "recall": 1.5 / 1.8,
            "f1": 3 / 3.8,
            "brier": np.mean([0.09, 0.24, 0.16, 0.09]),
            "log_loss": np.mean([-p * np.log(p) - (1 - p) * np.log(1 - p) for p in (0.9, 0.6, 0.2, 0.1)]),
        }
    )


def test_labels_that_are_known_give_the_measured_metrics():
    """Cells with as many positive rows as there are: the same numbers as of single rows."""
    generator = np.random.default_rng(3)
    score = np.round(generator.random(300), 2)
    truth, said = generator.random(300) < score, score > 0.4
    cells = expected_metrics.cells(score, said)
    positives = np.bincount(np.searchsorted(cells.score, score), weights=truth)
    found = expected_metrics.values(cells, positives[None, :], ALL)
    for name, value in found.items():
        expected = metrics.value(name, truth.astype(int), prediction=said.astype(int), score=score)
        assert float(value[0]) == pytest.approx(expected, rel=1e-9), name
    assert {"accuracy", "f1", "f1_macro", "mcc", "roc_auc", "average_precision", "brier", "log_loss"} <= found.keys()


def test_many_different_scores_are_put_together_with_little_difference():
    generator = np.random.default_rng(3)
    score = generator.random(20_000)
    cells = expected_metrics.cells(score, score > 0.4)
    assert len(cells.score) <= 4096
    assert cells.rows.sum() == 20_000
    whole = expected_metrics.ScoreCells(np.sort(score), np.ones(20_000), np.sort(score) > 0.4)
    coarse, single = (expected_metrics.values(each, (each.score * each.rows)[None, :], ALL) for each in (cells, whole))
    assert {name: float(each[0]) for name, each in coarse.items()} == pytest.approx(
        {name: float(each[0]) for name, each in single.items()}, abs=2e-4
    )


def shifted(seed, *, concept):
    """A model fitted on one population, and rows of another: harder ones, or the same with another truth."""
    generator = np.random.default_rng(seed)
    weights = np.array([1.2, -0.8, 0.5])

    def rows(number, spread, sign):
        given = generator.normal(size=(number, 3)) * spread
        return given, (generator.random(number) < 1 / (1 + np.exp(-sign * given @ weights))).astype(int)

    train, test = rows(4000, 1.0, 1), rows(4000, 1.0, 1)
    fitted = linear.LogisticRegression().fit(*train)
    today = rows(3000, 0.5 if not concept else 1.0, 0.0 if concept else 1)
    score = [fitted.predict_proba(given)[:, 1] for given, _ in (test, today)]
    known = estimated.calibration_of(MODEL, table(score[0], test[1]))
    found, _ = estimates(known, table(score[1]), ["accuracy"])
    return found["accuracy"], float(((score[1] > 0.5) == today[1]).mean())


def test_harder_rows_are_seen_without_a_label():
    found, measured = shifted(0, concept=False)
    assert found.value == pytest.approx(measured, abs=0.02)
    assert found.low < measured < found.high
    assert found.value < 0.68  # on rows like those of the test it is .72


def test_another_truth_of_the_same_rows_is_not_seen():
    found, measured = shifted(0, concept=True)
    assert measured == pytest.approx(0.5, abs=0.03)
    assert found.value > 0.69


def test_scores_that_are_no_chances_are_calibrated():
    """Scores of a model that is much too sure: half of the way of their logits is the truth."""
    generator = np.random.default_rng(0)

    def rows(number):
        logit = generator.normal(0, 2, number)
        return 1 / (1 + np.exp(-3 * logit)), (generator.random(number) < 1 / (1 + np.exp(-logit))).astype(int)

    score, truth = rows(5000)
    known = estimated.calibration_of(MODEL, table(score, truth))
    today, label = rows(3000)
    found, _ = estimates(known, table(today), ["log_loss", "accuracy"])
    assert found["log_loss"].value == pytest.approx(metrics.value("log_loss", label, score=today), rel=0.08)
    assert found["accuracy"].value == pytest.approx(float(((today > 0.5) == label).mean()), abs=0.02)


@pytest.mark.slow
def test_intervals_hold_what_labels_show_as_often_as_they_say():
    times, names = 400 if FULL else 60, ("accuracy", "recall", "f1", "roc_auc", "brier", "log_loss")
    held = dict.fromkeys(names, 0)
    for seed in range(times):
        generator = np.random.default_rng([seed, 9])
        score, test = generator.beta(0.8, 0.8, 500), generator.beta(0.8, 0.8, 600)
        known = estimated.calibration_of(MODEL, table(test, (generator.random(600) < test).astype(int)))
        truth = (generator.random(500) < score).astype(int)
        found, _ = estimates(known, table(score), names, seed)
        for name in names:
            value = metrics.value(name, truth, prediction=(score > 0.5).astype(int), score=score)
            held[name] += found[name].low <= value <= found[name].high
    assert all(each / times >= (0.91 if FULL else 0.87) for each in held.values()), held


@pytest.mark.slow
@pytest.mark.full
def test_few_test_rows_do_not_make_a_model_look_better():
    """Isotonic regression of 200 rows is too sure: it would promise a roc_auc that is more than 0.01 too high."""
    off = []
    for seed in range(400 if FULL else 100):
        generator = np.random.default_rng([seed, 11])
        score, test = generator.beta(0.8, 0.8, 2000), generator.beta(0.8, 0.8, 200)
        known = estimated.calibration_of(MODEL, table(test, (generator.random(200) < test).astype(int)))
        truth = (generator.random(2000) < score).astype(int)
        found, _ = estimates(known, table(score), ["roc_auc"], seed)
        off.append(found["roc_auc"].value - metrics.value("roc_auc", truth, score=score))
    assert np.mean(off) < 0.006


def regression(seed, *, wide=1.0, rows=3000):
    generator = np.random.default_rng(seed)
    given = generator.uniform(1, 10, rows)
    prediction = given if wide == 1.0 else given * wide
    return {"prediction": prediction, "label": prediction + generator.normal(0, 0.1 * prediction)}


def test_errors_of_amounts_follow_the_size_of_predictions():
    known = estimated.calibration_of(MODEL, regression(0))
    assert (known.kind, known.n, len(known.x)) == ("residual", 3000, 20)
    today = {name: each[regression(1)["prediction"] > 8] for name, each in regression(1).items()}
    found, _ = estimates(known, {"prediction": today["prediction"]}, ["mae", "rmse", "mse", "accuracy"])
    errors = np.abs(today["label"] - today["prediction"])
    assert set(found) == {"mae", "rmse", "mse"}
    for name, value in (("mae", errors.mean()), ("rmse", np.sqrt((errors**2).mean())), ("mse", (errors**2).mean())):
        assert found[name].low < value < found[name].high
        assert found[name].value == pytest.approx(value, rel=0.1)


@pytest.mark.slow
def test_intervals_of_errors_hold_what_labels_show():
    times, held = 400 if FULL else 80, 0
    for seed in range(times):
        known = estimated.calibration_of(MODEL, regression(seed, rows=600))
        today = regression(10_000 + seed, rows=300)
        found, _ = estimates(known, {"prediction": today["prediction"]}, ["mae"], seed)
        held += found["mae"].low <= np.abs(today["label"] - today["prediction"]).mean() <= found["mae"].high
    assert held / times >= (0.92 if FULL else 0.87)


@pytest.mark.parametrize(
    "rows",
    [
        {"score": np.linspace(0, 1, 50)},
        table(np.linspace(0, 1, 50), np.ones(50, dtype=int)),
        table(np.linspace(0, 1, 20), np.arange(20) % 2),
        table(np.linspace(0, 1, 60), np.arange(60) % 3),
        {"label": np.arange(50) % 2, "prediction": np.arange(50) % 2},
        {"label": np.array(["a", "b"] * 20, dtype=object), "score": np.linspace(0, 1, 40)},
        {"label": np.arange(50.0), "prediction": np.array(["x"] * 50, dtype=object)},
    ],
)
def test_what_tells_nothing_of_chances_is_no_calibration(rows):
    assert estimated.calibration_of(MODEL, rows) is None


def test_declared_positive_class_may_be_a_text():
    model = declared(models={"churn": {"predictions": "p.csv", "positive": "bad"}}).model("churn")
    generator = np.random.default_rng(0)
    score = generator.random(500)
    truth = np.where(generator.random(500) < score, "bad", "good").astype(object)
    known = estimated.calibration_of(model, {"score": score, "label": truth})
    said = np.where(score > 0.5, "bad", "good").astype(object)
    found, _ = estimates(known, {"score": score, "prediction": said}, ["recall"], model=model)
    expected = ((said == "bad") & (truth == "bad")).sum() / (truth == "bad").sum()
    assert found["recall"].value == pytest.approx(expected, abs=0.03)


def test_missing_scores_are_told_and_left_out():
    score = np.append(np.linspace(0, 1, 99), np.nan)
    found, notes = estimates(calibrated(), table(score, prediction=np.zeros(100, dtype=int)), ["accuracy"])
    assert found["accuracy"].n == 99
    assert notes == ("1 of 100 rows have no score, and are not estimated",)


@pytest.mark.parametrize("rows", [{"prediction": np.zeros(5)}, {"score": np.array(["x"] * 5, dtype=object)}])
def test_rows_without_scores_are_not_estimated(rows):
    found, notes = estimates(calibrated(), rows)
    assert not found
    assert notes[0].startswith("nothing is estimated: ")


def test_scores_beyond_0_and_1_give_no_loss_of_chances():
    found, _ = estimates(calibrated(), {"score": np.linspace(-3, 3, 50)}, ["brier", "roc_auc", "accuracy"])
    assert set(found) == {"roc_auc"}  # nobody knows what was predicted


def test_curve_without_weights_of_its_steps_is_taken_as_even():
    found, _ = estimates(Calibration("isotonic", (0.0, 0.5), (0.1, 0.9), 100), table(np.linspace(0, 1, 50)), ["accuracy"])
    assert found["accuracy"].value == pytest.approx(45.5 / 51)
    assert found["accuracy"].low < 0.9 < found["accuracy"].high


def test_same_seed_gives_the_same_interval():
    rows = table(np.linspace(0, 1, 300))
    assert estimates(calibrated(), rows, seed=3) == estimates(calibrated(), rows, seed=3)
    assert estimates(calibrated(), rows, seed=3) != estimates(calibrated(), rows, seed=4)


def test_interval_of_another_confidence_is_as_far_out_as_a_normal_one():
    found, _ = estimated.of_rows(calibrated(), table(np.linspace(0, 1, 300)), model=MODEL, names=["accuracy"], seed=0)
    shown, alike, wide = found["accuracy"].shown, found["accuracy"].at(0.95), found["accuracy"].at(1 - 2 / 365)
    assert (alike.low, alike.high) == pytest.approx((shown.low, shown.high), abs=0.005)
    assert wide.high - wide.low == pytest.approx((alike.high - alike.low) * 2.78 / 1.96, rel=0.01)


@pytest.mark.parametrize("known", [calibrated(), estimated.calibration_of(MODEL, regression(0))])
def test_sketch_keeps_all_of_a_calibration(known):
    written = sketch_document.text(Sketch("churn", Batches(), (), calibration=known))
    assert sketch_document.parse(written, where="sketch").calibration == known
