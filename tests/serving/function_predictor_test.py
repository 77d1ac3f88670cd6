"""A predictor of the released code: it answers, is tested, and does not mix with that of another release."""

from __future__ import annotations

import sys

import pytest

from mlgit.errors import MlgitError
from mlgit.serving import function_predictor
from mlgit.serving.load import load
from mlgit.serving.rows import RefusedRequestError
from tests.serving.model_folders import column, written

pytestmark = pytest.mark.slow  # pandas is imported
COLUMNS = [column("a", "number", required=True), column("city", "string")]
ROWS = {"schema": 1, "columns": ["a", "city"], "rows": [[1.0, "Rome"], [2.0, None]], "ids": ["x", "y"], "score": None}
SUM = "from released import rule\n\ndef predict(frame):\n    return frame['a'] * rule.FACTOR\n"
PACKAGE = {"src/released/__init__.py": "", "src/released/rule.py": "FACTOR = 2\n", "src/released/serve.py": SUM}


@pytest.fixture(autouse=True)
def clean():
    before, path = {*sys.modules}, [*sys.path]
    yield
    if function_predictor._Active.code:
        function_predictor._Active.code.leave()
    for name in {*sys.modules} - before:
        if name.startswith("released"):
            del sys.modules[name]
    assert sys.path == path


def refusal(folder, name="released.serve:predict", **more):
    with pytest.raises(MlgitError) as caught:
        load(folder, predictor=name, **more)
    return f"{caught.value.message} | {caught.value.hint}"


def test_function_of_the_release_answers_and_is_tested(tmp_path):
    rows = {**ROWS, "prediction": [2.0, 4.0]}
    loaded = load(
        written(tmp_path / "r", b"any bytes", code=PACKAGE, columns=COLUMNS, rows=rows), predictor="released.serve:predict"
    )
    assert (loaded.self_tested, loaded.predictor.columns, loaded.predictor.methods) == (2, ("a", "city"), ("predict",))
    assert loaded.predictor.predict([[5.0, "Oslo"]], method="predict").tolist() == [10.0]
    assert [each.rule for each in loaded.inputs.violations([["x", "Oslo"]])] == ["a.type"]


def test_other_answer_than_recorded_is_refused(tmp_path):
    folder = written(tmp_path / "r", b"", code=PACKAGE, columns=COLUMNS, rows={**ROWS, "prediction": [2.0, 5.0]})
    assert "row 'y': prediction 4.0, recorded 5.0" in refusal(folder)


def test_function_may_ask_for_the_path_of_the_model(tmp_path):
    code = {"p.py": "def predict(frame, model):\n    return [open(model).read()] * len(frame)\n"}
    loaded = load(written(tmp_path / "r", b"content", code=code, columns=COLUMNS), predictor="p:predict")
    assert loaded.predictor.predict([[1.0, "a"]], method="predict").tolist() == ["content"]


def test_class_is_made_once_with_the_model_and_says_what_it_takes(tmp_path):
    code = {
        "p.py": (
            "class Model:\n    columns = ['city']\n    classes_ = ['no', 'yes']\n    made = 0\n"
            "    def __init__(self, path):\n        Model.made += 1\n        self.path = path\n"
            "    def predict(self, frame):\n        return frame['city'].str.len() * Model.made\n"
            "    def predict_proba(self, frame):\n        return [[0.25, 0.75]] * len(frame)\n"
        )
    }
    loaded = load(written(tmp_path / "r", b"", code=code, columns=COLUMNS), predictor="p:Model")
    assert (loaded.inputs.names, loaded.predictor.classes) == (("city",), ("no", "yes"))
    assert loaded.predictor.predict([["Rome"]], method="predict").tolist() == [4]
    assert loaded.predictor.predict([["Rome"]], method="predict_proba").tolist() == [[0.25, 0.75]]


def test_two_releases_have_modules_of_their_own(tmp_path):
    late = "def predict(frame):\n    from released import rule\n    return frame['a'] * rule.FACTOR\n"
    loaded = []
    for factor in (2, 3):
        code = {**PACKAGE, "src/released/rule.py": f"FACTOR = {factor}\n", "src/released/serve.py": late}
        loaded.append(
            load(written(tmp_path / f"r{factor}", b"", code=code, columns=COLUMNS), predictor="released.serve:predict")
        )
    for _ in range(2):
        assert [each.predictor.predict([[1.0, "a"]], method="predict").tolist() for each in loaded] == [[2.0], [3.0]]


def test_value_error_refuses_the_request_and_is_not_repeated(tmp_path):
    code = {"p.py": "def predict(frame):\n    raise ValueError('secret')\n"}
    loaded = load(written(tmp_path / "r", b"", code=code, columns=COLUMNS), predictor="p:predict")
    with pytest.raises(RefusedRequestError) as caught:
        loaded.predictor.predict([[1.0, "a"]], method="predict")
    assert "secret" not in str(caught.value)


def test_answer_of_another_length_is_no_answer(tmp_path):
    code = {"p.py": "def predict(frame):\n    return [1, 2, 3]\n"}
    loaded = load(written(tmp_path / "r", b"", code=code, columns=COLUMNS), predictor="p:predict")
    with pytest.raises(RuntimeError, match="3 answers for 1 rows"):
        loaded.predictor.predict([[1.0, "a"]], method="predict")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("p", "not MODULE:NAME"),
        ("p:..", "not MODULE:NAME"),
        ("absent:predict", "ModuleNotFoundError"),
        ("p:absent", "AttributeError"),
        ("p:VALUE", "neither a function nor a class"),
        ("p:none", "a function of 0 arguments"),
        ("p:Empty", "no `predict`"),
        ("broken:predict", "ZeroDivisionError"),
        ("exits:predict", "SystemExit"),
    ],
)
def test_what_is_no_predictor_is_told(tmp_path, name, said):
    code = {
        "p.py": "VALUE = 1\ndef none(): pass\nclass Empty:\n    def __init__(self, path): pass\n",
        "broken.py": "1 / 0\n",
        "exits.py": "raise SystemExit(3)\n",
    }
    assert said in refusal(written(tmp_path / "r", b"", code=code, columns=COLUMNS), name)


def test_release_without_code_or_columns_is_refused(tmp_path):
    assert "has no code" in refusal(written(tmp_path / "one", b"", columns=COLUMNS))
    assert "which columns it takes" in refusal(written(tmp_path / "two", b"", code=PACKAGE))


def test_altered_model_is_refused_before_its_code_runs(tmp_path):
    code = {"p.py": f"open({str(tmp_path / 'ran')!r}, 'w')\ndef predict(frame): pass\n"}
    folder = written(tmp_path / "r", b"content", code=code, columns=COLUMNS)
    (folder / "model/model.skops").write_bytes(b"other")
    assert "its digest differs" in refusal(folder, "p:predict")
    assert not (tmp_path / "ran").exists()
