"""Recipes of several seeds: rows and seeds are both drawn, and with few seeds the answer is about files."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from mlgit.statistics import influence_intervals, recipes
from mlgit.statistics.distributions import normal_quantile, student_quantile
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.recipes import RecipeFiles, RecipeOptions
from tests.kit.late import Module

stats = Module("scipy.stats")
ASKED = RecipeOptions(0.9, resamples=999)
TAIL = 0.05


def without_rows(*values):
    """Files in which no row tells anything, so that all variance is that of seeds."""
    return RecipeFiles(np.array(values), np.zeros((len(values), 40)))


def of_losses(losses):
    """Files by a mean over rows, shape (S, n)."""
    values = losses.mean(axis=1)
    return RecipeFiles(values, (losses - values[:, None]) / losses.shape[1])


def losses(seeds, *, number, of_seed=0.1, moved=0.5, rows=None, seed=0):
    """The losses of a recipe on 300 rows, shape (seeds, 300)."""
    generator = np.random.default_rng(seed)
    shared = np.random.default_rng(99).normal(size=300) if rows is None else rows
    return shared + of_seed * generator.normal(size=(seeds, 1)) + moved * generator.normal(size=(seeds, number))


def two(first=5, second=5, **given):
    return [of_losses(losses(each, number=300, seed=place, **given)) for place, each in enumerate((first, second))]


def test_seeds_alone_are_welchs_t():
    old, new = np.array([0.71, 0.74, 0.70, 0.73, 0.77]), np.array([0.75, 0.79, 0.74, 0.80, 0.75, 0.71, 0.78])
    found = recipes.difference(without_rows(*old), without_rows(*new), question=ASKED)
    expected = stats.ttest_ind(new, old, equal_var=False)
    ends = expected.confidence_interval(0.9)
    assert (found.spread.low, found.spread.high) == (pytest.approx(ends.low), pytest.approx(ends.high))
    assert found.spread.method == "Welch's t of seeds"
    for least in (-0.05, 0.0, 0.02, 0.1):
        worse = stats.ttest_ind(new - least, old, equal_var=False, alternative="greater").pvalue
        assert found.spread.below(least) == pytest.approx(worse)


def test_one_recipe_without_rows_is_students_t():
    values = np.array([0.71, 0.74, 0.70, 0.73, 0.77])
    found = recipes.interval(without_rows(*values), question=ASKED)
    ends = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.spread.low, found.spread.high) == (pytest.approx(ends.low), pytest.approx(ends.high))
    assert found.claim.text == "about the recipe: 5 seeds"


def test_variance_is_that_of_rows_and_of_seeds_and_what_is_in_both_counts_once():
    old, new = two(4, 6)
    found = recipes.difference(old, new, question=ASKED).spread
    influence, value = new.influence - old.influence, new.value - old.value
    rows = influence_intervals.interval(value, influence, RowStructure(), confidence=0.9, resamples=999, seed=0)
    between = [each.values.var(ddof=1) / len(each.values) for each in (old, new)]
    both = [each.influences.var(axis=0, ddof=1).sum() / len(each.values) for each in (old, new)]
    for end, alone in ((found.low, rows.low), (found.high, rows.high)):
        variance = ((alone - value) / normal_quantile(TAIL)) ** 2 + sum(between) - sum(both)
        freedom = variance**2 / (between[0] ** 2 / 3 + between[1] ** 2 / 5)
        assert abs(end - value) == pytest.approx(student_quantile(1 - TAIL, freedom) * math.sqrt(variance))


def test_seeds_that_move_single_rows_only_do_not_widen_it_twice():
    sides = two(10, 10, of_seed=0.0, moved=1.0)
    found = recipes.difference(*sides, question=ASKED).spread
    value, influence = sides[1].value - sides[0].value, sides[1].influence - sides[0].influence
    rows = influence_intervals.interval(value, influence, RowStructure(), confidence=0.9, resamples=999, seed=0)
    summed_up = math.sqrt(((value - rows.low) / normal_quantile(TAIL)) ** 2 + sum(each.between for each in sides))
    assert rows.low - 0.2 * (value - rows.low) < found.low < rows.low
    assert found.low > value + normal_quantile(TAIL) * summed_up


def test_pvalue_is_the_tail_of_the_interval_that_ends_there():
    old, new = two(3, 4)
    found = recipes.difference(old, new, question=ASKED).spread
    assert found.below(found.low) == pytest.approx(TAIL, abs=2e-3)
    assert 1 - found.below(found.high) == pytest.approx(TAIL, abs=2e-3)
    tails = [found.below(least) for least in np.linspace(-1, 1, 101)]
    assert all(one <= other for one, other in itertools.pairwise(tails))
    assert found.below(new.value - old.value) == 0.5
    rows = recipes.difference(*[RecipeFiles(each.values[:2], each.influences[:2]) for each in (old, new)], question=ASKED)
    assert found.below(-0.5) >= rows.spread.below(-0.5) == 0.001


def test_skewed_rows_make_a_skewed_interval():
    rows = np.random.default_rng(1).lognormal(sigma=1.5, size=300)
    sides = two(4, 4, rows=rows, moved=0.0)
    sides[1] = of_losses(1.2 * sides[1].influences * 300 + sides[1].values[:, None])
    found = recipes.difference(*sides, question=ASKED)
    assert found.spread.high - found.value > 1.05 * (found.value - found.spread.low)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (1, 9), (2, 5), (5, 2)])
def test_fewer_than_three_seeds_on_a_side_are_about_files(first, second):
    old, new = two(first, second)
    found = recipes.difference(old, new, question=ASKED)
    rows = influence_intervals.interval(
        found.value, new.influence - old.influence, RowStructure(), confidence=0.9, resamples=999, seed=0
    )
    assert (found.spread.low, found.spread.high, found.spread.method) == (rows.low, rows.high, rows.method)
    noun = "seed" if second == 1 else "seeds"
    told = f"about these files, not about the recipes: {first} and {second} {noun}, at least 3 needed on each side"
    assert found.claim.text == told


def test_three_seeds_are_about_recipes():
    assert recipes.difference(*two(3, 5), question=ASKED).claim.text == "about the recipes: 3 and 5 seeds"


def test_files_that_say_the_same_tell_nothing_about_seeds():
    old, new = two(5, 5)
    copies = RecipeFiles(np.repeat(old.values[:1], 5), np.repeat(old.influences[:1], 5, axis=0))
    for sides, whose in (((copies, new), "the baseline"), ((new, copies), "the current side"), ((copies, copies), "each side")):
        claim = recipes.difference(*sides, question=ASKED).claim
        assert claim.about == "files"
        assert claim.text.endswith(f"5 and 5 seeds, and all of {whose} say the same: is the seed used?")
    assert "all of the recipe say the same" in recipes.interval(copies, question=ASKED).claim.text


def test_seeds_of_one_value_by_chance_are_seeds():
    influences = np.random.default_rng(0).normal(size=(4, 50)) / 50
    found = recipes.interval(RecipeFiles(np.full(4, 0.9), influences - influences.mean(axis=1, keepdims=True)), question=ASKED)
    assert (found.claim.about, found.spread.method) == ("recipes", "bootstrap-t")


def test_same_files_in_another_order_are_no_change():
    old, _ = two(5, 5)
    turned = RecipeFiles(old.values[::-1], old.influences[::-1])
    found = recipes.difference(old, turned, question=ASKED)
    assert (found.value, found.spread.method) == (0.0, "Welch's t of seeds")
    assert found.spread.low < 0 < found.spread.high
    one = RecipeFiles(old.values[:1], old.influences[:1])
    nothing = recipes.difference(one, one, question=ASKED).spread
    assert (nothing.low, nothing.high, nothing.method) == (0.0, 0.0, "no row differs")


def test_clusters_are_drawn_whole():
    old, new = two(4, 4)
    twice = [RecipeFiles(each.values, np.repeat(each.influences, 2, axis=1) / 2) for each in (old, new)]
    structure = RowStructure(groups=np.repeat(np.arange(300), 2))
    plain = recipes.difference(old, new, question=ASKED).spread
    found = recipes.difference(*twice, question=RecipeOptions(0.9, resamples=999, structure=structure)).spread
    assert (found.low, found.high) == (pytest.approx(plain.low), pytest.approx(plain.high))


def test_series_is_drawn_in_blocks_whatever_the_order_of_its_rows():
    remembered = np.convolve(np.random.default_rng(3).normal(size=309), np.ones(10), mode="valid") / 3
    sides = [of_losses(losses(4, number=300, seed=place, rows=place * remembered)) for place in (0, 1)]
    found = recipes.difference(*sides, question=RecipeOptions(0.9, structure=RowStructure(order=np.arange(300)))).spread
    mixed = np.random.default_rng(4).permutation(300)
    shuffled = [RecipeFiles(each.values, each.influences[:, mixed]) for each in sides]
    other = recipes.difference(*shuffled, question=RecipeOptions(0.9, structure=RowStructure(order=np.argsort(mixed)))).spread
    rows = recipes.difference(*sides, question=ASKED).spread
    assert found.method.startswith("block bootstrap, blocks of ")
    assert found.method.endswith(" of rows, Welch's t of seeds")
    assert (found.low, found.high) == (pytest.approx(other.low), pytest.approx(other.high))
    assert found.high - found.low > 1.5 * (rows.high - rows.low)


def test_too_few_rows_have_no_interval_however_many_seeds():
    sides = [RecipeFiles(np.arange(8) / 10, np.zeros((8, 29))) for _ in range(2)]
    found = recipes.difference(*sides, question=ASKED).spread
    assert (found.why, found.low == found.low) == ("29 rows, at least 30 needed", False)


def test_undefined_value_has_no_interval():
    files = recipes.files([Estimate(value, np.zeros(40), why="one class only") for value in (0.5, math.nan, 0.6)])
    assert recipes.interval(files, question=ASKED).spread.why == "the metric is undefined for these rows"


def test_files_are_gathered_from_estimates():
    files = recipes.files([Estimate(value, np.full(30, value)) for value in (0.5, 0.75)])
    assert (files.value, files.influences.shape) == (0.625, (2, 30))
