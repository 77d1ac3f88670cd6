"""Several tries of a case: all sets of k of them, derivatives, cases with too few, errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics.predictions import Predictions
from tests.kit.late import Module
from tests.statistics.estimates import check, estimate, predictions

stats = Module("scipy.stats")

MODES = {"pass_at_k": any, "pass_hat_k": all}
cases = st.lists(st.lists(st.booleans(), min_size=3, max_size=7), min_size=1, max_size=6)


def tried(drawn, **columns):
    query = np.repeat(np.arange(len(drawn)), [len(each) for each in drawn])
    return predictions(value=np.concatenate(drawn), query=query, **columns)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", MODES)
@given(cases)
def test_value_is_the_share_of_all_sets_of_k_tries(name, k, drawn):
    shares = [np.mean([MODES[name](chosen) for chosen in itertools.combinations(each, k)]) for each in drawn]
    assert estimate(name, tried(drawn), k=k).value == pytest.approx(np.mean(shares), rel=1e-9, abs=1e-12)
    weight = np.arange(1.0, 1 + len(drawn))
    rows = np.repeat(weight, [len(each) for each in drawn])
    found = estimate(name, tried(drawn, weight=rows), k=k).value
    assert found == pytest.approx(np.average(shares, weights=weight), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("passes", [0, 1, 150, 299, 300])
def test_many_tries_are_the_hypergeometric_distribution(passes):
    value = np.arange(300) < passes
    given_rows = predictions(value=value, query=np.zeros(300))
    drawn = stats.hypergeom(300, passes, 100)
    assert estimate("pass_at_k", given_rows, k=100).value == pytest.approx(1 - drawn.pmf(0), rel=1e-9, abs=1e-12)
    assert estimate("pass_hat_k", given_rows, k=100).value == pytest.approx(drawn.pmf(100), rel=1e-9, abs=1e-15)


def test_one_try_is_the_rate_of_cases_and_not_of_tries():
    given_rows = tried([[1], [0, 0, 0]])
    assert {estimate(name, given_rows, k=1).value for name in MODES} == {0.5}


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("name", MODES)
def test_influences_are_derivatives_by_case_and_stand_at_first_rows(name, is_weighted):
    generator = np.random.default_rng(0)
    query = np.sort(np.concatenate([np.repeat(np.arange(12), 3), generator.integers(0, 12, 20)]))
    generator.shuffle(query)
    weight = {"weight": generator.integers(1, 4, 12)[query]} if is_weighted else {}
    found = check(name, predictions(value=generator.random(len(query)) < 0.6, query=query, **weight), k=2)
    assert (found.n_counted, found.counted) == (12, "case")
    assert not np.delete(found.influence, np.unique(query, return_index=True)[1]).any()


@pytest.mark.parametrize("name", MODES)
def test_cases_with_too_few_tries_leave_no_value_and_are_counted(name):
    found = estimate(name, tried([[1, 1, 1], [0, 1], [1]]), k=3)
    assert np.isnan(found.value)
    assert found.why == "2 of 3 cases have fewer than 3 tries"
    assert estimate(name, tried([[1, 1, 1], [0, 1]]), k=3).why == "1 of 2 cases has fewer than 3 tries"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([1, np.nan, np.nan], "2 of 3 tries have no result"),
        ([True, None, False], "1 of 3 tries have no result"),
        ([0, 0.5, 1], "1 of 3 are neither 0 nor 1"),
        ([0, 2, 1], "1 of 3 are neither 0 nor 1"),
        (["pass", "fail", "pass"], "not all values are numbers"),
    ],
)
@pytest.mark.parametrize("name", MODES)
def test_a_try_passed_or_failed(name, value, told):
    column = np.array(value, dtype=object if None in value else None)
    with pytest.raises(MlgitError, match=told):
        estimate(name, Predictions(None, value=column, query=np.zeros(3)), k=1)


@pytest.mark.parametrize("name", MODES)
def test_rows_of_another_number_of_cases_are_refused(name):
    with pytest.raises(MlgitError, match="2 queries are named for 3 rows"):
        estimate(name, Predictions(None, value=np.ones(3), query=np.zeros(2)), k=1)
