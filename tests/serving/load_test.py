"""A release is loaded only if it is what it says, may do nothing else, and answers as it did."""

from __future__ import annotations

import json
from importlib import metadata

import pytest

from mlgit.errors import MlgitError
from mlgit.serving.load import load
from mlgit.serving.rows import RefusedRequestError
from tests.kit.late import Module
from tests.serving.model_folders import column, recorded, written

pytestmark = pytest.mark.slow  # scikit-learn is imported
np, pd, linear, pickle = Module("numpy"), Module("pandas"), Module("sklearn.linear_model"), Module("pickle")
preprocessing, pipeline, text = (
    Module("sklearn.preprocessing"),
    Module("sklearn.pipeline"),
    Module("sklearn.feature_extraction.text"),
)


@pytest.fixture
def frame():
    return pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["a", "b"])


@pytest.fixture
def model(frame):
    return linear.LogisticRegression().fit(frame, frame["a"] > 0)


def refusal(folder, **more):
    with pytest.raises(MlgitError) as caught:
        load(folder, **more)
    return f"{caught.value.message} | {caught.value.hint}"


def test_bytes_of_another_model_are_refused(tmp_path, model):
    folder = written(tmp_path / "r", model)
    with open(folder / "model/model.skops", "ab") as stream:
        stream.write(b"x")
    assert "its digest differs" in refusal(folder)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", ""])
def test_file_out_of_the_release_is_refused(tmp_path, model, name):
    assert "no file of the release" in refusal(written(tmp_path / "r", model, file=name))


def test_contract_with_another_digest_is_refused(tmp_path, model):
    folder = written(tmp_path / "r", model, columns=[column("a", "number"), column("b", "number")])
    (folder / "contract.odcs.yaml").write_text((folder / "contract.odcs.yaml").read_text().replace("number", "string"))
    assert "not the contract of churn v1.0.0" in refusal(folder)


def test_pickle_is_refused_and_not_opened(tmp_path):
    content = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    said = refusal(written(tmp_path / "r", content, file="model/model.skops"))
    assert "only models of skops are loaded" in said
    assert "--predictor" in said
    assert not (tmp_path / "ran").exists()


def test_type_of_no_list_is_refused_until_it_is_trusted(tmp_path, frame):
    turned = preprocessing.FunctionTransformer(np.rot90, kw_args={"k": 4})
    made = pipeline.make_pipeline(turned, linear.LinearRegression()).fit(frame, frame["a"])
    folder = written(tmp_path / "r", made)
    said = refusal(folder)
    assert "no list of safe types: numpy." in said
    name = said.rpartition("--trust ")[2]
    assert load(folder, trust=frozenset({name})).predictor.predict([[1.0, 2.0]], method="predict") == pytest.approx([1.0])


def test_trust_in_one_type_is_none_in_another(tmp_path):
    made = {"one": np.linalg.norm, "other": np.linalg.det}
    said = refusal(written(tmp_path / "r", made), trust=frozenset({"numpy.linalg.norm"}))
    assert "numpy.linalg.det" in said
    assert "numpy.linalg.norm" not in said


def test_other_version_of_a_library_is_refused_unless_allowed(tmp_path, model):
    installed = metadata.version("scikit-learn")
    assert load(written(tmp_path / "same", model, requires={"scikit-learn": installed})).self_tested == 0
    folder = written(tmp_path / "r", model, requires={"scikit-learn": "0.1", "numpy": "0.1"})
    assert f"was made with scikit-learn 0.1, and here it is {installed}" in refusal(folder)
    assert load(folder, allow_version_mismatch=True).self_tested == 0


def test_library_that_is_not_installed_is_named(tmp_path, model):
    assert "catboost 1.0, and it is not installed here" in refusal(written(tmp_path / "r", model, requires={"catboost": "1.0"}))


def changed(rows, key, row, value):
    rows[key][row] = value
    return rows


