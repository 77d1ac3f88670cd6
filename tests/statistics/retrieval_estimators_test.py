"""Rankings by query: scikit-learn's values, the mean over all orders of tied rows, derivatives, empty queries, refusals."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics.predictions import Predictions
from mlgit.statistics.rows import Coded, held
from tests.kit.late import Late
from tests.statistics.estimates import check, estimate, predictions

sklearn = Late("sklearn.metrics")

NAMES = ["ndcg", "ndcg_exponential", "mrr", "map", "recall_at_k", "precision_at_k", "hit_rate"]
NEED_K = ["recall_at_k", "precision_at_k", "hit_rate"]
results = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=9)
graded = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=2, max_size=30)


def discounted(gains):
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def plainly(name, relevance, k):
    """The metric of one query whose rows are in order, as textbooks have it; `relevance` in the order of the ranking."""
    hits = [int(each > 0) for each in relevance]
    first = relevance[:k]
    match name:
        case "ndcg":
            return discounted(first) / discounted(sorted(relevance, reverse=True)[:k])
        case "ndcg_exponential":
            return plainly("ndcg", [2**each - 1 for each in relevance], k)
        case "mrr":
            return next((1 / (place + 1) for place, hit in enumerate(hits[:k]) if hit), 0.0)
        case "map":
            precisions = [sum(hits[: place + 1]) / (place + 1) for place, hit in enumerate(hits[:k]) if hit]
            return sum(precisions) / min(k, sum(hits))
        case "recall_at_k":
            return sum(hits[:k]) / sum(hits)
        case "precision_at_k":
            return sum(hits[:k]) / k
        case _:
            return float(any(hits[:k]))


def in_all_orders(name, relevance, score, k):
    """The mean over all orders of the rows in which no score is before a higher one."""
    places = [place for place in itertools.permutations(range(len(score))) if all(np.diff(np.array(score)[list(place)]) <= 0)]
    return np.mean([plainly(name, [relevance[each] for each in place], k) for place in places])


def by_query(name, drawn, k):
    """Values of the queries that have a relevant row."""
    found = {}
    for query in sorted({each[2] for each in drawn}):
        relevance, score = zip(*((rel, score) for rel, score, of in drawn if of == query), strict=True)
        if any(relevance):
            found[query] = in_all_orders(name, relevance, score, k or len(score))
    return found


def ranked(drawn, **columns):
    relevance, score, query = np.array(drawn).T
    return predictions(relevance, score=score, query=query, **columns)


@pytest.mark.parametrize("name", NAMES)
@given(results, st.sampled_from([None, 1, 2, 3, 20]))
def test_tied_rows_count_as_the_mean_over_all_orders_of_them(name, drawn, k):
    if name in NEED_K:
        k = k or 2
    drawn, expected = drawn[:6], by_query(name, drawn[:6], k)
    found = estimate(name, ranked(drawn), k=k)
    if expected:
        assert found.value == pytest.approx(np.mean([*expected.values()]), rel=1e-9, abs=1e-12)
    else:
        assert np.isnan(found.value)


@pytest.mark.parametrize("k", [None, 1, 5])
@given(graded)
def test_ndcg_is_that_of_scikit_learn(k, drawn):
    relevance, score = np.array(drawn).T
    relevance[0] = 1
    for name, gain in (("ndcg", relevance), ("ndcg_exponential", 2.0**relevance - 1)):
        found = estimate(name, predictions(relevance, score=score, query=np.zeros(len(score))), k=k).value
        assert found == pytest.approx(sklearn.ndcg_score([gain], [score], k=k), rel=1e-9)


@given(st.lists(st.booleans(), min_size=2, max_size=30), st.randoms())
def test_map_without_ties_is_average_precision_of_scikit_learn(drawn, random):
    label, score = np.array(drawn), np.arange(len(drawn))
    label[0] = True
    random.shuffle(score)
    queries = np.zeros(len(label))
    found = estimate("map", predictions(label, score=score, query=queries)).value
    assert found == pytest.approx(sklearn.average_precision_score(label, score), rel=1e-9)
    assert found == pytest.approx(sklearn.label_ranking_average_precision_score([label], [score]), rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
@given(results, st.randoms())
def test_order_of_the_file_does_not_matter(name, drawn, random):
    shuffled = [*drawn]
    random.shuffle(shuffled)
    one, other = (estimate(name, ranked(each), k=3).value for each in (drawn, shuffled))
    assert one == pytest.approx(other, rel=1e-12, nan_ok=True)


def made(number=60, queries=9, *, seed=0, grades=3):
    """Rows of queries of very different sizes, some without a relevant row, shuffled; and a weight of each query."""
    generator = np.random.default_rng(seed)
    query = np.minimum(generator.geometric(0.3, number) - 1, queries - 1)
    relevance = generator.integers(0, grades, number) * (generator.random(number) < 0.4)
    weight = generator.integers(1, 5, queries).astype(float)[query]
    return relevance, generator.integers(0, 6, number), query, weight


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_influences_are_derivatives_by_query_and_stand_at_first_rows(name, is_weighted):
    relevance, score, query, weight = made()
    columns = {"weight": weight} if is_weighted else {}
    found = check(name, predictions(relevance, score=score, query=query, **columns), k=3)
    has_one = np.bincount(query, weights=relevance) > 0
    assert (found.n_counted, found.counted) == (int(has_one.sum()), "query")
    first = np.unique(query, return_index=True)[1]
    assert not np.delete(found.influence, first).any()
    assert not np.delete(found.sums.features, first, axis=0).any()


@pytest.mark.parametrize("name", NAMES)
def test_queries_are_averaged_with_the_weights_of_their_rows(name):
    relevance, score, query, weight = made()
    score = score + np.linspace(0.5, 0, len(score))
    each = {}
    for one in np.unique(query[relevance > 0]):
        order = np.argsort(-score[query == one])
        each[one] = plainly(name, relevance[query == one][order].tolist(), 3)
    expected = np.average([*each.values()], weights=[weight[query == one][0] for one in each])
    found = estimate(name, predictions(relevance, score=score, query=query, weight=weight), k=3)
    assert found.value == pytest.approx(expected, rel=1e-9)


def test_queries_without_a_relevant_row_are_left_out_and_counted():
    drawn = [(1, 2, 0), (0, 1, 0), (0, 1, 1), (0, 2, 1), (0, 1, 2)]
    found = estimate("mrr", ranked(drawn))
    assert (found.value, found.n_counted) == (1.0, 1)
    assert found.note == "2 of 3 queries have no relevant row and are left out"
    assert estimate("mrr", ranked(drawn[:4])).note == "1 of 2 queries has no relevant row and is left out"


@pytest.mark.parametrize("name", NAMES)
def test_no_relevant_row_at_all_is_no_value(name):
    found = estimate(name, ranked([(0, 2, 0), (0, 1, 1)]), k=1)
    assert np.isnan(found.value)
    assert found.why == "none of 2 queries has a relevant row"
    assert not found.influence.any()


@pytest.mark.parametrize("kind", ["texts", "coded", "objects"])
def test_positive_label_is_what_is_relevant_among_texts(kind):
    label = np.array(["no", "yes", "no", "yes"], dtype=object if kind == "objects" else None)
    if kind == "coded":
        label = Coded(("no", "yes"), np.array([0, 1, 0, 1]))
    given_rows = Predictions(label, score=np.array([3, 2, 1, 0]), query=np.zeros(4))
    assert estimate("map", given_rows, positive="yes").value == pytest.approx((1 / 2 + 2 / 4) / 2)
    with pytest.raises(MlgitError, match="not all values are numbers"):
        estimate("map", given_rows)


def test_relevance_stays_graded_where_a_positive_label_is_declared():
    drawn = [(2, 1, 0), (1, 2, 0), (0, 3, 0)]
    assert estimate("ndcg", ranked(drawn), positive=1).value == estimate("ndcg", ranked(drawn)).value


def test_columns_that_are_held_give_the_same():
    relevance, score, query, weight = made()
    for name in NAMES:
        one, other = (
            Predictions(keep(relevance), score=keep(score), query=keep(query), weight=weight) for keep in (np.asarray, held)
        )
        assert [estimate(name, other, k=k).value for k in (2, 3)] == [estimate(name, one, k=k).value for k in (2, 3)]


def test_truths_of_queries_may_be_texts():
    found = estimate("hit_rate", predictions([True, False], score=[1, 2], query=np.array(["a", "b"], dtype=object)), k=1)
    assert found.value == 1


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"label": [-1, 1]}, "label: 1 of 2 values are below 0"),
        ({"label": [np.nan, 1]}, "label: 1 of 2"),
        ({"score": [1, np.nan]}, "score: 1 of 2"),
        ({"score": [1]}, "different lengths"),
        ({"query": [np.nan, 1]}, "query: 1 of 2 values are missing"),
        ({"query": np.array(["a", None], dtype=object)}, "query: 1 of 2 values are missing"),
        ({"query": [1]}, "1 queries are named for 2 rows"),
        ({"weight": [1, 2]}, "weight: 1 of 1 do not have one weight"),
        ({"weight": [1, 0]}, "weight: 1 of 2 values are not above 0"),
        ({"weight": [1]}, "different lengths"),
    ],
)
def test_rows_that_do_not_fit_are_refused(columns, told):
    all_columns = {"label": [0, 1], "score": [1, 2], "query": [7, 7]} | columns
    with pytest.raises(MlgitError, match=told):
        estimate("ndcg", predictions(**all_columns))


def test_a_relevance_of_which_2_is_no_power_is_refused():
    with pytest.raises(MlgitError, match="a relevance of 2000"):
        estimate("ndcg_exponential", ranked([(2000, 1, 0)]))
    assert estimate("ndcg", ranked([(2000, 1, 0)])).value == 1


@pytest.mark.parametrize("k", [0, -3, 1.5])
@pytest.mark.parametrize("name", NAMES)
def test_k_is_a_whole_number_of_at_least_1(name, k):
    with pytest.raises(MlgitError, match="not a whole number"):
        estimate(name, ranked([(1, 1, 0)]), k=k)


@pytest.mark.parametrize("name", NAMES)
def test_constant_scores_of_many_rows_are_what_chance_gives(name):
    relevance = (np.arange(20_000) % 100 == 0).astype(int)
    found = estimate(name, predictions(relevance, score=np.zeros(20_000), query=np.zeros(20_000)), k=10)
    expected = {"recall_at_k": 10 / 20_000, "precision_at_k": 0.01}
    none = math.prod((19_800 - place) / (20_000 - place) for place in range(10))
    expected["hit_rate"] = 1 - none
    assert 0 < found.value < 0.2
    assert found.value == pytest.approx(expected.get(name, found.value), rel=1e-9)
