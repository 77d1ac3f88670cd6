"""Tests of one hypothesis, against published values and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.statistics import delong, distances, mcnemar, multiple, power, ranking, tango
from mlgit.statistics.metrics import ties
from mlgit.statistics.paired import sign_flip
from tests.kit.late import Module
from tests.statistics.kit import ASAH_POOR, ASAH_S100B, ASAH_WFNS

special = Module("scipy.special")
stats = Module("scipy.stats")

# Darwin's maize, differences of height in eighths of an inch: scipy's documentation of wilcoxon; Fisher 1935, section 17.
MAIZE = np.array([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75], dtype=float)
# Benjamini and Hochberg 1995, section 3.2.
THROMBOLYSIS = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
]
# Cushny and Peebles 1905, hours of extra sleep by two drugs: R's data set sleep.
SLEEP = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]) - np.array(
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
)


def test_delong_variances_of_proc():
    """pROC 1.18: var and cov of roc(aSAH$outcome, aSAH$wfns) and of s100b, and roc.test of both."""
    old, new = (delong.components(ASAH_POOR, ties(score)) for score in (ASAH_WFNS, ASAH_S100B))
    one, other = (ranking.moved(ASAH_POOR, each.influence) for each in (old, new))
    found = [one @ one, other @ other, one @ other]
    assert (old.value, new.value) == pytest.approx((0.8236788618, 0.7313685637), abs=1e-10)
    assert found == pytest.approx([0.001469915, 0.002668682, 0.001196156], abs=5e-10)
    assert (old.value - new.value) / (found[0] + found[1] - 2 * found[2]) ** 0.5 == pytest.approx(2.208983591, abs=1e-8)


def test_logit_interval_of_an_auc_is_that_of_its_variance():
    """exp and log of the variance that pROC gives, widened by what single rows weigh in it."""
    found = ranking.interval("roc_auc", ASAH_POOR, delong.components(ASAH_POOR, ties(ASAH_WFNS)), confidence=0.95)
    width = stats.norm.ppf(0.975) * 0.001469915**0.5 / (0.8236788618 * (1 - 0.8236788618))
    plain = special.expit(special.logit(0.8236788618) + np.array([-width, width]))
    assert found.low < plain[0] < plain[1] < found.high
    assert (found.low, found.high) == pytest.approx(tuple(plain), abs=0.006)


def test_mcnemar_of_mlxtend():
    assert mcnemar.midp(15, 25) == pytest.approx(0.11728, abs=5e-6)


@pytest.mark.parametrize(("fixed", "broken", "pvalue"), [(3, 3, 0.84375), (1, 7, 0.0390625), (6, 16, 0.034690)])
def test_mcnemar_of_fagerland_lydersen_and_laake(fixed, broken, pvalue):
    """Equal counts by their formula; airway hyper-responsiveness (Bentur 2009) and complete response (Cavo 2012) as in their
    paper of 2013 and their R package contingencytables."""
    assert mcnemar.midp(fixed, broken) == pytest.approx(pvalue, abs=5e-7)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_a_binomial_test_less_half_of_what_was_seen(fixed, broken):
    found = mcnemar.midp(fixed, broken)
    assert found == mcnemar.midp(broken, fixed)
    exact = stats.binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0
    point = stats.binom(fixed + broken, 0.5).pmf(fixed) if fixed + broken else 0.0
    assert found == pytest.approx(exact - point * (0.5 if fixed == broken else 1), rel=1e-6)


# fixed, broken, rows and confidence; the ends as R's contingencytables and PropCIs (the third) print them.
TANGO = [
    (6, 16, 161, 0.95, (-0.1240, -0.0054), 5e-5),  # complete response: Cavo 2012
    (1, 7, 21, 0.95, (-0.517, -0.026), 5e-4),  # airway hyper-responsiveness: Bentur 2009
    (28, 25, 618, 0.90, (-0.0148, 0.0247), 5e-5),  # scoreci.mp(25, 28, 618)
]


@pytest.mark.parametrize(("fixed", "broken", "number", "confidence", "ends", "digits"), TANGO)
def test_tango_intervals_that_were_published(fixed, broken, number, confidence, ends, digits):
    assert tango.interval(fixed, broken, number, confidence=confidence) == pytest.approx(ends, abs=digits)


def test_tango_is_near_newcombe():
    """Newcombe's square-and-add interval of the same table, by contingencytables: (-0.1186, -0.0046)."""
    assert tango.interval(6, 16, 161, confidence=0.95) == pytest.approx((-0.1186, -0.0046), abs=0.006)


