"""What no row has shown: as far as Tango's interval without a discordant row, in intervals and p-values alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.statistics import bootstrap, estimate_comparison, tango, unseen
from mlgit.statistics.comparison import ComparisonOptions
from mlgit.statistics.distributions import normal_cdf
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.resampling import Spread, nothing
from tests.statistics.estimates import estimate, predictions

ASKED = ComparisonOptions(confidence_level=0.9, resamples=499)


def shown(name, *models, rows=None, **parameters):
    """The comparison of two models, or the interval of one."""
    found = [estimate(name, each, **parameters) for each in models]
    structure = rows or RowStructure()
    if len(found) == 1:
        return estimate_comparison.interval(name, found[0], rows=structure, options=ASKED)
    return estimate_comparison.compare(name, *found, rows=structure, question=ASKED)


def normal(value, width):
    return Spread(value - 1.645 * width, value + 1.645 * width, "normal", lambda least: normal_cdf((least - value) / width))


@given(st.integers(30, 5000), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_without_a_row_that_differs_it_is_the_interval_of_tango(number, confidence):
    found = unseen.widened(nothing("same"), 0.0, jump=1 / number, confidence=confidence)
    exact = tango.interval(0, 0, number, confidence=confidence)
    assert found.high == pytest.approx(exact[1] / (1 - exact[1]), rel=1e-6)
    assert found.low == -found.high
    assert found.below(found.low) == pytest.approx((1 - confidence) / 2, rel=1e-6)
    assert found.below(found.high) == pytest.approx((1 + confidence) / 2, rel=1e-6)


def test_wide_interval_stays_as_it_is():
    wide = normal(0.1, 0.05)
    assert unseen.widened(wide, 0.1, jump=0.001, confidence=0.9) is wide
    assert unseen.widened(wide, 0.1, jump=0.0, confidence=0.9) is wide


def test_narrow_interval_reaches_further_and_so_do_its_pvalues():
    found = unseen.widened(normal(0.1, 0.001), 0.1, jump=0.01, confidence=0.9)
    assert (found.low, found.high) == pytest.approx((0.1 - 0.02706, 0.1 + 0.02706), abs=1e-5)
    assert found.below(found.low) == pytest.approx(0.05, abs=1e-6)
    assert found.below(found.high) == pytest.approx(0.95, abs=1e-6)
    assert found.below(0.0) < found.below(0.09) < found.below(0.11) < found.below(0.2)


def hits(number, *, missed=0):
    """Queries of two rows each, of which the first is relevant and ranked first but for some."""
    score = np.tile([2.0, 1.0], number)
    score[: 2 * missed] = 3 - score[: 2 * missed]
    return predictions(np.tile([1, 0], number), score=score, query=np.repeat(np.arange(number), 2))


def test_rankings_that_differ_where_no_hit_does_are_not_proven_alike():
    one, other = hits(100), hits(100)
    other.score[1] = 2.0
    other.label[:2] = 1
    one.label[:2] = 1
    found = shown("hit_rate", one, other, k=1)
    assert found.delta == 0
    assert (found.low, found.high) == tango.interval(0, 0, 100, confidence=0.9)


def test_one_model_does_not_differ_from_itself():
    found = shown("hit_rate", hits(100), hits(100), k=1)
    assert (found.low, found.high) == (0, 0)


def test_score_of_another_scale_is_the_same_ranking():
    other = hits(100)
    other.score[:] = 7 * other.score + 1
    found = shown("hit_rate", hits(100), other, k=1)
    assert (found.low, found.high) == (0, 0)


@pytest.mark.parametrize("missed", [0, 1, 40])
def test_a_share_of_queries_has_the_interval_of_wilson(missed):
    found = shown("hit_rate", hits(100, missed=missed), k=1)
    assert (found.low, found.high) == bootstrap.wilson(100 - missed, 100, confidence=0.9)


@pytest.mark.parametrize("missed", [1, 3, 20])
def test_two_shares_of_queries_have_the_interval_of_tango(missed):
    groups = RowStructure(groups=np.repeat(np.arange(100), 2))
    for rows in (None, groups):
        found = shown("hit_rate", hits(100), hits(100, missed=missed), rows=rows, k=1)
        assert (found.low, found.high) == tango.interval(0, missed, 100, confidence=0.9)
        assert found.method == "Tango score, McNemar mid-p"


def test_shares_of_clustered_or_weighted_queries_are_no_counts():
    models = [hits(100, missed=missed) for missed in (5, 30)]
    clustered = shown("hit_rate", *models, rows=RowStructure(groups=np.repeat(np.arange(50), 4)), k=1)
    assert clustered.method == "bootstrap-t"
    weighted = [type(each)(each.label, score=each.score, query=each.query, weight=np.ones(200)) for each in models]
    assert "equal weight" in shown("hit_rate", *weighted, rows=RowStructure(weights=np.ones(200)), k=1).method


def test_rare_and_dear_mistakes_that_were_not_seen_are_allowed_for():
    label = np.repeat([1, 0], [5, 95])
    said = [np.where(np.arange(100) < 50 + moved, label, 1 - label) for moved in (0, 4)]
    costs = {1: {0: 50.0}, 0: {1: 1.0}}
    models = [predictions(label, prediction=each) for each in said]
    models = [type(each)(each.label, each.prediction, costs=costs) for each in models]
    found = shown("cost_per_row", *models)
    assert found.low == pytest.approx(-0.04 - 2.706 * 0.5, abs=0.001)


def test_many_graded_values_show_themselves_how_far_they_differ():
    generator, number = np.random.default_rng(0), 400
    query, relevance = np.repeat(np.arange(number), 8), np.tile([1, 0, 0, 0, 1, 0, 1, 0], number)
    scores = [relevance + generator.normal(size=8 * number) for _ in range(2)]
    models = [predictions(relevance, score=each + 9 * relevance * (query > 29), query=query) for each in scores]
    groups = RowStructure(groups=query)
    graded = shown("ndcg", *models, rows=groups)
    assert graded.n_discordant >= 20
    assert graded.high - graded.low < 2 * 2.706 / number
    few = [predictions(relevance, score=each + 9 * relevance * (query > 9), query=query) for each in scores]
    found = shown("ndcg", *few, rows=groups)
    assert found.high - found.low == pytest.approx(2 * 2.706 / number, rel=1e-3)


def uneven(number):
    """Queries of two rows each, and one of a thousand."""
    query = np.concatenate([np.repeat(np.arange(number), 2), np.full(1000, number)])
    generator = np.random.default_rng(1)
    return query, (generator.random(len(query)) < 0.5).astype(int), generator.random((2, len(query)))


@pytest.mark.parametrize("is_weighted", [False, True])
def test_a_query_of_many_rows_counts_as_one(is_weighted):
    query, relevance, scores = uneven(60)
    weight = {"weight": np.full(len(query), 2.0)} if is_weighted else {}
    models = [predictions(relevance, score=each, query=query, **weight) for each in scores]
    found = shown("mrr", *models, rows=RowStructure(groups=query, weights=weight.get("weight")))
    assert found.low is not None
    assert found.low < found.delta < found.high


def test_queries_that_are_left_out_do_not_count():
    query, relevance, scores = uneven(60)
    relevance = np.where(query < 40, 0, 1)
    models = [predictions(relevance, score=each, query=query) for each in scores]
    assert shown("mrr", *models, rows=RowStructure(groups=query)).reason == "21 queries, at least 30 needed"
    assert shown("mrr", *models).reason == "21 queries, at least 30 needed"


def test_clusters_of_queries_are_worth_what_they_have_of_them():
    query, relevance, scores = uneven(60)
    groups = np.minimum(query // 2, 20)
    models = [predictions(np.ones_like(relevance), score=each, query=query) for each in scores]
    assert shown("mrr", *models, rows=RowStructure(groups=groups)).reason == "21 clusters, at least 30 needed"
