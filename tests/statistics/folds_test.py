"""Recipes by the values of folds: the corrected t-test of Nadeau and Bengio."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlgit.statistics import folds
from tests.kit.late import Module

stats = Module("scipy.stats")
OLD = np.array([0.91, 0.88, 0.93, 0.90, 0.89, 0.92])
NEW = np.array([0.92, 0.91, 0.93, 0.92, 0.88, 0.95])


def test_interval_is_students_with_the_corrected_variance():
    apart = NEW - OLD
    found = folds.difference(OLD, NEW, confidence=0.9)
    error = math.sqrt((1 / 6 + 1 / 5) * apart.var(ddof=1))
    ends = stats.t.interval(0.9, 5, loc=apart.mean(), scale=error)
    assert (found.low, found.high) == (pytest.approx(ends[0]), pytest.approx(ends[1]))
    assert found.below(-0.01) == pytest.approx(stats.t.sf((apart.mean() + 0.01) / error, 5))
    assert found.method == "corrected t of 6 folds"


def test_figures_of_the_example_of_scikit_learn_are_met():
    # two models by ten times ten folds: t 2.611 and p 0.005 before the correction, 0.750 and 0.227 after it
    apart = np.random.default_rng(0).normal(size=100)
    apart = apart - apart.mean() + 2.611 * apart.std(ddof=1) / 10
    plain, corrected = (apart.mean() / folds.corrected_error(apart, test_to_train=ratio) for ratio in (0, 1 / 9))
    assert (round(plain, 3), round(float(stats.t.sf(plain, 99)), 3)) == (2.611, 0.005)
    assert (round(corrected, 3), round(float(stats.t.sf(corrected, 99)), 3)) == (0.750, 0.227)


def test_folds_that_are_not_alike_tell_as_little_as_the_largest():
    numbers = np.repeat(np.arange(6), [50, 10, 10, 10, 10, 10])
    assert folds.largest_share(numbers) == 1
    assert folds.largest_share(np.repeat(np.arange(6), 10)) == 1 / 5
    assert folds.largest_share(np.zeros(3, dtype=int)) is None
    found = folds.difference(OLD, NEW, confidence=0.9, test_to_train=folds.largest_share(numbers))
    error = folds.corrected_error(NEW - OLD, test_to_train=1.0)
    assert found.high - found.low == pytest.approx(2 * stats.t.ppf(0.95, 5) * error)


def test_one_recipe_has_the_interval_of_its_folds():
    found = folds.interval(NEW, confidence=0.9)
    error = folds.corrected_error(NEW, test_to_train=1 / 5)
    assert found.high - NEW.mean() == pytest.approx(stats.t.ppf(0.95, 5) * error)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_fewer_than_five_folds_tell_nothing(number):
    told = f"{number} fold{'s' * (number > 1)}, at least 5 needed"
    assert folds.difference(OLD[:number], NEW[:number], confidence=0.9).why == told
    assert folds.interval(OLD[:number], confidence=0.9).why == told


def test_same_folds_do_not_differ():
    found = folds.difference(OLD, OLD, confidence=0.9)
    assert (found.low, found.high, found.method, found.below(0.0)) == (0.0, 0.0, "no fold differs", 1.0)


def test_folds_without_any_spread_have_no_interval():
    assert folds.difference(OLD, OLD + 0.01, confidence=0.9).why == "every fold gives the same value"
    assert folds.interval(np.ones(5), confidence=0.9).why == "every fold gives the same value"


def test_fold_without_a_value_leaves_none():
    assert (
        folds.difference(OLD, np.where(NEW > 0.94, np.nan, NEW), confidence=0.9).why == "the metric is undefined in some fold"
    )
