"""Metrics of columns, weighted rows, rankings, several seeds and folds: what a gate asks of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.evaluation import metric_values, prediction_files
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.paired_rows import gather, pair
from mlgit.rules import Amount, GateRule

FAST = ComparisonSettings(resamples=499)
SHARED = {"id", "label"}


def model(metrics=None, **declared):
    document = {"mlgit": 1, "metrics": metrics or {}, "models": {"m": {"predictions": "p.csv", "id": "id", **declared}}}
    return parse(document).models["m"]


def table(number=400, *, wrong=0.1, seed=0):
    rng = np.random.default_rng(seed)
    label = np.arange(number) % 2
    prediction = np.where(rng.random(number) < wrong, 1 - label, label)
    score = np.clip(prediction * 0.6 + 0.2 + rng.normal(0, 0.1, number), 0, 1)
    return {"id": np.arange(number), "label": label, "prediction": prediction, "score": score, "w": 1.0 + np.arange(number) % 3}


JUDGE = {"judge": {"direction": "higher", "column": "judge"}}


def compared(metric, one, before, now, *, asked=FAST, margin=None):
    return metric_values.compare(metric, one, before, now, asked, margin=margin, better="higher")


def test_column_is_compared_row_by_row():
    one, rng = model(JUDGE), np.random.default_rng(1)
    hard = rng.normal(0, 5, 300)
    before, now = ({"id": np.arange(300), "judge": hard + rng.normal(shift, 0.1, 300)} for shift in (0, 0.05))
    found = compared("judge", one, before, now, margin=Amount(0.1))
    assert found.delta == pytest.approx(now["judge"].mean() - before["judge"].mean())
    assert 0 < found.low < found.delta < found.high < 0.08  # far less than the rows are apart
    assert found.pvalue < 0.01


def test_rows_without_a_value_are_refused_unless_so_many_may_be():
    before = {"id": np.arange(200), "judge": np.linspace(0, 1, 200)}
    now = {"id": np.arange(200), "judge": np.where(np.arange(200) < 3, np.nan, np.linspace(0, 1, 200))}
    with pytest.raises(MlgitError) as caught:
        compared("judge", model(JUDGE), before, now)
    assert caught.value.message == "judge: 3 of 200 rows have no value"
    assert "max_missing" in caught.value.hint
    allowed = model({"judge": {**JUDGE["judge"], "max_missing": "2%"}})
    found = compared("judge", allowed, before, now)
    assert found.current == found.baseline == pytest.approx(np.nanmean(now["judge"]))
    assert "3 of 200 rows have a value on one side only and are left out" in found.note
    assert metric_values.value("judge", allowed, now) == found.current
    strict = model({"judge": {**JUDGE["judge"], "max_missing": "1%"}})
    with pytest.raises(MlgitError, match=r"3 of 200 rows have no value, more than the 1 % that may be left out"):
        compared("judge", strict, before, now)


@pytest.mark.parametrize("metric", ["judge", "rate", "worth"])
def test_weight_of_two_is_like_two_rows(metric):
    metrics = {
        **JUDGE,
        "rate": {"direction": "higher", "column": "judge", "aggregate": "ratio", "per": "size"},
        "worth": {"direction": "higher", "expression": "sum(judge * (label == 1)) - 2 * count(judge > 0)"},
    }
    rng = np.random.default_rng(3)
    rows = {"label": rng.integers(0, 2, 50), "judge": rng.normal(0, 1, 50), "size": rng.uniform(1, 2, 50)}
    twice = rng.integers(1, 4, 50)
    weighted = metric_values.value(metric, model(metrics, weight="w"), {**rows, "w": twice})
    repeated = metric_values.value(metric, model(metrics), {name: np.repeat(column, twice) for name, column in rows.items()})
    assert weighted == pytest.approx(repeated)


def test_weighted_rows_are_worth_fewer_and_too_few_decide_nothing():
    one = model(JUDGE, weight="w")
    rng = np.random.default_rng(4)
    rows = {"id": np.arange(400), "judge": rng.normal(0, 1, 400), "w": np.ones(400)}
    now = {**rows, "judge": rows["judge"] + rng.normal(0, 0.1, 400)}
    even = compared("judge", one, rows, now)
    plain = compared("judge", model(JUDGE), rows, now)
    assert (even.low, even.high) == pytest.approx((plain.low, plain.high), rel=0.2)
    heavy = np.where(np.arange(400) < 10, 1e6, 1.0)
    uneven = compared("judge", one, {**rows, "w": heavy}, {**now, "w": heavy})
    assert uneven.low is None
    assert "worth 10 of equal weight, at least 30 needed" in uneven.reason


def test_weights_that_are_none_are_refused():
    one = model(JUDGE, weight="w")
    rows = {"id": np.arange(40), "judge": np.ones(40)}
    for bad in (np.zeros(40), np.full(40, np.nan), np.full(40, -1.0)):
        with pytest.raises(MlgitError, match="weight"):
            metric_values.interval("judge", one, {**rows, "w": bad}, FAST)
    assert metric_values.value("judge", one, {**rows, "w": np.zeros(40)}) is None


def seeds(one, tables):
    paths = [f"{number}.csv" for number in range(len(tables))]
    return prediction_files.joined(one, tables, paths, shared=SHARED)


def of_recipe(one, number, *, wrong, start):
    return seeds(one, [table(wrong=wrong, seed=start + each) for each in range(number)])


SEEDS = model(repeats="seeds", predictions=["a.csv", "b.csv"])


def test_recipe_is_the_mean_over_its_seeds():
    tables = [table(seed=each) for each in range(4)]
    found = metric_values.interval("accuracy", SEEDS, seeds(SEEDS, tables), FAST)
    assert found.value == pytest.approx(np.mean([(each["label"] == each["prediction"]).mean() for each in tables]))
    assert found.low < found.value < found.high
    assert "about the recipe: 4 seeds" in found.note


def test_two_recipes_with_other_numbers_of_seeds_are_compared():
    before, now = of_recipe(SEEDS, 5, wrong=0.1, start=0), of_recipe(SEEDS, 4, wrong=0.3, start=50)
    found = compared("accuracy", SEEDS, before, now, margin=Amount(0.02))
    assert found.high < 0
    assert found.about == "about the recipes: 5 and 4 seeds"
    assert found.pvalue > 0.95


def test_fewer_seeds_than_before_show_harm_and_nothing_good():
    before = of_recipe(SEEDS, 5, wrong=0.3, start=0)
    better, worse = (of_recipe(SEEDS, 3, wrong=wrong, start=50) for wrong in (0.1, 0.5))
    found = compared("accuracy", SEEDS, before, better)
    assert found.low > 0
    assert not found.may_pass
    assert "3 seeds of 5 at the baseline, which may be the lucky ones" in found.note
    assert compared("accuracy", SEEDS, before, worse).high < 0
    assert compared("accuracy", SEEDS, worse, better).may_pass


def test_fewer_than_three_seeds_are_files_and_no_recipe():
    before, now = of_recipe(SEEDS, 2, wrong=0.1, start=0), of_recipe(SEEDS, 5, wrong=0.1, start=50)
    assert compared("accuracy", SEEDS, before, now).about.startswith("about these files, not about the recipes: 2 and 5 seeds")


def test_few_of_a_class_are_told_of_seeds_too_and_their_interval_ends_where_the_metric_does():
    def rare(seed):
        rows = table(seed=seed, wrong=0.0)
        return {**rows, "label": np.where(np.arange(400) < 8, rows["label"], 0)}

    before, now = (seeds(SEEDS, [rare(start + each) for each in range(3)]) for start in (0, 50))
    found = compared("roc_auc", SEEDS, before, now)
    shown = metric_values.interval("roc_auc", SEEDS, now, FAST)
    for each in (found, shown):
        assert "4 positive rows, at least 20 needed" in each.note
        assert not each.may_pass
    assert 0 <= shown.low <= shown.high <= 1


def test_slices_of_seeds_are_those_of_the_same_rows():
    now = of_recipe(SEEDS, 3, wrong=0.1, start=0)
    chosen = np.arange(0, 400, 4)
    found = metric_values.value("accuracy", SEEDS, now, chosen)
    each = [prediction_files.of_seed(now, number) for number in range(3)]
    assert found == pytest.approx(np.mean([(one["label"] == one["prediction"])[chosen].mean() for one in each]))


FOLDS = model(repeats="folds", predictions="f*.csv")


def folds(order, *, wrong, number=5):
    whole = table(500, wrong=wrong, seed=9)
    parts = [{name: column[np.arange(500) % number == each] for name, column in whole.items()} for each in order]
    return prediction_files.joined(FOLDS, parts, [f"f{each}.csv" for each in order], shared=SHARED)


def in_order(found):
    places = np.argsort(found["id"])
    return {name: np.asarray(column)[places] for name, column in found.items()}


def test_folds_are_paired_by_their_rows_and_not_by_their_number():
    before, now = (in_order(folds(order, wrong=0.1)) for order in ((0, 1, 2, 3, 4), (3, 1, 4, 0, 2)))
    found = compared("accuracy", FOLDS, before, now)
    assert found.delta == 0
    assert found.method == "no fold differs"
    worse = compared("accuracy", FOLDS, before, in_order(folds((4, 3, 2, 1, 0), wrong=0.4)))
    assert worse.high < 0
    assert worse.about == "about the recipes: 5 folds"


def test_folds_of_other_rows_are_not_compared():
    before, now = in_order(folds(range(5), wrong=0.1)), in_order(folds(range(5), wrong=0.1))
    now[prediction_files.FOLD] = np.roll(now[prediction_files.FOLD], 1) * 0 + np.arange(500) // 100
    with pytest.raises(MlgitError, match="the folds are not the same on both sides"):
        compared("accuracy", FOLDS, before, now)


def test_one_large_fold_and_four_small_ones_tell_less():
    wide = []
    for numbers in (np.arange(500) % 5, np.clip(np.arange(500) - 495, 0, None)):
        shift, score = 0.1 + 0.01 * numbers, np.random.default_rng(0).random(500)
        sides = [{"id": np.arange(500), "judge": score + each, prediction_files.FOLD: numbers} for each in (0, shift)]
        found = compared("judge", model(JUDGE, repeats="folds", predictions="*"), *sides)
        wide.append(found.high - found.low)
    assert wide[1] > 10 * wide[0]


def test_few_folds_decide_nothing():
    before, now = (in_order(folds(range(4), wrong=wrong, number=4)) for wrong in (0.1, 0.4))
    found = compared("accuracy", FOLDS, before, now)
    assert found.low is None
    assert found.reason == "4 folds, at least 5 needed"


def test_interval_over_folds_ends_where_the_metric_does_and_says_what_folds_say():
    now = in_order(folds(range(5), wrong=0.004))
    found = metric_values.interval("accuracy", FOLDS, now, FAST)
    assert 0.99 < found.value < found.high == 1.0
    now["label"] = np.where(now[prediction_files.FOLD] == 2, 0, now["label"])
    found = metric_values.interval("roc_auc", FOLDS, now, FAST)
    assert (found.value, found.low) == (None, None)
    assert found.reason.startswith("fold 3: ")


RANKED = model({"ndcg5": {"direction": "higher", "of": "ndcg", "k": 5}}, query="q")


def rankings(queries, *, noise, seed=0):
    truth, rng = np.random.default_rng(5), np.random.default_rng(seed)
    sizes = truth.integers(4, 12, queries)
    relevance = truth.integers(0, 3, sizes.sum())
    query = np.repeat(np.arange(queries), sizes)
    score = relevance + rng.normal(0, noise, len(relevance))
    return {"id": np.arange(len(query)), "label": relevance, "score": score, "q": query}


def test_queries_are_what_is_sampled():
    before, now = rankings(60, noise=0.5), rankings(60, noise=2.0, seed=1)
    asked = replace(FAST, cluster="q")
    found = compared("ndcg5", RANKED, before, now, asked=asked)
    assert found.clusters == 60
    assert found.high < 0
    assert compared("ndcg5", RANKED, before, now).clusters == 60  # even where no groups are asked for
    few = compared("ndcg5", RANKED, rankings(20, noise=0.5), rankings(20, noise=2.0, seed=1), asked=asked)
    assert few.reason == "20 queries, at least 30 needed"


@pytest.mark.parametrize(
    ("metric", "declared", "told"),
    [
        ("mrr", {}, "mrr needs the query of each row"),
        ("mrr", {"query": "nowhere"}, "p.csv: the predictions have no column 'nowhere'"),
        ("top", {}, "top needs the probabilities of all classes"),
        ("top", {"scores": {"a": "p_a"}}, "p.csv: the predictions have no column 'p_a'"),
        ("loss", {}, "loss needs predicted quantiles"),
    ],
)
def test_what_a_metric_needs_is_asked_for_by_its_key(metric, declared, told):
    metrics = {
        "top": {"direction": "higher", "of": "top_k_accuracy", "k": 2},
        "loss": {"direction": "lower", "of": "quantile_loss", "level": 0.5},
    }
    with pytest.raises(MlgitError) as caught:
        metric_values.check_classes(metric, model(metrics, **declared), table(), positive=None)
    assert caught.value.message.startswith(told)
    assert "models.m." in caught.value.hint


def test_probabilities_of_many_classes_are_those_of_each_seed():
    one = model({"log_loss": {"direction": "lower"}}, predictions=["a.csv", "b.csv"], repeats="seeds", scores="p_{class}")
    label, files = np.arange(60) % 3, []
    for seed in range(2):
        given = np.random.default_rng(seed).dirichlet([1, 1, 1], 60)
        files.append({"id": np.arange(60), "label": label, **{f"p_{each}": given[:, each] for each in range(3)}})
    rows = prediction_files.joined(one, files, ["a.csv", "b.csv"], shared=SHARED)
    expected = [-np.log([each[f"p_{name}"][row] for row, name in enumerate(label)]).mean() for each in files]
    assert metric_values.value("log_loss", one, rows) == pytest.approx(np.mean(expected))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("metric", ["rmse", "r2", "mae", "quadratic_kappa", "judge", "middle"])
@pytest.mark.parametrize("weight", [{}, {"weight": "w"}])
def test_numbers_that_are_too_large_warn_nobody_on_the_terminal(metric, weight):
    one = model(JUDGE | {"middle": {"direction": "higher", "column": "judge", "aggregate": "median"}}, **weight)
    large = np.array([1e200, 0.0] * 40)
    now = {"id": np.arange(80), "label": large, "prediction": large[::-1], "judge": large, "w": np.full(80, 1e200)}
    assert metric_values.value(metric, one, now) is None or abs(metric_values.value(metric, one, now)) < 1.1e200
    metric_values.interval(metric, one, now, FAST)
    compared(metric, one, now, now | {"judge": large[::-1], "prediction": large})


def test_divisor_that_is_not_the_same_on_both_sides_is_told():
    one = model({"wer": {"direction": "lower", "column": "errors", "aggregate": "ratio", "per": "words"}})
    rng = np.random.default_rng(8)
    before = {"id": np.arange(200), "errors": rng.poisson(2, 200), "words": np.full(200, 20)}
    rule = GateRule("wer", "no_worse", "wer", margin=Amount(0.05))
    told = [
        gather(rule, pair(one, before, {**before, "words": words}), better="lower", settings=FAST).comparison.note
        for words in (rng.integers(20, 22, 200), np.where(np.arange(200) < 100, 20, 21))
    ]
    assert ["words, which it is divided by, differs as well" in each for each in told] == [True, True]
    later = {**before, "errors": rng.poisson(2, 200)}
    assert gather(rule, pair(one, before, later), better="lower", settings=FAST).comparison.note == ""