def test_tango_of_contact_lenses():
    found, pvalue = tango.noninferiority(0, 1, 44, margin=0.1)
    assert (found, pvalue) == pytest.approx((1.7086, 0.0438), abs=5e-5)


counts = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 500)).map(lambda each: (*each[:2], sum(each)))


@given(counts, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_tango_interval_holds_what_the_score_test_keeps(drawn, confidence):
    fixed, broken, number = drawn
    low, high = tango.interval(fixed, broken, number, confidence=confidence)
    place = stats.norm.ppf((1 + confidence) / 2)
    assert -1 <= low < (fixed - broken) / number < high <= 1
    assert tango.score(fixed, broken, number, delta=low) == pytest.approx(place, abs=1e-5)
    assert tango.score(fixed, broken, number, delta=high) == pytest.approx(-place, abs=1e-5)
    assert (-high, -low) == pytest.approx(tango.interval(broken, fixed, number, confidence=confidence), abs=1e-9)


@given(st.integers(1, 5000))
def test_tango_without_discordant_rows_is_as_wide_as_what_may_be_unseen(number):
    place = stats.norm.ppf(0.975) ** 2
    assert tango.interval(0, 0, number, confidence=0.95)[1] == pytest.approx(place / (number + place), abs=1e-9)


@pytest.mark.parametrize(("fixed", "broken", "number"), [(40, 0, 40), (0, 40, 40), (20, 20, 40), (1, 0, 1)])
def test_tango_at_the_ends(fixed, broken, number):
    low, high = tango.interval(fixed, broken, number, confidence=0.95)
    assert -1 <= low <= (fixed - broken) / number <= high <= 1
    assert high - low > 0.05


def test_tango_statistic_is_that_of_the_likelihood():
    """The share of broken rows under the hypothesis, by search instead of by formula."""
    fixed, broken, number, delta = 7, 12, 100, 0.03
    shares = np.linspace(1e-6, 0.48, 500_001)
    rest = 1 - 2 * shares - delta
    likelihood = fixed * np.log(shares + delta) + broken * np.log(shares) + (number - fixed - broken) * np.log(rest)
    best = shares[np.argmax(likelihood)]
    expected = (fixed - broken - number * delta) / np.sqrt(number * (2 * best + delta - delta**2))
    assert tango.score(fixed, broken, number, delta=delta) == pytest.approx(expected, abs=1e-4)


def test_sign_flip_of_fisher_is_exact():
    assert sign_flip(MAIZE, resamples=99, seed=0) == 1726 / 32768


def test_wilcoxon_of_scipy_speaks_of_the_same_data():
    assert stats.wilcoxon(MAIZE).pvalue == pytest.approx(0.0412598, abs=5e-8)
    assert stats.wilcoxon(MAIZE, alternative="greater").pvalue == pytest.approx(0.0206299, abs=5e-8)
    slept = stats.wilcoxon(SLEEP, correction=True, method="asymptotic").pvalue
    assert slept == pytest.approx(0.0090907, abs=5e-8)


@pytest.mark.parametrize("number", [17, 30, 203])
def test_sign_flip_is_that_of_scipy(number):
    drawn = np.random.default_rng(number).normal(0.12, 1, number)
    peer = stats.permutation_test(
        (drawn,), np.mean, permutation_type="samples", n_resamples=20_000, vectorized=True, rng=1
    ).pvalue
    assert sign_flip(drawn, resamples=20_000, seed=2) == pytest.approx(peer, abs=0.02)


def test_sign_flip_of_many_rows_is_the_limit_of_draws():
    drawn = np.random.default_rng(1).normal(0.006, 1, 60_000)
    assert sign_flip(drawn, resamples=9999, seed=0) == pytest.approx(sign_flip(drawn, resamples=1999, seed=0), abs=0.04)


def test_sign_flip_is_never_zero_and_one_without_differences():
    assert sign_flip(np.ones(100), resamples=999, seed=0) == 1 / 1000
    assert sign_flip(np.zeros(5), resamples=999, seed=0) == 1.0
    assert sign_flip(np.array([3.0]), resamples=999, seed=0) == 1.0


def test_adjusted_pvalues_of_holm():
    adjusted = multiple.holm(THROMBOLYSIS)
    assert [each <= 0.05 for each in adjusted] == [True] * 3 + [False] * 12
    assert adjusted[:3] == pytest.approx([0.0015, 0.0056, 0.0247], abs=1e-12)


def test_adjusted_pvalues_of_benjamini_and_hochberg():
    adjusted = multiple.benjamini_hochberg(THROMBOLYSIS)
    assert adjusted[:4] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625], abs=1e-12)
    assert [each <= 0.05 for each in adjusted] == [True] * 4 + [False] * 11
    assert adjusted == pytest.approx(stats.false_discovery_control(THROMBOLYSIS).tolist())


