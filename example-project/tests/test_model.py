"""How the model behaves, whatever it is made of."""

import numpy as np
import pytest

from example_project import columns, evaluate, model, prepare, train


@pytest.fixture(scope="module")
def rows(raw, given):
    return prepare.split(raw, test_size=given.split.test_size, seed=given.seed)


@pytest.fixture(scope="module")
def trained(rows, given):
    return train.train(rows[0], given.train, seed=given.seed)


@pytest.fixture(scope="module")
def predicted(trained, rows, given):
    return evaluate.predict(trained, rows[1], threshold=given.evaluate.threshold)


def test_no_row_is_in_both_parts(raw, rows):
    train_rows, test_rows = rows
    assert sorted([*train_rows["id"], *test_rows["id"]]) == sorted(raw["id"])


def test_both_parts_have_the_same_share_of_each_label(rows):
    train_rows, test_rows = rows
    assert train_rows["label"].mean() == pytest.approx(test_rows["label"].mean(), abs=0.01)


def test_same_seed_splits_alike_and_another_does_not(raw, rows):
    same = prepare.split(raw, test_size=0.3, seed=5)[0]["id"]
    again = prepare.split(raw, test_size=0.3, seed=5)[0]["id"]
    other = prepare.split(raw, test_size=0.3, seed=6)[0]["id"]
    assert list(same) == list(again)
    assert list(same) != list(other)


def test_model_beats_the_majority_class(predicted):
    majority = max(predicted["label"].mean(), 1 - predicted["label"].mean())
    accuracy = (predicted["label"] == predicted["prediction"]).mean()
    assert accuracy > majority + 0.2


def test_scores_are_probabilities_that_rank(predicted):
    assert predicted["score"].between(0, 1).all()
    assert evaluate.measure(predicted)["roc_auc"] > 0.95


def test_larger_nuclei_never_look_more_benign(trained, rows):
    features = rows[1][list(columns.FEATURES)]
    larger = features.assign(worst_radius=features["worst_radius"] * 1.5)
    before = trained.predict_proba(features)[:, 1]
    assert (trained.predict_proba(larger)[:, 1] >= before).all()


def test_order_of_rows_does_not_change_a_score(trained, rows):
    features = rows[1][list(columns.FEATURES)]
    upside_down = trained.predict_proba(features.iloc[::-1])[::-1, 1]
    np.testing.assert_allclose(trained.predict_proba(features)[:, 1], upside_down)


def test_same_seed_makes_the_same_file(rows, given, tmp_path):
    for name in ("one", "other"):
        trained = train.train(rows[0], given.train, seed=given.seed)
        model.save(tmp_path / name, trained)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_saved_model_scores_as_before(trained, rows, tmp_path):
    features = rows[1][list(columns.FEATURES)]
    model.save(tmp_path / "model.skops", trained)
    reread = model.read(tmp_path / "model.skops")
    np.testing.assert_array_equal(trained.predict_proba(features), reread.predict_proba(features))
