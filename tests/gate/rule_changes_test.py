"""What a change declares otherwise than the revision whose rules judge."""

from __future__ import annotations

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.config import parse
from mlgit.gate.rule_changes import changes

BEFORE = """\
mlgit: 1
metrics: {f1: {direction: higher}}
models:
  m: {metrics: m.json, predictions: p.csv, id: id, positive: 1, test: [t.csv]}
gates:
  baseline: {max_age: 30d}
  test_set: {warn_after: 20}
  stats: {seed: 7}
  rules:
  - {id: kept, kind: no_worse, metric: f1, margin: 1%}
  - {id: slices, kind: no_harm, metric: f1, margin: 0.02, slices: {by: [region, [region, sex]], min_n: 50}}
  waivers:
  - {rule: slices, slice: {region: EU}, until: 2026-12-31, reason: "#142", by: "@lead"}
"""


def config(text):
    return parse(parse_yaml(text, name="mlgit.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("margin: 1%", "margin: 2%", ("kept", "changed", "margin: 1%", "margin: 2%")),
        ("margin: 1%", "margin: 1", ("kept", "changed", "margin: 1%", "margin: 1")),
        ("margin: 1%}", "margin: 1%, severity: warn}", ("kept", "changed", "margin: 1%", "severity: warn")),
        ("id: kept", "id: other", ("kept", "removed", "margin: 1%", "")),
        ("min_n: 50", "min_n: 500", ("slices", "changed", "min_n: 50", "min_n: 500")),
        ("[region, sex]", "[region, age]", ("slices", "changed", "[region, sex]", "[region, age]")),
        ("max_age: 30d", "max_age: 300d", ("baseline.max_age", "changed", "30", "300")),
        ("warn_after: 20", "if_changed: unpaired", ("test_set.warn_after", "removed", "20", "")),
        ("seed: 7", "seed: 8", ("stats.seed", "changed", "7", "8")),
        ("direction: higher", "direction: lower", ("direction of f1", "changed", "higher", "lower")),
        ("positive: 1", "positive: 0", ("positive of m", "changed", "1", "0")),
        ("positive: 1", "positive: '1'", ("positive of m", "changed", "1", "'1'")),
        ("positive: 1", "positive: true", ("positive of m", "changed", "1", "True")),
        ("id: id", "id: key", ("id of m", "changed", "id", "key")),
        ("id: id", "id: id, label: prediction", ("label of m", "changed", "label", "prediction")),
        ("test: [t.csv]", "test: [u.csv]", ("test of m", "changed", "[t.csv]", "[u.csv]")),
        ("2026-12-31", "2027-12-31", ("waiver of slices (region=EU)", "changed", "until: 2026-12-31", "until: 2027-12-31")),
        ("slice: {region: EU}, ", "", ("waiver of slices (region=EU)", "removed", "2026-12-31", "")),
    ],
)
def test_everything_that_decides_is_told(old, new, expected):
    assert old in BEFORE
    found = {each.id: each for each in changes(config(BEFORE), config(BEFORE.replace(old, new)))}
    name, change, before, now = expected
    assert found[name].change == change
    assert before in found[name].before
    assert now in found[name].now


def test_same_meaning_is_no_change():
    reordered = BEFORE.replace("{max_age: 30d}", "{max_age: 30d, fallback: nearest-ancestor, if_missing: warn}")
    reordered = reordered.replace("seed: 7", "seed: 7, alpha: 0.05, cluster: null") + "environments: [{name: prod}]\n"
    assert changes(config(BEFORE), config(reordered)) == ()


def test_new_rules_and_lost_ones_are_told_in_order():
    more = BEFORE.replace("  waivers:", "  - {id: floor, kind: bound, metric: f1, min: 0.5}\n  waivers:")
    (found,) = changes(config(BEFORE), config(more))
    assert (found.id, found.change, found.before, found.now) == ("floor", "added", "", "kind: bound, metric: f1, minimum: 0.5")
    (found,) = changes(config(more), config(BEFORE))
    assert (found.change, found.now) == ("removed", "")


BASE = """\
mlgit: 1
metrics:
  f1: {direction: higher}
  cost: {direction: lower, column: cost, aggregate: sum, max_missing: 2%}
  hits: {direction: higher, of: recall_at_k, k: 10}
models:
  m:
    predictions: [a.csv, b.csv]
    repeats: seeds
    id: [user, day]
    query: q
    weight: w
    scores: "p_{class}"
    quantiles: {0.1: q10}
    costs: {bad: {good: 5}}
    test: [t.csv]
    tests:
      b: {predictions: b.csv, test: [u.csv]}
      c: {predictions: c.csv}
gates:
  rules:
  - {id: kept, kind: no_worse, metric: f1, margin: 1%, on: b}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("aggregate: sum", "aggregate: mean", ("definition of cost", "changed", "aggregate: sum", "aggregate: mean")),
        ("2%", "50%", ("definition of cost", "changed", "max_missing: 2%", "max_missing: 50%")),
        ("k: 10", "k: 100", ("definition of hits", "changed", "k: 10", "k: 100")),
        (", of: recall_at_k, k: 10", "", ("definition of hits", "removed", "of: recall_at_k", "")),
        ("column: cost, aggregate: sum, ", "expression: sum(1), ", ("definition of cost", "changed", "column", "sum(1)")),
        ("[a.csv, b.csv]", "[a.csv, c.csv]", ("predictions of m", "changed", "b.csv", "c.csv")),
        ("repeats: seeds", "repeats: folds", ("repeats of m", "changed", "seeds", "folds")),
        ("[user, day]", "user", ("id of m", "changed", "[user, day]", "user")),
        ("query: q", "query: r", ("query of m", "changed", "q", "r")),
        ("weight: w", "weight: v", ("weight of m", "changed", "w", "v")),
        ("p_{class}", "q_{class}", ("scores of m", "changed", "p_", "q_")),
        ("0.1: q10", "0.1: q90", ("quantiles of m", "changed", "q10", "q90")),
        ("good: 5", "good: 1", ("costs of m", "changed", "bad: good 5", "bad: good 1")),
        ("      c: {predictions: c.csv}\n", "", ("predictions of m@c", "removed", "c.csv", "")),
        ("{predictions: b.csv,", "{predictions: a.csv,", ("predictions of m@b", "changed", "b.csv", "a.csv")),
        ("u.csv", "t.csv", ("test of m@b", "changed", "u.csv", "t.csv")),
        ("c.csv}", "c.csv, label: prediction}", ("label of m@c", "added", "", "prediction")),
        ("c.csv}", "c.csv, weight: v}", ("weight of m@c", "added", "", "v")),
        ("on: b", "on: c", ("kept", "changed", "on: b", "on: c")),
    ],
)
def test_what_metrics_and_test_sets_are_made_of_is_told(old, new, expected):
    assert old in BASE
    found = {each.id: each for each in changes(config(BASE), config(BASE.replace(old, new)))}
    name, change, before, now = expected
    assert found[name].change == change
    assert before in found[name].before
    assert now in found[name].now


def test_what_a_test_set_has_from_its_model_is_told_once():
    found = [each.id for each in changes(config(BASE), config(BASE.replace("weight: w", "weight: v")))]
    assert found == ["weight of m"]
