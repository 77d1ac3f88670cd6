"""Metrics of the confusion table: what the score interval is for recall, what moves it, and how often it is wrong."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from docs import simulation_confusion as simulation
from mlgit.statistics import confusion, score, tango
from mlgit.statistics.comparison import ComparisonOptions, compare
from mlgit.statistics.confusion_influence import influence
from mlgit.statistics.metrics import METRICS
from mlgit.statistics.predictions import Predictions
from tests.kit import FULL

PLACE = simulation.Z_ONE_SIDED
NAMES = [name for name, metric in METRICS.items() if metric.kind == "confusion"]
ASKED = ComparisonOptions(confidence_level=0.9, margin=0.05, better="higher")
# Rows of the first kind become rows of the second when the current model turns wrong in one of them.
WORSE = ((0, 1), (2, 3), (7, 5), (6, 4))


def compared(name, counts, **columns):
    label, old, new = (np.repeat(each, counts) for each in (simulation.LABEL, simulation.OLD, simulation.NEW))
    return compare(name, Predictions(label, old), Predictions(label, new), question=ASKED, **columns)


def sample(name, counts):
    return confusion.of_kinds(name, simulation.LABEL, simulation.OLD, simulation.NEW, np.asarray(counts))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [2, 4])
def test_influence_is_the_slope_of_the_metric(name, size):
    if METRICS[name].binary and size > 2:
        return
    table = np.random.default_rng(size).integers(1, 30, (size, size)).astype(float)
    found = influence(name, np.diag(table), table.sum(1), table.sum(0))

    def value(counts):
        return float(METRICS[name].function(np.diag(counts), counts.sum(1), counts.sum(0)))

    assert found.value == pytest.approx(value(table))
    shares = found.of(*np.indices((size, size)))[1]
    assert (shares * table).sum() == pytest.approx(1)  # what the metric is divided by, of all rows
    for actual, said in np.ndindex(size, size):
        step = np.zeros((size, size))
        step[actual, said] = 1e-4
        slope = (value(table + step) - value(table - step)) / 2e-4
        assert found.of(np.array([actual]), np.array([said]))[0] == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("counts", [(40, 2, 3, 20), (30, 0, 0, 0), (63, 5, 0, 2), (1, 0, 40, 0), (200, 15, 20, 9)])
def test_score_of_recall_is_tangos(counts):
    found, number = sample("recall", [*counts, 3, 4, 0, 70]), sum(counts)
    for delta in (-0.4, -0.05, 0.0, 0.02, 0.3):
        expected = tango.score(counts[2], counts[1], number, delta=delta)
        assert float(score.statistic(found, delta=delta)) == pytest.approx(expected, abs=1e-6)
    ends = tango.interval(counts[2], counts[1], number, confidence=0.9)
    assert score.interval(found, place=PLACE) == pytest.approx(ends, abs=1e-6)


def test_recall_and_specificity_are_judged_within_their_class():
    recall, specificity = compared("recall", [40, 2, 3, 20, 3, 4, 0, 70]), compared("specificity", [40, 2, 3, 20, 3, 4, 0, 70])
    assert (recall.low, recall.high) == pytest.approx(tango.interval(3, 2, 65, confidence=0.9))
    assert (specificity.low, specificity.high) == pytest.approx(tango.interval(0, 4, 77, confidence=0.9))
    assert (recall.n_counted, recall.n_discordant, recall.told(65)) == (65, 5, "65 positive rows")
    more = compared("recall", [40, 2, 3, 20, 9, 8, 7, 700])  # rows of the other class do not matter
    assert (more.low, more.high, more.pvalue) == (recall.low, recall.high, recall.pvalue)


@pytest.mark.parametrize("name", ["recall", "precision", "f1", "f1_macro"])
def test_one_row_that_got_better_does_not_show_any_margin(name):
    found = compared(name, [60, 0, 1, 20, 15, 0, 0, 200])
    assert found.low < -0.005
    nothing = compared(name, [60, 0, 0, 21, 15, 0, 0, 200])
    assert nothing.low == pytest.approx(found.low, abs=0.02)


@pytest.mark.parametrize(
    ("name", "counts", "said"),
    [
        ("recall", [10, 1, 1, 0, 5, 1, 1, 50], "12 positive rows, at least 20 needed: 8 more"),
        ("f1", [10, 1, 1, 0, 5, 1, 1, 50], "12 positive rows, at least 20 needed: 8 more"),
        ("specificity", [50, 1, 1, 0, 5, 1, 1, 5], "12 negative rows, at least 20 needed: 8 more"),
    ],
)
def test_too_few_rows_of_the_class_are_named(name, counts, said):
    found = compared(name, counts)
    assert (found.low, found.reason) == (None, said)


def tables():
    """Every table of a grid, with 20 rows of each class or more."""
    fine = ((0, 1, 5, 18, 40), (0, 1, 2, 4), (0, 1, 3), (0, 3, 20), (0, 1, 2, 12), (0, 1, 3), (0, 1, 3), (0, 10, 60))
    coarse = ((1, 18, 40), (0, 2), (0, 1), (3, 20), (0, 2, 12), (0, 1), (0, 1), (10, 60))
    found = np.array(list(itertools.product(*(fine if FULL else coarse))))
    return found[(found[:, :4].sum(axis=1) >= 20) & (found[:, 4:].sum(axis=1) >= 20)]


@pytest.mark.parametrize("name", ["accuracy", "recall", "specificity", "precision", "f1", "f1_macro", "balanced_accuracy"])
def test_a_row_made_worse_never_moves_an_outcome_towards_pass(name):
    """Nor one made better towards fail: which is the same, read from the other table."""
    whole = tables()
    for source, target in WORSE:
        better = whole[whole[:, source] > 0]
        worse = better.copy()
        worse[:, source] -= 1
        worse[:, target] += 1
        one, other = sample(name, better), sample(name, worse)
        is_known = np.isfinite(one.new - one.old) & np.isfinite(other.new - other.old)
        for delta in (-0.3, -0.1, -0.05, -0.02, -0.005, 0.0, 0.03, 0.1):
            before, after = (score.statistic(each, delta=delta)[is_known] for each in (one, other))
            assert not ((after > PLACE) & (before <= PLACE)).any()
            assert not ((before < -PLACE) & (after >= -PLACE)).any()


# 2.6 standard errors of so many draws beyond what is promised; false passes of shares are enumerated.
DRAWS = 4_000 if FULL else 1_000
NOISE = 2.6 * (0.05 * 0.95 / DRAWS) ** 0.5


@pytest.mark.parametrize(("changes", "limit"), [(simulation.CHANGES, 0.08), (simulation.ONE_SIDED, 0.085)])
def test_shares_of_a_class_hold_their_limits(changes, limit):
    for number in simulation.POSITIVES if FULL else (50, 200):
        for change in changes:
            passed, failed = simulation.wrong_of_share(number, *change)
            assert passed <= 0.06
            assert failed <= limit


@pytest.mark.parametrize("changes", [simulation.CHANGES, simulation.ONE_SIDED])
@pytest.mark.parametrize("name", ["precision", "f1"])
def test_precision_and_f1_hold_their_limits(name, changes):
    cells = list(simulation.grid(changes, positives=simulation.POSITIVES if FULL else (50, 200)))
    for cell in cells if FULL else cells[::24]:
        passed, failed = simulation.wrong(name, cell, draws=DRAWS)
        assert passed <= 0.07 + NOISE, cell
        assert failed <= 0.08 + NOISE, cell


def test_clusters_hold_together_for_shares_and_others():
    counts = [60, 4, 3, 20, 15, 3, 2, 200]
    alone = np.arange(sum(counts))
    for name in ("recall", "f1", "mcc", "f1_weighted"):
        single = compared(name, counts)
        grouped = compared(name, counts, clusters=alone)
        assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high), abs=0.15 * (single.high - single.low))


def test_clusters_of_unequal_size_count_for_less():
    counts = [60, 4, 3, 20, 15, 3, 2, 200]
    clusters = np.minimum(np.arange(sum(counts)), 40)  # 40 of one row, and one of all others
    assert (
        "41 clusters with rows, which are worth 1 of equal size, at least 30 needed"
        in compared("mcc", counts, clusters=clusters).reason
    )