pvalues = st.lists(st.floats(0, 1), max_size=20)


@given(pvalues)
def test_holm_rejects_step_by_step(drawn):
    rejected, order = set(), sorted(range(len(drawn)), key=lambda each: drawn[each])
    for place, index in enumerate(order):
        if drawn[index] * (len(drawn) - place) > 0.05:
            break
        rejected.add(index)
    assert {index for index, each in enumerate(multiple.holm(drawn)) if each <= 0.05} == rejected


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_pvalue_is_refused(wrong):
    with pytest.raises(ValueError, match="between 0 and 1"):
        multiple.holm([0.5, wrong])


@pytest.mark.parametrize(("margin", "rows"), [(0.01, 3710), (0.005, 14839)])
def test_rows_needed(margin, rows):
    assert power.rows_needed(margin, variance=0.06) == pytest.approx(rows, abs=1)


@pytest.mark.parametrize(("rows", "smallest"), [(200, 0.043), (1000, 0.019), (5000, 0.009)])
def test_smallest_difference(rows, smallest):
    assert power.smallest_difference(rows, variance=0.06) == pytest.approx(smallest, abs=5e-4)


@given(st.floats(0.001, 0.2), st.floats(0.001, 1), st.sampled_from([0.5, 0.8, 0.95]))
def test_rows_and_margin_agree(margin, variance, wanted):
    rows = power.rows_needed(margin, variance=variance, power=wanted)
    assert power.smallest_difference(rows, variance=variance, power=wanted) <= margin * (1 + 1e-9)
    assert rows == 1 or power.smallest_difference(rows - 1, variance=variance, power=wanted) > margin


def test_no_number_of_rows_proves_a_margin_of_nothing():
    with pytest.raises(ValueError, match="margin of 0"):
        power.rows_needed(0, variance=0.1)


def test_population_stability():
    assert distances.population_stability([50, 50], [50, 50]) == 0
    expected = 0.2 * np.log(0.7 / 0.5) + -0.2 * np.log(0.3 / 0.5)
    assert distances.population_stability([50, 50], [140, 60]) == pytest.approx(expected)
    assert distances.population_stability([100, 0], [0, 100]) > 1


def test_population_stability_of_columns():
    generator = np.random.default_rng(0)
    old = generator.normal(size=5000)
    assert distances.population_stability(*distances.binned(old, generator.normal(size=5000))) < 0.02
    assert distances.population_stability(*distances.binned(old, generator.normal(1, 1, size=5000))) > 0.5
    assert distances.population_stability(*distances.binned(old, np.where(old > 1, np.nan, old))) > 0.2


@pytest.mark.parametrize(("old", "new"), [([0, 0], [1, 1]), ([1, 1], [0, 0]), ([1], [1, 1])])
def test_stability_of_nothing_is_refused(old, new):
    with pytest.raises(ValueError, match="counts"):
        distances.population_stability(old, new)
