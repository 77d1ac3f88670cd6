"""Models of every kind are loaded, and answer as they did when they were trained."""

from __future__ import annotations

import json

import pytest

from mlgit.errors import MlgitError
from mlgit.serving import estimator, open_inference
from mlgit.serving.load import load
from mlgit.serving.rows import RefusedRequestError, Rows
from tests.kit.late import Module
from tests.serving.model_folders import column, plain, recorded, written

pytestmark = pytest.mark.slow  # scikit-learn is imported
np, pd = Module("numpy"), Module("pandas")
compose, ensemble, linear = Module("sklearn.compose"), Module("sklearn.ensemble"), Module("sklearn.linear_model")
pipeline, preprocessing, impute = Module("sklearn.pipeline"), Module("sklearn.preprocessing"), Module("sklearn.impute")
text = Module("sklearn.feature_extraction.text")


def numbers(rows=60, columns=5):
    rng = np.random.default_rng(7)
    return pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{at}" for at in range(columns)])


def mixed():
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, 80),
            "income": rng.normal(3e4, 1e4, 80).round(2),
            "city": rng.choice(["Rome", "Oslo", "Köln"], 80),
            "member": rng.random(80) < 0.5,
        }
    )


MIXED = [column("age", "integer"), column("income", "number"), column("city", "string"), column("member", "boolean")]


def answers(loaded, frame, method="predict"):
    data = loaded.inputs.aligned(Rows(tuple(frame.columns), plain(frame)))
    assert loaded.inputs.violations(data) == []
    return loaded.predictor.predict(data, method=method)


def kinds():
    frame = numbers()
    label, amount = frame["x0"] + frame["x1"] > 0, frame["x0"] * 3 + frame["x2"]
    scaled = pipeline.make_pipeline(preprocessing.StandardScaler(), linear.LogisticRegression())
    yield scaled.fit(frame, label)
    yield ensemble.RandomForestClassifier(12, n_jobs=2).fit(frame, np.where(label, "yes", "no"))
    yield ensemble.HistGradientBoostingClassifier(max_iter=5).fit(frame, label.astype(int))
    yield ensemble.HistGradientBoostingRegressor(max_iter=5).fit(frame, amount)
    yield linear.LinearRegression().fit(frame, np.c_[amount, -amount])
    yield ensemble.RandomForestClassifier(5).fit(frame, np.c_[label, ~label])
    yield ensemble.VotingClassifier([("a", scaled), ("b", ensemble.RandomForestClassifier(3))], n_jobs=2).fit(frame, label)
    yield ensemble.IsolationForest(n_estimators=5).fit(frame)


@pytest.mark.parametrize("number", range(8))
def test_model_of_numbers_takes_arrays_and_answers_as_trained(tmp_path, number):
    frame = numbers()
    model = list(kinds())[number]
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model)))
    assert (loaded.predictor.form, loaded.self_tested, loaded.inputs.names) == ("numbers", 10, tuple(frame.columns))
    found, wanted = answers(loaded, frame), model.predict(frame)
    assert np.allclose(found, wanted, rtol=1e-12) if wanted.dtype.kind == "f" else (found == wanted).all()
    if "predict_proba" in loaded.predictor.methods:
        np.testing.assert_allclose(answers(loaded, frame, "predict_proba"), model.predict_proba(frame), rtol=1e-12)


def test_no_warning_is_given_for_arrays(tmp_path, recwarn):
    frame = numbers()
    model = next(kinds())
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model)))
    recwarn.clear()
    answers(loaded, frame)
    assert [str(each.message) for each in recwarn] == []


def columns_of(*, encoder):
    return compose.make_column_transformer(
        (preprocessing.StandardScaler(), ["age", "income"]), (encoder, ["city"]), remainder="passthrough"
    )


