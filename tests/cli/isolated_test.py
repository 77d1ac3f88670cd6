"""mlgit in an environment of its own: stages run in that of the project, which has another DVC and no mlgit."""

from __future__ import annotations

import ast
import json
import os
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from mlgit.scaffold import library
from tests.kit import commit, git, mlgit, program, repository, write_tree

BROKEN = "raise ImportError('this is the environment of the project')\n"
SEES = """import json, os, sys
names = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONSAFEPATH", "PATH")
json.dump([sys.prefix, *map(os.environ.get, names)], open("seen.json", "w"))
"""
PIPELINE = "stages:\n  see:\n    cmd: python see.py\n    outs: [seen.json]\n"


@pytest.fixture
def own(tmp_path):
    """An environment of the project: the packages of the tests, but no mlgit, and a DVC that is another."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True, with_pip=False)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = folder / "lib" / version / "site-packages"
    for name in ("mlgit", "dvc"):
        write_tree(packages, {f"{name}/__init__.py": BROKEN, f"{name}-1.0.dist-info/METADATA": f"Name: {name}\nVersion: 1.0\n"})
    (packages / "zz.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "bin/dvc").write_text("#!/bin/sh\necho another >&2\nexit 99\n")
    (folder / "bin/dvc").chmod(0o755)
    return folder


def activated(environment: Path) -> dict[str, str]:
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != str(Path(sys.executable).parent)]
    return {"VIRTUAL_ENV": str(environment), "PATH": os.pathsep.join([str(environment / "bin"), *path])}


@pytest.mark.slow
def test_stages_see_the_active_environment_and_nothing_of_mlgit_s(tmp_path, own):
    root = repository(tmp_path / "project", {"dvc.yaml": PIPELINE, "see.py": SEES})
    env = activated(own)
    assert mlgit(root, "run", env=env).code == 0
    prefix, active, python_path, safe, path = json.loads((root / "seen.json").read_text())
    assert (prefix, active, python_path, safe) == (str(own), str(own), None, None)
    before, _, last = path.rpartition(os.pathsep)
    assert before == env["PATH"]
    assert os.listdir(last) == ["mlgit"]
    assert program(tmp_path, [f"{last}/mlgit", "--version"]).code == 0


@pytest.mark.slow
@pytest.mark.full
def test_template_runs_and_is_judged_where_mlgit_is_not_installed(tmp_path, own):
    env = activated(own)
    assert mlgit(tmp_path, "new", "churn", "--defaults", env=env).code == 0
    root = tmp_path / "churn"
    assert mlgit(root, "ci", "run", env=env).code == 0
    for words in (["card", "build", "--reviewed", "all"], ["gate", "HEAD"], ["card", "check"], ["status"]):
        done = mlgit(root, *words, env=env)
        assert done.code == 0, (words, done.said)
    commit(root, "Train")
    for words in (["register", "churn"], ["promote", "churn", "staging"]):
        assert mlgit(root, "model", *words, env=env).code == 0
    assert git(root, "tag").splitlines() == ["churn#staging#1", "churn@v0.0.1"]


@pytest.mark.slow
def test_baseline_is_run_anew_beside_modules_of_a_project_that_are_called_as_mlgit_s_are(tmp_path, own):
    names = {f"{name}.py": BROKEN for name in ("yaml", "click", "mlgit", "dvc")}
    root = repository(tmp_path / "project", {"dvc.yaml": PIPELINE, "see.py": SEES.replace("sys.prefix", "1"), **names})
    write_tree(root, {"dvc.yaml": "stages:\n  m: {cmd: echo 1 > m, outs: [m]}\nartifacts:\n  m: {path: m, type: model}\n"})
    env = {**activated(own), "PYTHONSAFEPATH": "1"}
    assert mlgit(root, "run", env=env).code == 0
    commit(root, "Run")
    assert mlgit(root, "model", "register", "m", env=env).code == 0
    del env["PYTHONSAFEPATH"]
    done = program(root, [sys.executable, "-P", "-m", "mlgit", "model", "reproduce", "m"], env=env)
    assert done.code == 0, done.said


def test_code_of_templates_imports_neither_mlgit_nor_dvc():
    for path in library.shelf().rglob("*.py*"):
        names = [
            name
            for node in ast.walk(ast.parse(path.read_text().replace("[[ package_name ]]", "p")))
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in getattr(node, "names", ())]
            )
        ]
        assert not {name.partition(".")[0] for name in names} & {"mlgit", "dvc", "dvclive"}, path


def test_doctor_says_which_python_stages_use_when_the_environment_of_the_project_is_not_active(tmp_path, cli, monkeypatch):
    root = repository(tmp_path / "project", {"dvc.yaml": "stages: {}\n", ".gitignore": "/.venv/\n"})
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert cli(root, "doctor").code == 0
    write_tree(root, {".venv/bin/python": "#!/bin/sh\n"})
    done = cli(root, "doctor")
    assert (done.code, "is not active: stages" in done.said, ". .venv/bin/activate" in done.said) == (1, True, True)
    monkeypatch.setenv("VIRTUAL_ENV", str(root / ".venv"))
    assert cli(root, "doctor").code == 0