def test_other_prediction_than_recorded_is_refused_with_both(tmp_path, model, frame):
    rows = recorded(frame[:10], model, label=True)
    was = rows["prediction"][3]
    said = refusal(written(tmp_path / "r", model, rows=changed(rows, "prediction", 3, not was), positive=True))
    assert f"row 'r3': prediction {was}, recorded {not was}" in said


def test_other_score_than_recorded_is_refused_unless_within_the_tolerance(tmp_path, model, frame):
    rows = recorded(frame[:10], model, label=True)
    folder = written(tmp_path / "r", model, rows=changed(rows, "score", 2, rows["score"][2] * (1 + 1e-7)), positive=True)
    assert "row 'r2': score" in refusal(folder)
    assert load(folder, rtol=1e-6).self_tested == 10


def test_score_that_was_written_with_few_decimals_is_no_other(tmp_path, model, frame):
    rows = recorded(frame[:10], model, label=True)
    rows["score"] = [round(each, 4) for each in rows["score"]]
    rough = dict(rows, precision={"prediction": None, "score": [0.5e-4] * 10})
    assert "score" in refusal(written(tmp_path / "exact", model, rows=rows, positive=True))
    assert load(written(tmp_path / "rough", model, rows=rough, positive=True)).self_tested == 10


def test_labels_written_as_text_are_the_same(tmp_path, model, frame):
    rows = recorded(frame[:10], model)
    rows["prediction"] = [str(each) for each in rows["prediction"]]
    assert load(written(tmp_path / "r", model, rows=rows)).self_tested == 10


def test_release_without_rows_says_why_it_is_not_tested(tmp_path, model, frame):
    assert load(written(tmp_path / "one", model, untested="no predictions")).untested == "no predictions"
    rows = recorded(frame[:10], model)
    rows["columns"][1] = "z"
    found = load(written(tmp_path / "two", model, rows=rows))
    assert (found.self_tested, found.untested) == (0, "its recorded rows lack the column 'b'")


def test_text_that_may_be_in_several_columns_is_not_guessed(tmp_path):
    made = pipeline.make_pipeline(text.TfidfVectorizer(), linear.LogisticRegression()).fit(["aa", "bb"] * 5, [0, 1] * 5)
    said = refusal(written(tmp_path / "r", made, columns=[column("title", "string"), column("body", "string")]))
    assert "any of title, body" in said
    assert "absentAtServing" in said


def test_several_models_in_one_use_one_thread(tmp_path, frame):
    ensemble = Module("sklearn.ensemble")
    forest = ensemble.RandomForestClassifier(3, n_jobs=2)
    made = ensemble.StackingClassifier([("f", forest)], n_jobs=2, cv=2).fit(frame, frame["a"] > 0)
    loaded = load(written(tmp_path / "r", made)).predictor.model
    assert (loaded.n_jobs, loaded.estimators_[0].n_jobs) == (1, 1)


def test_values_that_the_model_cannot_take_are_refused_and_not_repeated(tmp_path, model, frame):
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model)))
    for row in (["secret", 1.0], [10**400, 1.0], [None, 1.0], [float("inf"), 1.0], [{}, 1.0]):
        with pytest.raises(RefusedRequestError) as caught:
            loaded.predictor.predict([row], method="predict")
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "spoil", [lambda each: each["rows"][0].pop(), lambda each: each.update(schema=2), lambda each: each.pop("columns")]
)
def test_self_test_that_is_none_is_refused(tmp_path, model, frame, spoil):
    rows = recorded(frame[:10], model)
    spoil(rows)
    assert "no rows with recorded answers" in refusal(written(tmp_path / "r", model, rows=rows))


def test_model_that_was_not_fitted_is_refused(tmp_path):
    assert "NotFittedError" in refusal(written(tmp_path / "r", linear.LinearRegression()))


def test_folder_without_release_is_refused(tmp_path):
    (tmp_path / "release.json").write_text(json.dumps({"schema": 9}))
    assert "not a release" in refusal(tmp_path)