def test_pipeline_with_columns_of_text_takes_a_table(tmp_path):
    frame = mixed()
    label = (frame["city"] == "Rome") ^ frame["member"]
    model = pipeline.make_pipeline(columns_of(encoder=preprocessing.OneHotEncoder()), linear.LogisticRegression()).fit(
        frame, label
    )
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model, label=True), columns=MIXED, positive=True))
    assert loaded.predictor.form == "table"
    np.testing.assert_allclose(answers(loaded, frame, "predict_proba"), model.predict_proba(frame), rtol=1e-12)
    for place in range(20):
        one = frame[place : place + 1]
        np.testing.assert_allclose(answers(loaded, one, "predict_proba"), model.predict_proba(one), rtol=1e-12)


def test_category_that_was_not_trained_is_refused_without_its_name(tmp_path):
    frame = mixed()
    model = pipeline.make_pipeline(columns_of(encoder=preprocessing.OneHotEncoder()), linear.LogisticRegression())
    model.fit(frame, frame["member"])
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model), columns=MIXED))
    with pytest.raises(RefusedRequestError) as caught:
        loaded.predictor.predict([[1, 2.0, "Atlantis", True]], method="predict")
    assert "Atlantis" not in str(caught.value)
    assert caught.value.status == 400


def test_categories_are_handed_over_as_such(tmp_path):
    frame = mixed().drop(columns="member")
    trained = frame.astype({"city": "category"})
    model = ensemble.HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    model.fit(trained, frame["city"] == "Oslo")
    rows = recorded(frame[:10], model, label=True, given=trained[:10])
    folder = written(tmp_path / "r", model, rows=rows, columns=MIXED[:3], positive=True)
    loaded = load(folder, trust=frozenset({"functools.partial", "sklearn.utils.validation.check_array"}))
    np.testing.assert_allclose(answers(loaded, frame, "predict_proba"), model.predict_proba(trained), rtol=1e-12)


def test_missing_values_are_nan_to_models_that_know_them(tmp_path):
    frame = numbers()
    frame = frame.mask(np.random.default_rng(1).random(frame.shape) < 0.2)
    label = frame["x0"].fillna(1) > 0
    model = pipeline.make_pipeline(impute.SimpleImputer(add_indicator=True), linear.LogisticRegression()).fit(frame, label)
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model)))
    np.testing.assert_allclose(answers(loaded, frame, "predict_proba"), model.predict_proba(frame), rtol=1e-12)


def test_missing_value_is_refused_by_a_model_that_does_not_know_them(tmp_path):
    frame = numbers()
    model = next(kinds())
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model)))
    with pytest.raises(RefusedRequestError):
        loaded.predictor.predict([[None, 1.0, 2.0, 3.0, 4.0]], method="predict")


def test_model_trained_with_arrays_has_the_contracts_columns(tmp_path):
    frame = numbers()
    model = linear.LinearRegression().fit(frame.to_numpy(), frame["x0"] * 2)
    columns = [column(name, "number") for name in frame] + [
        column("y", "number", customProperties=[{"property": "absentAtServing", "value": True}])
    ]
    loaded = load(
        written(tmp_path / "r", model, rows=recorded(frame[:10], model, given=frame[:10].to_numpy()), columns=columns)
    )
    assert loaded.inputs.names == tuple(frame.columns)


def test_model_trained_with_arrays_and_no_contract_takes_rows_of_its_width(tmp_path):
    frame = numbers()
    model = linear.LinearRegression().fit(frame.to_numpy(), frame["x0"] * 2)
    loaded = load(written(tmp_path / "r", model))
    assert (loaded.inputs.names, loaded.inputs.width, loaded.self_tested) == ((), 5, 0)
    with pytest.raises(RefusedRequestError):
        loaded.inputs.aligned(Rows(None, [[1.0, 2.0]]))


def test_names_that_the_library_changed_are_asked_for_as_in_the_table(tmp_path):
    frame = numbers().rename(columns=lambda name: f"{name} of it")
    model = linear.LinearRegression().fit(frame.to_numpy(), frame["x0 of it"] * 2)
    model.feature_names_in_ = np.array([name.replace(" ", "_") for name in frame], dtype=object)  # as LightGBM does
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model, given=frame[:10].to_numpy())))
    assert (loaded.inputs.names, loaded.self_tested) == (tuple(frame), 10)


