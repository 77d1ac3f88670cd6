"""The models of mlgit's own templates are served as their projects write them."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import pytest

import mlgit
from mlgit.errors import MlgitError
from mlgit.serving import function_predictor
from mlgit.serving.load import load
from tests.kit.late import Module
from tests.serving.model_folders import column, recorded, written

pytestmark = pytest.mark.slow  # models are trained
np, pd = Module("numpy"), Module("pandas")
TEMPLATES = Path(mlgit.__file__).parents[1] / "templates"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Copies the package of a template, and imports a module of it."""
    root = tmp_path / "code/src"

    def imported(template, *names):
        shutil.copytree(TEMPLATES / template / "files/src/package", root / "served_package")
        return [importlib.import_module(f"served_package.{name}") for name in names]

    monkeypatch.syspath_prepend(str(root))
    yield imported
    if function_predictor._Active.code:
        function_predictor._Active.code.leave()
    for name in [each for each in sys.modules if each.partition(".")[0] == "served_package"]:
        del sys.modules[name]


def saved(model, trained, folder):
    model.save(folder / "saved.skops", trained)
    return (folder / "saved.skops").read_bytes()


def test_tabular_classification(tmp_path, package):
    model, columns, parameters = package("tabular-classification", "model", "columns", "parameters")
    frame = pd.DataFrame(np.random.default_rng(0).random((60, 30)), columns=list(columns.FEATURES))
    trained = model.build(parameters.Train(C=1.0, max_iter=100), seed=1).fit(frame, (frame["mean_area"] > 0.5).astype(int))
    content = saved(model, trained, tmp_path)
    loaded = load(written(tmp_path / "r", content, rows=recorded(frame[:10], trained, label=1), positive=1))
    assert (loaded.predictor.form, loaded.self_tested, loaded.inputs.names) == ("numbers", 10, columns.FEATURES)


def test_text_classification(tmp_path, package):
    model, parameters = package("text-classification", "model", "parameters")
    frame = pd.DataFrame(
        {
            "module": ["io", "sort", "fft", "sort"] * 3,
            "text": ["read a file", "sort an array", "transform it", "order rows"] * 3,
        }
    )
    labels = ["pandas", "numpy", "scipy", "numpy"] * 3
    trained = model.build(parameters.Train(C=1.0, max_iter=100, ngrams=1), seed=1).fit(frame["text"], labels)
    content = saved(model, trained, tmp_path)
    rows = recorded(frame[:10], trained, given=frame["text"][:10])
    loaded = load(written(tmp_path / "r", content, rows=rows, columns=[column("text", "string", required=True)]))
    assert (loaded.inputs.names, loaded.self_tested, loaded.predictor.classes) == (("text",), 10, ("numpy", "pandas", "scipy"))


def test_forecasting_answers_by_its_own_code(tmp_path, package):
    model, columns, parameters = package("forecasting", "model", "columns", "parameters")
    names = [*columns.FEATURES, columns.LAST_YEAR, columns.GROWTH]
    frame = pd.DataFrame(np.random.default_rng(0).random((60, len(names))), columns=names)
    frame["horizon"] = np.arange(60) % 12 + 1
    given = parameters.Train(max_iter=5, learning_rate=0.1, max_leaf_nodes=4, min_samples_leaf=5)
    forecaster = model.Forecaster(model.fit(model.build(given, seed=1), frame, frame["excess_now"]), np.ones(12))
    content = saved(model, forecaster, tmp_path)
    rows = {"schema": 1, "columns": names, "rows": frame[:10].to_numpy().tolist(), "ids": list(range(10)), "score": None}
    rows["prediction"] = model.predict(forecaster, frame[:10]).tolist()
    for name in [each for each in sys.modules if each.partition(".")[0] == "served_package"]:
        del sys.modules[name]
    code = {f"src/served_package/{each.name}": each.read_text() for each in (tmp_path / "code/src/served_package").glob("*.py")}
    folder = written(tmp_path / "r", content, rows=rows, code=code)
    with pytest.raises(MlgitError, match="is a dict, which has no `predict`"):
        load(folder)
    loaded = load(folder, predictor="served_package.serving:Forecast")
    assert (loaded.self_tested, loaded.inputs.names) == (10, tuple(names))
