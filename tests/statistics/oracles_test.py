"""Against R: numbers that R 4.2.2, pROC 1.18.0, boot 1.3-28.1, Hmisc 4.8-0 and coin 1.4-2 gave for the rows made here."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from mlgit.cards.curves import calibration
from mlgit.statistics import blocks, bootstrap, delong, features, mcnemar, multiple, ranking, resampling, student, tango
from mlgit.statistics.comparison import ComparisonOptions, compare
from mlgit.statistics.metrics import METRICS, ties, value
from mlgit.statistics.paired import sign_flip
from mlgit.statistics.predictions import Predictions


def scored(number, every, lift, seed):
    """Labels, every so many of them positive, and the scores of two models: two digits, so that there are ties."""
    generator = random.Random(seed)
    rows = []
    for place in range(number):
        label, shared = int(place % every == 0), generator.random()
        drawn = (0.5 * shared + 0.3 * generator.random() + lift * label for _ in range(2))
        rows.append((label, *(min(0.99, max(0.01, round(each, 2))) for each in drawn)))
    label, old, new = np.array(rows).T
    return label.astype(int), old, new


def drawn_last():
    """From one generator: 120 errors, 25 p-values, 40 whole differences."""
    generator = random.Random(15)
    errors = []
    for _ in range(120):
        errors.append(round(generator.expovariate(1), 3))
        generator.random()
    pvalues = [round(generator.random() ** 3, 4) for _ in range(25)]
    return np.array(errors), pvalues, np.array([generator.randint(-6, 9) for _ in range(40)], dtype=float)


def remembering():
    """300 values, each of which keeps six tenths of the one before."""
    generator, found = random.Random(16), [0.0]
    for _ in range(300):
        found.append(round(0.6 * found[-1] + generator.random() - 0.5, 4))
    return np.array(found[1:])


WIDE, RARE = scored(240, 3, 0.15, 13), scored(400, 16, 0.45, 14)
ERRORS, PVALUES, WHOLE = drawn_last()

# auc(old), auc(new), var(old), var(new), cov(old, new), and roc.test(old, new, method = "delong", paired = TRUE)$statistic
OF_PROC = [
    (WIDE, (0.7225, 0.710234375, 0.00109567358556, 0.00119134621193, 0.000757006373351), 0.441161855977),
    (RARE, (0.97152, 0.950026666667, 9.78526320459e-05, 0.00025333735409, 6.43752239255e-05), 1.44111215624),
]


@pytest.mark.parametrize(("rows", "expected", "place"), OF_PROC)
def test_delong_of_tied_scores_is_that_of_proc(rows, expected, place):
    label, *scores = rows
    old, new = (delong.components(label, ties(score)) for score in scores)
    one, other = (ranking.moved(label, each.influence) for each in (old, new))
    found = old.value, new.value, one @ one, other @ other, one @ other
    assert found == pytest.approx(expected, rel=1e-10)
    assert (found[0] - found[1]) / math.sqrt(found[2] + found[3] - 2 * found[4]) == pytest.approx(place, rel=1e-10)


# Ends of both models and of their difference. roc_auc: outer() of the scores of both classes; average_precision:
# empinf(type = "inf", stype = "w") of boot, whose derivatives are right to six digits. Then plogis, qlogis and qnorm.
RANKED = [
    (WIDE, "roc_auc", 0.9, (0.6642615161, 0.7740721852, 0.6495910575, 0.7641923486, -0.0590933702, 0.03398310527)),
    (WIDE, "roc_auc", 0.95, (0.6524319319, 0.7831378242, 0.6373173246, 0.7736970538, -0.06825297771, 0.04291068421)),
    (RARE, "roc_auc", 0.9, (0.9334261559, 0.9847648948, 0.9105641791, 0.9726007478, -0.05762232461, 0.01396836266)),
    (RARE, "roc_auc", 0.95, (0.9222539832, 0.9864969288, 0.9003315234, 0.9756147047, -0.06715831921, 0.02379500657)),
    (WIDE, "average_precision", 0.9, (0.48954716, 0.66824149, 0.49176644, 0.66957892, -0.06198046, 0.06564820)),
    (RARE, "average_precision", 0.95, (0.62746877, 0.89999028, 0.52157417, 0.84044996, -0.24595497, 0.05934159)),
]


@pytest.mark.parametrize(("rows", "name", "confidence", "expected"), RANKED)
def test_intervals_of_rankings_are_those_worked_out_in_r(rows, name, confidence, expected):
    label, old, new = rows
    one, other = (bootstrap.interval(name, label, score=each, confidence_level=confidence) for each in (old, new))
    asked = ComparisonOptions(confidence_level=confidence)
    apart = compare(name, Predictions(label, score=old), Predictions(label, score=new), question=asked)
    found = one.low, one.high, other.low, other.high, apart.low, apart.high
    assert found == pytest.approx(expected, abs=1e-9 if name == "roc_auc" else 3e-6)


# 2 * pbinom(k, n, 0.5) - dbinom(k, n, 0.5) of the smaller count, 1 - dbinom(k, n, 0.5) / 2 of equal ones
@pytest.mark.parametrize(
    ("fixed", "broken", "pvalue"),
    [(0, 6, 0.015625), (2, 9, 0.03857421875), (40, 61, 0.0370667674386), (7, 7, 0.895263671875), (1210, 1290, 0.10965112581)],
)
def test_mcnemar_midp_of_r(fixed, broken, pvalue):
    assert mcnemar.midp(fixed, broken) == pytest.approx(pvalue, rel=1e-10)


# binconf(hits, trials, method = "wilson") of Hmisc, and prop.test(hits, trials, correct = FALSE), which agree
SHARES = [
    (0, 12, 0.95, (0, 0.242494006655)),
    (3, 40, 0.9, (0.0303702526117, 0.173480178737)),
    (50, 50, 0.95, (0.928652400867, 1)),
    (177, 200, 0.95, (0.833352831015, 0.922136267674)),
    (99_990, 100_000, 0.95, (0.999815915305, 0.999945679265)),
]


@pytest.mark.parametrize(("hits", "trials", "confidence", "ends"), SHARES)
def test_wilson_intervals_of_r(hits, trials, confidence, ends):
    assert bootstrap.wilson(hits, trials, confidence=confidence) == pytest.approx(ends, abs=1e-11)


@pytest.mark.parametrize(("confidence", "end"), [(0.9, 0.941844920883), (0.95, 0.928878263536)])
def test_models_without_a_mistake_have_the_exact_binomial_bound(confidence, end):
    """binom.test(50, 50): of 50 rows of the class that has fewer, none is out of order; of 50 rows none is off."""
    label = np.array([1] * 50 + [0] * 70)
    assert bootstrap.interval("roc_auc", label, score=label, confidence_level=confidence).low == pytest.approx(end)
    found = bootstrap.interval("brier", label[20:70], score=label[20:70], confidence_level=confidence)
    assert 1 - found.high == pytest.approx(end)


# the most likely table by optimize(), and by uniroot() where its score statistic passes qnorm()
TANGO = [
    (3, 9, 80, 0.9, (-0.1529183196, -0.0041852483)),
    (1, 0, 50, 0.95, (-0.0527745512, 0.1049544359)),
    (12, 5, 200, 0.9, (0.0011768035, 0.0723511536)),
    (150, 171, 5000, 0.95, (-0.0112785345, 0.0028385252)),
]


@pytest.mark.parametrize(("fixed", "broken", "number", "confidence", "ends"), TANGO)
def test_tango_intervals_by_search_in_r(fixed, broken, number, confidence, ends):
    assert tango.interval(fixed, broken, number, confidence=confidence) == pytest.approx(ends, abs=2e-9)


# abc.ci of boot, and boot.ci(type = "bca") of 60,000 draws, at 90 %; scores of 0.5 and more of the first model
SMOOTH = [
    ("f1", (0.401441854844, 0.560520592587), (0.4, 0.56050955414)),
    ("mcc", (0.108974691237, 0.323910836652), (0.1077203569661, 0.324544606716)),
    ("mae", (0.934062403709, 1.2013501946), (0.937025, 1.20364166667)),
    ("rmse", (1.23820780945, 1.55940268018), None),
]


@pytest.mark.parametrize(("name", "analytic", "drawn"), SMOOTH)
def test_bootstraps_of_boot(name, analytic, drawn):
    is_error = name in ("mae", "rmse")
    label, said = (ERRORS * 0, ERRORS) if is_error else (WIDE[0], (WIDE[1] >= 0.5).astype(int))
    sums = features.one(METRICS[name], label, said, positive=None if is_error else 1, groups=None)
    found = resampling.abc(sums, confidence=0.9)
    assert (found.low, found.high) == pytest.approx(analytic, abs=1e-5)
    if drawn:
        found = resampling.interval(sums, confidence=0.9, resamples=20_000, seed=1)
        assert (found.low, found.high) == pytest.approx(drawn, abs=0.004)


# boot.ci(type = "stud") of 100,000 draws, its upper end as much further off as single rows weigh; and the normal lower end
@pytest.mark.parametrize(("confidence", "ends"), [(0.9, (0.9205019109, 1.208313936)), (0.95, (0.8939597693, 1.239557341))])
def test_studentized_bootstrap_of_boot(confidence, ends):
    sums = features.one(METRICS["mae"], ERRORS * 0, ERRORS, positive=None, groups=None)
    found = student.interval(sums, confidence=confidence, resamples=20_000, seed=0)
    assert found.low == pytest.approx(ends[0], abs=1e-8)
    assert found.high == pytest.approx(ends[1], abs=0.004)


# boot.ci(conf = 0.9, type = "bca") of the difference between the metrics of both models, 20,000 draws of 240 rows
APART = [
    ("f1", 0.04793028322, (-0.02188705109, 0.1185711552)),
    ("precision", 0.0243902439, (-0.04122140327, 0.08908816728)),
    ("balanced_accuracy", 0.03125, (-0.02156847894, 0.08363327707)),
    ("mcc", 0.05643222448, (-0.04592962015, 0.1581450369)),
    ("f1_macro", 0.02700835525, (-0.02355425333, 0.07826482975)),
]


@pytest.mark.parametrize(("name", "delta", "ends"), APART)
def test_score_intervals_of_confusion_tables_are_near_the_bca_of_boot(name, delta, ends):
    label, old, new = WIDE
    models = [Predictions(label, (each >= 0.5).astype(int)) for each in (old, new)]
    asked = ComparisonOptions(confidence_level=0.9, positive=1 if METRICS[name].binary else None)
    found = compare(name, *models, question=asked)
    assert found.delta == pytest.approx(delta, abs=1e-10)
    assert (found.low, found.high) == pytest.approx(ends, abs=0.025 * (ends[1] - ends[0]))


def test_adjusted_pvalues_of_r():
    """p.adjust(method = "holm") and "BH" of 25, sorted; all from the fourth on are 1 by Holm."""
    assert sorted(multiple.holm(PVALUES))[:4] == pytest.approx([0.0825, 0.084, 0.3197, 0.7326], rel=1e-12)
    assert sorted(multiple.holm(PVALUES))[4:] == [1.0] * 21
    expected = [0.04375] * 2 + [0.115833333333] + [0.2040625] * 5 + [0.218333333333, 0.25925] + [0.4895] * 5
    expected += [0.5378125] + [0.673875] * 4 + [0.78119047619, 0.890681818182, 0.933152173913, 0.980104166667, 0.9857]
    assert sorted(multiple.benjamini_hochberg(PVALUES)) == pytest.approx(expected, rel=1e-10)


def test_sign_flips_of_coin():
    """symmetry_test(distribution = "exact") of 40 differences, by the exact count of all sums: 0.00456329651206."""
    assert sign_flip(WHOLE, resamples=50_000, seed=0) == pytest.approx(0.00456329651206, abs=9e-4)


# mean((score - label)^2), -mean(dbinom(label, 1, score, log = TRUE))
@pytest.mark.parametrize(
    ("rows", "side", "brier", "log_loss"),
    [(WIDE, 1, 0.19946125, 0.57993482828), (WIDE, 2, 0.202331666667, 0.585311380027), (RARE, 1, 0.174533, 0.521249169073)],
)
def test_losses_of_probabilities_of_r(rows, side, brier, log_loss):
    assert value("brier", rows[0], score=rows[side]) == pytest.approx(brier, rel=1e-10)
    assert value("log_loss", rows[0], score=rows[side]) == pytest.approx(log_loss, rel=1e-10)


def test_calibration_of_r():
    """table() and tapply(mean) by cut(score, (0:10) / 10, right = FALSE)."""
    found = calibration(WIDE[0].tolist(), WIDE[1].tolist())
    assert [each.rows for each in found] == [3, 16, 36, 52, 51, 35, 33, 10, 4]
    assert [each.score for each in found][2:5] == pytest.approx([0.2430555556, 0.3438461538, 0.451372549])
    assert [each.share for each in found][2:8] == pytest.approx(
        [0.1111111111, 0.2884615385, 0.431372549, 0.3142857143, 0.5151515152, 0.7]
    )


# var() of the means that tsboot(series, mean, R = 40000, l = block, sim = "fixed") of boot drew
@pytest.mark.parametrize(("block", "expected"), [(1, 0.0004884526429), (7, 0.001399246963), (20, 0.001541381763)])
def test_variance_of_circular_blocks_is_that_of_drawn_ones(block, expected):
    series = remembering()
    assert blocks.variance((series - series.mean()) / len(series), block) == pytest.approx(expected, rel=0.03)