def test_text_is_found_among_the_columns_by_the_recorded_answers(tmp_path):
    frame = pd.DataFrame(
        {"name": ["u", "v", "w", "z"] * 5, "text": ["good fun", "bad day", "good day", "bad fun"] * 5, "n": range(20)}
    )
    model = pipeline.make_pipeline(text.TfidfVectorizer(), linear.LogisticRegression(C=100))
    model.fit(frame["text"], frame["text"].str.startswith("good"))
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:4], model, given=frame["text"][:4])))
    assert (loaded.predictor.form, loaded.inputs.names) == ("texts", ("text",))
    assert [each.type for each in loaded.inputs.columns] == ["string"]
    assert loaded.predictor.predict([["a good one"]], method="predict").tolist() == [True]
    with pytest.raises(RefusedRequestError):
        loaded.predictor.predict([[5]], method="predict")


def test_model_trained_with_arrays_of_texts_takes_such(tmp_path):
    frame = mixed()[["city", "member"]].astype({"member": str})
    model = pipeline.make_pipeline(preprocessing.OneHotEncoder(handle_unknown="ignore"), linear.LogisticRegression())
    model.fit(frame.to_numpy(dtype=object), frame["city"] == "Oslo")
    rows = recorded(frame[:10], model, label=True, given=frame[:10].to_numpy(dtype=object))
    loaded = load(written(tmp_path / "r", model, rows=rows, positive=True))
    assert (loaded.predictor.form, loaded.self_tested, loaded.inputs.names) == ("objects", 10, ("city", "member"))


def test_texts_are_told_as_such_without_a_contract_too(tmp_path):
    frame = mixed()
    model = pipeline.make_pipeline(columns_of(encoder=preprocessing.OneHotEncoder()), linear.LogisticRegression())
    model.fit(frame, frame["member"])
    loaded = load(written(tmp_path / "r", model, rows=recorded(frame[:10], model)))
    assert {each.name: each.type for each in loaded.inputs.columns}["city"] == "string"
    assert json.loads(open_inference.metadata(loaded))["inputs"][list(frame.columns).index("city")]["datatype"] == "BYTES"


def test_untested_pipeline_with_texts_is_given_a_table(tmp_path):
    frame = mixed()
    model = pipeline.make_pipeline(columns_of(encoder=preprocessing.OneHotEncoder()), linear.LogisticRegression())
    loaded = load(written(tmp_path / "r", model.fit(frame, frame["member"])))
    assert (loaded.predictor.form, loaded.self_tested) == ("table", 0)
    np.testing.assert_allclose(answers(loaded, frame, "predict_proba"), model.predict_proba(frame), rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        ([1, 2], "", "int64"),
        ([1, None], "integer", "float64"),
        ([1, 2.5], "", "float64"),
        ([None], "number", "float64"),
        ([None], "string", "str"),
        (["a", None], "", "str"),
        ([True, False], "boolean", "bool"),
        ([True, None], "boolean", "object"),
        (["a", 1], "", "object"),
        ([2**70, 1], "", "float64"),
    ],
)
def test_column_of_a_table_has_the_type_that_a_reader_of_csv_gives(values, kind, dtype):
    found = estimator.handed([[each, 1] for each in values], form="table", columns=("x", "y"), types=(kind, ""))
    assert str(found["x"].dtype) == dtype
    assert [each for each in found["x"] if each is None] == []


def test_untested_model_that_tells_names_takes_arrays_where_a_table_gives_the_same(tmp_path):
    model = next(kinds())
    loaded = load(written(tmp_path / "r", model))
    assert (loaded.predictor.form, loaded.self_tested) == ("numbers", 0)


def test_what_is_no_model_is_told_to_need_a_predictor(tmp_path):
    with pytest.raises(MlgitError) as caught:
        load(written(tmp_path / "r", {"widths": [1, 2]}))
    assert "which has no `predict`" in caught.value.message
    assert "--predictor" in caught.value.hint
