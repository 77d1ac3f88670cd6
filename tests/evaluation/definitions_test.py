"""What a metric is made of: by mlgit.yaml, else by its name; what is no metric is refused with the line that says so."""

from __future__ import annotations

import pytest

from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.evaluation import definitions
from mlgit.statistics.measure import Measure


def model(metrics=None, declared=None):
    document = {"mlgit": 1, "metrics": metrics or {}, "models": {"m": {"predictions": "p.csv", **(declared or {})}}}
    return parse(document).models["m"]


def of(name, metrics=None, declared=None, **more):
    return definitions.of(model(metrics, declared), name, **more)


def test_name_of_a_built_in_metric_says_all_of_it():
    found = of("f1_macro")
    assert found.measure == Measure("f1_macro")
    assert found.expression is None
    assert not found.is_declared


def test_name_that_is_no_metric_is_made_of_nothing():
    assert of("happiness") is None
    assert of("recall_at_k") is None  # of how many is not said


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"column": "judge score"}, 'mean(column("judge score"))'),
        ({"column": "x", "aggregate": "p95"}, 'p95(column("x"))'),
        ({"column": 'a"b', "aggregate": "share"}, 'share(column("a\\"b"))'),
        ({"column": "errors", "aggregate": "ratio", "per": "words"}, 'sum(column("errors")) / sum(column("words"))'),
        ({"expression": "sum(amount * (label == 1))"}, "sum(amount * (label == 1))"),
    ],
)
def test_column_is_an_expression(said, text):
    found = of("judge", {"judge": {"direction": "higher", **said}})
    assert found.expression.text == text
    assert found.is_declared


def test_built_in_metric_takes_its_parameters_under_a_name_of_its_own():
    metrics = {
        "hit10": {"direction": "higher", "of": "recall_at_k", "k": 10},
        "f2": {"direction": "higher", "of": "f_beta", "beta": 2},
        "sick": {"direction": "higher", "of": "recall", "class": "malignant"},
    }
    assert of("hit10", metrics).measure == Measure("recall_at_k", k=10)
    assert of("f2", metrics).measure == Measure("f_beta", beta=2)
    assert of("sick", metrics).measure == Measure("recall", of_class="malignant")
    assert of("pass", {"pass": {"direction": "higher", "of": "pass_at_k", "k": 3, "column": "ok"}}).value == "ok"


def test_name_of_a_metric_of_tries_is_no_mean_of_their_column_unless_that_is_said():
    given = {"direction": "higher", "column": "ok"}
    found = of("pass@5", {"pass@5": given})
    assert (found.measure, found.value, found.expression) == (Measure("pass_at_k", k=5), "ok", None)
    assert of("pass@5", {"pass@5": given | {"aggregate": "mean"}}).expression.text == 'mean(column("ok"))'
    assert of("ndcg@5", {"ndcg@5": given}).expression.text == 'mean(column("ok"))'


@pytest.mark.parametrize(
    ("said", "told", "hint"),
    [
        (
            {"of": "recal"},
            "mlgit.yaml: metrics.x.of: 'recal' is no built-in metric, did you mean 'recall'?",
            "there are accuracy",
        ),
        ({"of": "f_beta"}, "mlgit.yaml: metrics.x.beta: missing", "add it: f_beta needs beta"),
        ({"of": "accuracy", "k": 3}, "mlgit.yaml: metrics.x.k: accuracy takes none", "parameters of accuracy: none"),
        ({"of": "accuracy", "class": "a"}, "mlgit.yaml: metrics.x.class: accuracy takes none", "parameters of accuracy: none"),
        ({"expression": "sum("}, "mlgit.yaml: metrics.x.expression: 'sum('", "write it as"),
        ({"k": 3}, "mlgit.yaml: metrics.x: 'x' is no built-in metric", "there are accuracy"),
    ],
)
def test_what_is_no_metric_names_its_line(said, told, hint):
    with pytest.raises(MlgitError) as caught:
        of("x", {"x": {"direction": "higher", **said}})
    assert caught.value.message.startswith(told)
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"expression": "count()", "column": "a"}, "metrics.x.column: an expression says all of it"),
        ({"aggregate": "mean"}, "metrics.x.aggregate: of which column is not said"),
        ({"column": "a", "aggregate": "ratio"}, "metrics.x.per: missing"),
        ({"column": "a", "per": "b"}, "metrics.x.per: only a ratio takes it"),
        ({"column": "a", "k": 3}, "metrics.x.k: an aggregate of a column takes none"),
        ({"of": "recall_at_k", "column": "a", "aggregate": "sum"}, "metrics.x.aggregate: recall_at_k says what"),
        ({"of": "ece", "bins": 10**25}, "metrics.x.bins: 10000000000000000000000000 is above 10000"),
        ({"of": "hit_rate", "k": 10**25}, "metrics.x.k: 10000000000000000000000000 is above 1000000000"),
        ({"of": "f_beta", "beta": 10**25}, "metrics.x.beta: 10000000000000000000000000 is above 1000000"),
        ({"column": "a", "aggregate": "p100"}, "metrics.x.aggregate: 'p100' does not match"),
        ({"column": "a", "max_missing": "200%"}, "metrics.x.max_missing: '200%' does not match"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_when_the_file_is_read(said, told):
    with pytest.raises(MlgitError) as caught:
        model({"x": {"direction": "higher", **said}})
    assert caught.value.message.startswith(f"mlgit.yaml: {told}")


def test_columns_of_a_metric_are_those_it_reads():
    declared = {"scores": {"a": "p_a", "b": "p_b"}, "query": "q", "quantiles": {0.1: "low", 0.9: "high"}}
    one = model({"judge": {"direction": "higher", "column": "j"}}, declared)
    columns = {name: set(definitions.columns(one, definitions.of(one, name))) for name in ("judge", "log_loss", "mrr", "mae")}
    assert columns == {
        "judge": {"j"},
        "log_loss": {"label", "p_a", "p_b"},
        "mrr": {"label", "score", "q"},
        "mae": {"label", "prediction"},
    }


def test_probabilities_of_all_classes_go_before_one_score_where_they_are_declared():
    plain, many = model(), model(declared={"scores": "p_{class}"})
    assert definitions.needs(plain, definitions.of(plain, "log_loss")) == ("label", "score")
    assert definitions.needs(many, definitions.of(many, "log_loss")) == ("label", "scores")


def test_metric_is_given_where_all_of_its_columns_are_there():
    one = model({"judge": {"direction": "higher", "column": "j"}}, {"scores": "p_{class}"})
    judge, loss, ranked = (definitions.of(one, name) for name in ("judge", "log_loss", "mrr"))
    assert definitions.is_given(one, judge, {"j": [1]})
    assert not definitions.is_given(one, judge, {"x": [1]})
    assert definitions.is_given(one, loss, {"label": [1], "p_1": [1.0]})
    assert not definitions.is_given(one, ranked, {"label": [1], "score": [1.0]})  # no query is declared
