"""Rows that belong together: which declaration holds, and what is said where nobody declared it."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.evaluation.comparison_settings import settings
from mlgit.evaluation.dependence import notes
from mlgit.evaluation.model_pair import join
from mlgit.evaluation.model_results import ModelResults, columns, may_name_groups
from mlgit.evaluation.paired_rows import gather
from mlgit.evaluation.row_columns import in_time
from mlgit.gate.rule_verdicts import judge
from mlgit.rules import Stats

SIZE = 600


def config(model="", rule="", stats=""):
    text = f"""
mlgit: 1
metrics: {{accuracy: {{direction: higher}}}}
models: {{m: {{predictions: p.csv, id: id{model}}}}}
gates: {{stats: {{resamples: 499{stats}}}, rules: [{{id: a, kind: no_worse, metric: accuracy, margin: 0.05{rule}}}]}}
"""
    return parse(parse_yaml(text, name="mlgit.yaml"))


def table(seed, *, run=1, **more):
    """Right in 9 of 10 rows, in runs of rows that are right or wrong together."""
    label = np.arange(SIZE) % 2
    wrong = np.repeat(np.random.default_rng(seed).random(SIZE // run) < 0.1, run)
    return {"id": np.arange(SIZE), "label": label, "prediction": np.where(wrong, 1 - label, label), **more}


def joined(declared, **more):
    model = declared.models["m"]
    sides = [ModelResults(model, table=table(seed, **more)) for seed in (1, 2)]
    return join(model, *sides, if_changed="reevaluate")


def said(declared, **more):
    return list(notes(joined(declared, **more), stats=declared.gates.stats, rules=declared.gates.rules))


@pytest.mark.parametrize(
    ("model", "rule", "stats", "expected"),
    [
        ("", "", "", ("", "")),
        ("", "", ", cluster: a", ("a", "")),
        (", cluster: b", "", ", cluster: a", ("b", "")),
        (", cluster: b", ", cluster: c", ", cluster: a", ("c", "")),
        (", cluster: null", "", ", cluster: a", ("", "")),
        (", cluster: b", ", cluster: null", "", ("", "")),
        (", order: t", "", ", cluster: a", ("", "t")),
        (", order: t", ", cluster: c", "", ("c", "")),
        (", order: t", ", cluster: null", "", ("", "t")),
        (", order: null", "", "", ("", "")),
    ],
)
def test_rule_is_heeded_before_model_before_statistics(model, rule, stats, expected):
    declared = config(model, rule, stats)
    found = settings(declared.models["m"], declared.gates.stats, cluster=declared.gates.rules[0].cluster)
    assert (found.cluster, found.order) == expected
    wanted, _ = columns(declared.models["m"], rules=declared.gates.rules, cluster=declared.gates.stats.cluster)
    assert {each for each in expected if each} <= wanted


def test_cluster_and_order_of_a_model_exclude_each_other():
    with pytest.raises(MlgitError, match=r"models\.m\.order: rows belong together by a cluster or by time"):
        config(", cluster: a, order: t")


def outcome(declared, **more):
    pair, rule = joined(declared, **more), declared.gates.rules[0]
    asked = settings(pair.model, declared.gates.stats, cluster=rule.cluster)
    return judge(rule, gather(rule, pair.rows, better="higher", settings=asked))


def test_clusters_are_counted_and_named():
    patients = np.repeat(np.arange(60), 10)
    alone, grouped = outcome(config()), outcome(config(", cluster: patient"), run=10, patient=patients)
    assert "60 clusters do not decide" in grouped.reason
    assert "clusters would decide" in grouped.settle or "the estimate itself" in grouped.settle
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    few = outcome(config(rule=", cluster: patient"), run=10, patient=patients // 3)
    assert (few.outcome, few.reason) == ("inconclusive", "20 clusters, at least 30 needed")


def test_rows_of_a_series_are_judged_by_blocks():
    times = np.array([f"2026-01-{1 + place // 24 % 28:02}T{place % 24:02}:00:00" for place in range(SIZE)])
    declared = config(", order: t")
    asked = settings(declared.models["m"], Stats())
    found = gather(declared.gates.rules[0], joined(declared, run=10, t=times).rows, better="higher", settings=asked)
    assert found.comparison.method.startswith("block bootstrap, blocks of ")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([3, 1, 2], [1, 2, 0]),
        (["2026-01-02", "2026-01-01T09:00", "2026-01-01T10:00+05:00"], [2, 1, 0]),
        (np.array(["2026-03", "2026-01", "2026-02"], dtype="datetime64[D]"), [1, 2, 0]),
        ([1, 1, 1], [2, 1, 0]),
    ],
)
def test_rows_are_brought_into_the_order_of_time(times, expected):
    found = in_time(config().models["m"], {"id": ["c", "b", "a"], "t": times}, "t")
    assert found.tolist() == expected


@pytest.mark.parametrize("times", [["3/4/2026", "4/4/2026"], [1.0, float("nan")], [None, "2026-01-01"]])
def test_what_is_no_time_is_refused(times):
    with pytest.raises(MlgitError, match=r"is no time|are missing"):
        in_time(config().models["m"], {"id": [1, 2], "t": times}, "t")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("patient_id", True),
        ("userId", True),
        ("USER-UUID", True),
        ("patient", True),
        ("grid", False),
        ("valid", False),
        ("id", False),
    ],
)
def test_columns_that_may_name_groups(name, expected):
    assert may_name_groups(name) is expected


def test_repeated_column_of_patients_that_nobody_declared_is_named():
    repeated = {"patient_id": np.arange(SIZE) // 5}
    (note,) = said(config(), **repeated)
    assert "600 rows of m have 120 different patient_id" in note
    assert "models.m.cluster: patient_id" in note
    assert said(config(), patient_id=np.arange(SIZE)) == []
    for quiet in (
        config(", cluster: patient_id"),
        config(", cluster: null"),
        config(rule=", cluster: null"),
        config(", slices: [patient_id]"),
    ):
        assert said(quiet, **repeated) == []


def test_neighbours_that_differ_alike_are_noted():
    (note,) = said(config(), run=10)
    assert "autocorrelation 0.9" in note
    assert "models.m.order" in note
    assert said(config()) == []
    assert said(config(", order: t"), run=10, t=np.arange(SIZE)) == []


def test_file_that_lists_one_class_after_the_other_is_no_series():
    declared = config()
    label = np.repeat([0, 1], SIZE // 2)
    wrong = np.random.default_rng(3).random(SIZE) < np.where(label, 0.5, 0.05)
    predicted = label, np.where(wrong, 1 - label, label)
    tables = [{"id": np.arange(SIZE), "label": label, "prediction": each} for each in predicted]
    pair = join(
        declared.models["m"], *(ModelResults(declared.models["m"], table=each) for each in tables), if_changed="invalid"
    )
    assert list(notes(pair, stats=declared.gates.stats, rules=declared.gates.rules)) == []
