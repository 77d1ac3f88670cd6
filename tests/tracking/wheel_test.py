"""The second wheel: what the store for MLflow is made of, copied out of mlgit, and nothing of DVC, pandas or click."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.kit import write_tree

CHECKOUT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("copy_store", CHECKOUT / "tracking/copy_store.py")
assert _SPEC
assert _SPEC.loader
copy_store = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(copy_store)

# Git's objects are written without it by all that the store calls; the module has other verbs, too.
IN_A_FUNCTION_NEVER_CALLED = {"gitdb": {"mlgit.adapters.git.git"}}


def test_store_imports_mlflow_and_the_standard_library_only():
    found = copy_store.foreign(copy_store.modules())
    assert {
        name: found[name] for name in found.keys() - sys.stdlib_module_names - {"mlflow", "yaml"}
    } == IN_A_FUNCTION_NEVER_CALLED


def test_store_is_small_and_has_nothing_of_pipelines_and_models():
    rooms = {name.split(".")[1] for name in copy_store.modules() if "." in name}
    assert rooms == {"adapters", "errors", "experiments", "registry", "render", "tracking"}
    assert len(copy_store.modules()) < 75


def test_every_module_of_the_room_is_copied():
    copied = {name.rpartition(".")[2] for name in copy_store.modules() if name.startswith("mlgit.tracking.")}
    assert copied == {path.stem for path in (CHECKOUT / "mlgit/tracking").glob("*.py")} - {"__init__"}


def test_imports_get_the_new_name_and_other_words_stay(tmp_path):
    source = {
        "mlgit/__init__.py": "",
        "mlgit/errors.py": "",
        "mlgit/tracking/__init__.py": "",
        "mlgit/tracking/plugin.py": (
            '"""\nfrom mlgit import this stays\n"""\n\nfrom mlgit.errors import (\n    A,\n)\n'
            "HINT = 'mlgit.errors, mlgit push'\n\n\ndef f():\n    from mlgit import errors\n    import mlgit.errors\n"
        ),
        "mlgit/other.py": "import pandas\n",
    }
    write_tree(tmp_path, source)
    copy_store.copy(tmp_path / "copy", source=tmp_path)
    text = (tmp_path / "copy/tracking/plugin.py").read_text()
    assert '"""\nfrom mlgit import this stays\n"""\n\nfrom mlgit_tracking.errors import (\n' in text
    assert "'mlgit.errors, mlgit push'" in text
    assert "    from mlgit_tracking import errors\n    import mlgit_tracking.errors\n" in text
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["__init__.py", "errors.py", "py.typed", "tracking"]


def test_no_import_of_mlgit_is_left_in_the_copy(tmp_path):
    copy_store.copy(tmp_path)
    files = list(tmp_path.rglob("*.py"))
    left = [
        path.name
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlgit")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "mlgit" for alias in node.names))
    ]
    assert left == []
    assert len(files) == len(copy_store.modules())


def test_both_packages_name_the_same_entry_points_and_they_exist():
    from mlgit.tracking import plugin

    whole, small = (
        tomllib.loads((CHECKOUT / path).read_text())["project"] for path in ("pyproject.toml", "tracking/pyproject.toml")
    )
    points = {group: each["mlgit"] for group, each in whole["entry-points"].items()}
    assert points.keys() == {"mlflow.tracking_store", "mlflow.model_registry_store", "mlflow.artifact_repository"}
    copied = {group: each["mlgit"].replace("mlgit_tracking.", "mlgit.", 1) for group, each in small["entry-points"].items()}
    assert points == copied
    for point in points.values():
        module, _, name = point.partition(":")
        assert module == plugin.__name__
        assert callable(getattr(plugin, name))
    assert small["dependencies"] == whole["optional-dependencies"]["mlflow"]


def test_plugin_imports_nothing_when_mlflow_loads_it():
    code = "import sys; before = set(sys.modules); import mlgit.tracking.plugin; print(*sorted(set(sys.modules) - before))"
    said = subprocess.run([sys.executable, "-c", f"import typing; {code}"], capture_output=True, text=True, check=True).stdout
    assert set(said.split()) <= {"mlgit", "mlgit.tracking", "mlgit.tracking.plugin", "__future__"}


@pytest.mark.slow
def test_wheel_logs_a_run_without_mlgit(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(CHECKOUT / "tracking")]
    subprocess.run(build, check=True, capture_output=True, cwd=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    done = subprocess.run(
        ["bash", str(CHECKOUT / ".ci/check-tracking-wheel"), str(wheel)], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "logged and read a run with" in done.stdout
