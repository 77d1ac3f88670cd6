"""From tables of predictions to outcomes of rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.evaluation.paired_rows import ComparisonSettings, gather, pair
from mlgit.gate.rule_verdicts import judge
from mlgit.model_settings import CardFiles, Model
from mlgit.rules import parse

MODEL = Model("churn", CardFiles("", ""), predictions="predictions.csv", id="id")
FAST = ComparisonSettings(resamples=499)


def rule(text):
    return parse(parse_yaml(f"rules: [{{id: a, {text}}}]", name="mlgit.yaml")).rules[0]


def table(number=2000, *, wrong=0.1, seed=0, region=None):
    """Labels that depend on the key alone, so that tables of different order agree."""
    label = np.arange(number) % 2
    noise = np.random.default_rng(seed).random(number)
    share = np.full(number, wrong) if np.isscalar(wrong) else np.asarray(wrong)
    prediction = np.where(noise < share, 1 - label, label)
    score = np.clip(prediction * 0.6 + 0.2 + (noise - 0.5) * 0.3, 0, 1)
    regions = np.where(np.arange(number) % 4 < 2, "EU", "US") if region is None else region
    return {"id": np.arange(number), "label": label, "prediction": prediction, "score": score, "region": regions}


def outcome(chosen, baseline, current, *, better="higher", settings=FAST):
    return judge(chosen, gather(chosen, pair(MODEL, baseline, current), better=better, settings=settings))


NO_WORSE = rule("kind: no_worse, metric: f1, margin: 0.03")


@pytest.mark.parametrize(
    "asked", ["no_worse, margin: 0", "better, by: 0.01", "same, margin: 0", "no_harm, margin: 0, slices: {by: [region]}"]
)
@pytest.mark.parametrize("metric", ["accuracy", "f1", "roc_auc", "log_loss"])
def test_the_same_predictions_in_any_order_pass_every_paired_rule(metric, asked):
    backwards = {name: column[::-1] for name, column in table(60).items()}
    found = outcome(rule(f"metric: {metric}, kind: {asked}"), table(60), backwards)
    assert (found.outcome, found.reason, found.delta) == ("pass", "same predictions", 0)


def test_a_score_or_a_slice_that_differs_is_no_same_prediction():
    chosen, moved = rule("kind: no_harm, metric: accuracy, margin: 0.5, slices: {by: [region]}"), table()
    moved["score"][7] += 0.001
    assert outcome(chosen, table(), moved).reason != "same predictions"
    assert outcome(chosen, table(), table(region=np.full(2000, "EU"))).outcome == "fail"


@pytest.mark.parametrize(("wrong", "expected"), [(0.1, "pass"), (0.125, "inconclusive"), (0.25, "fail")])
def test_rows_decide(wrong, expected):
    assert outcome(NO_WORSE, table(wrong=0.1), table(wrong=wrong)).outcome == expected


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss", "recall"])
def test_order_of_the_rows_does_not_matter(metric):
    chosen = rule(f"kind: no_worse, metric: {metric}, margin: 20%")
    current, order = table(wrong=0.12, seed=1), np.random.default_rng(1).permutation(2000)
    better = "lower" if metric == "log_loss" else "higher"
    plain = outcome(chosen, table(), current, better=better)
    assert plain == outcome(chosen, table(), {name: each[order] for name, each in current.items()}, better=better)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": np.arange(2000) + 1}, "1 row of the baseline is missing, 1 row is new"),
        ({"id": np.zeros(2000)}, "more than once in the current rows"),
        ({"label": np.zeros(2000)}, "the labels differ in 1000 of 2000 rows"),
        ({"prediction": np.full(2000, np.nan)}, "missing"),
        ({"prediction": np.array(["yes"] * 2000)}, "cannot be compared"),
    ],
)
def test_rows_that_are_no_comparison_are_invalid(change, said):
    found = outcome(NO_WORSE, table(), table() | change)
    assert (found.outcome, found.effect) == ("invalid", "fail")
    assert said in found.reason


@pytest.mark.parametrize(("metric", "margin", "expected"), [("roc_auc", 0.02, "inconclusive"), ("roc_auc", 0.1, "pass")])
@pytest.mark.parametrize("is_perfect", [False, True])
def test_other_scores_that_order_a_hundred_rows_alike_show_no_more_than_a_hundred_rows_can(
    metric, margin, expected, is_perfect
):
    before = table(100) | (
        {"score": table(100)["label"] * 0.5 + 0.2} if is_perfect else {"score": table(100)["prediction"] * 0.5}
    )
    found = outcome(
        rule(f"kind: no_worse, metric: {metric}, margin: {margin}"), before, before | {"score": before["score"] + 0.1}
    )
    assert (found.outcome, found.delta) == (expected, 0)
    assert found.low == pytest.approx(-(1 - 0.05 ** (1 / 50)))


TRUTH = table()["label"]
WORDS = np.where(TRUTH == 1, "yes", "no")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prediction": np.full(2000, 0.25)}, "prediction: 2000 of 2000 values, such as 0.25, are no class"),
        (
            {"prediction": np.where(np.arange(2000) < 5, 1.0, 0.75)},
            "1995 of 2000 values, such as 0.75, are no class",
        ),
        ({"prediction": np.full(2000, 7)}, "prediction: no value is one of the labels: it has 7, and label has 0, 1"),
        (
            {"label": WORDS, "prediction": np.full(2000, "Yes")},
            "one of the labels: it has Yes, and label has no, yes",
        ),
    ],
)
@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "mcc"])
def test_predictions_that_are_no_classes_are_invalid_and_never_no_worse(change, said, metric):
    asked = rule(f"kind: no_worse, metric: {metric}, margin: 0.1")
    both = outcome(asked, table() | change, table() | change)
    before = outcome(asked, table() | change, table() | {"label": change.get("label", TRUTH)})
    assert (both.outcome, said in both.reason) == ("invalid", True)
    assert (before.outcome, before.reason.startswith("baseline: ")) == ("invalid", "label" not in change)
    assert outcome(rule(f"kind: bound, metric: {metric}, min: 0"), None, table() | change).outcome == "invalid"


def test_models_that_are_wrong_in_every_row_are_judged():
    wrong, ones = {"prediction": 1.0 - TRUTH}, {"label": np.ones(2000), "prediction": np.zeros(2000)}
    asked = rule("kind: no_worse, metric: accuracy, margin: 0.1")
    assert outcome(asked, table(), table() | wrong).outcome == "fail"
    assert outcome(asked, table() | {"label": np.ones(2000)}, table() | ones).outcome == "fail"


@pytest.mark.parametrize(
    ("label", "positive", "written"),
    [
        (TRUTH, "1", "positive: 1"),
        (TRUTH.astype(bool), "TRUE", "positive: true"),
        (TRUTH.astype(int).astype(str), 1, 'positive: "1"'),
    ],
)
def test_positive_label_of_another_type_is_told_how_to_write(label, positive, written):
    settings = replace(FAST, positive=positive)
    sides = [table() | {"label": label, "prediction": label}] * 2
    found = gather(rule("kind: no_worse, metric: recall, margin: 0.1"), pair(MODEL, *sides), better="higher", settings=settings)
    assert f"of another type: write models.churn.{written} in mlgit.yaml" in found.trouble


@pytest.mark.parametrize(
    ("more", "settings", "asks"),
    [
        ("", {"cluster": "who"}, "gates.stats.cluster in mlgit.yaml"),
        (", cluster: who", {"cluster": "who"}, "`cluster` of the rule a in mlgit.yaml"),
        ("", {"order": "who"}, "models.churn.order in mlgit.yaml"),
    ],
)
def test_column_that_is_not_there_is_told_with_its_file_and_key(more, settings, asks):
    asked = rule(f"kind: no_worse, metric: accuracy, margin: 0.1{more}")
    found = gather(asked, pair(MODEL, table(), table()), better="higher", settings=replace(FAST, **settings))
    assert found.trouble.startswith("predictions.csv: the predictions have no column 'who'")
    assert f"{asks} asks for it; there are" in found.trouble


@pytest.mark.parametrize("column", ["id", "label", "prediction"])
def test_column_that_is_not_there_is_invalid(column):
    current = {name: each for name, each in table().items() if name != column}
    assert outcome(NO_WORSE, table(), current).outcome == "invalid"


def test_no_column_to_align_by_is_invalid():
    rows = pair(Model("churn", CardFiles("", "")), table(), table())
    assert "names no column" in judge(NO_WORSE, gather(NO_WORSE, rows, better="higher", settings=FAST)).reason


def test_first_rows_are_new_and_no_direction_is_invalid():
    first = outcome(NO_WORSE, None, table())
    assert (first.outcome, first.current) == ("first", pytest.approx(0.9, abs=0.03))
    assert outcome(NO_WORSE, table(), table(), better=None).outcome == "invalid"


def test_bound_by_the_end_of_the_interval():
    point, end = (
        rule("kind: bound, metric: recall, min: 0.89, use: point"),
        rule("kind: bound, metric: recall, min: 0.89, use: lower"),
    )
    assert outcome(point, None, table()).outcome == "pass"
    assert outcome(end, None, table()).outcome == "fail"
    assert outcome(end, table(wrong=0.5), table(wrong=0.01)).outcome == "pass"


def test_harm_in_one_slice_is_found_and_a_lost_slice_too():
    chosen = rule("kind: no_harm, metric: f1, margin: 0.02, slices: {by: [region], min_n: 100}")
    harmed = np.where(table()["region"] == "EU", 0.2, 0.1)
    found = outcome(chosen, table(), table(wrong=harmed))
    assert found.outcome == "fail"
    assert "region=EU" in found.reason
    assert "region=US" not in found.reason
    assert outcome(chosen, table(), table()).outcome == "pass"
    lost = outcome(chosen, table(), table(region=np.array(["US"] * 2000)))
    assert (lost.outcome, lost.reason) == ("fail", "no rows of region=EU")


def test_gap_between_slices_needs_no_baseline():
    chosen = rule("kind: gap, metric: recall, max: 0.05, slices: {by: [region]}")
    assert outcome(chosen, None, table()).outcome == "pass"
    assert outcome(chosen, None, table(wrong=np.where(table()["region"] == "EU", 0.2, 0.05))).outcome == "fail"


def test_clusters_widen_the_interval():
    again = {name: np.repeat(each, 5) for name, each in table(400, wrong=0.15, seed=1).items()}
    before = {name: np.repeat(each, 5) for name, each in table(400).items()}
    for each in (again, before):
        each["patient"], each["id"] = np.repeat(np.arange(400), 5), np.arange(2000)
    plain = outcome(NO_WORSE, before, again)
    grouped = outcome(NO_WORSE, before, again, settings=ComparisonSettings(resamples=499, cluster="patient"))
    assert grouped.high - grouped.low > 1.8 * (plain.high - plain.low)


@pytest.mark.parametrize("kind", ["gap, max: 0.5", "no_harm, margin: 0.05"])
def test_slices_that_vanish_or_shrink_are_seen(kind):
    chosen = rule(f"kind: {kind}, metric: accuracy, slices: {{by: [region]}}")
    three = np.array(["EU", "US", "ASIA"])[np.arange(2000) % 3]
    before = table(region=three)
    gone = outcome(chosen, before, table(region=np.where(three == "ASIA", "US", three)))
    assert (gone.outcome, gone.reason) == ("fail", "no rows of region=ASIA")
    few = np.where((three == "ASIA") & (np.arange(2000) > 50), "US", three)
    assert "1 too small to judge" in outcome(chosen, table(region=few), table(region=few, wrong=0.12)).reason
    shrunk = outcome(chosen, before, table(region=few))
    assert (shrunk.outcome, shrunk.reason[:32]) == ("invalid", "region differs in 649 of 2000 ro")


@pytest.mark.parametrize("kind", ["gap, max: 0.05", "no_harm, margin: 0.05"])
@pytest.mark.parametrize("if_missing", ["fail", "warn", "pass"])
def test_rows_that_change_their_slice_hide_no_harm(kind, if_missing):
    chosen = rule(f"kind: {kind}, metric: accuracy, slices: {{by: [region], if_missing: {if_missing}}}")
    harmed = np.where(table()["region"] == "EU", 0.3, 0.1)
    for mixed in (np.array(["EU", "US"])[np.arange(2000) // 4 % 2], np.array(["US"] * 2000)):
        found = outcome(chosen, table(), table(wrong=harmed, region=mixed))
        assert found.outcome in ("fail", "invalid")
        assert found.effect == "fail"


def test_rows_taken_out_with_a_whole_slice_do_not_close_the_gap():
    before = table(region=np.array(["EU", "US", "ASIA"])[np.arange(2000) % 3])
    kept = before["region"] != "ASIA"
    chosen = rule("kind: gap, metric: accuracy, max: 0.5, slices: {by: [region]}")
    assert outcome(chosen, before, {name: each[kept] for name, each in before.items()}).outcome == "fail"
    assert outcome(chosen, None, before).outcome == "pass"


@pytest.mark.parametrize("positive", ["1", 2])
@pytest.mark.parametrize("metric", ["specificity", "brier", "recall"])
@pytest.mark.parametrize("kind", ["bound, min: 0, max: 1", "no_worse, margin: 0.1"])
def test_positive_label_that_no_row_has_is_invalid(kind, metric, positive):
    settings = ComparisonSettings(resamples=99, positive=positive)
    found = outcome(rule(f"kind: {kind}, metric: {metric}"), table(), table(), settings=settings)
    assert found.outcome == "invalid"
    assert "no row has the positive label" in found.reason


def test_metric_that_asks_for_no_positive_label_does_not_miss_it():
    chosen = rule("kind: bound, metric: accuracy, min: 0.5")
    assert outcome(chosen, table(), table(), settings=ComparisonSettings(resamples=99, positive="1")).outcome == "pass"
