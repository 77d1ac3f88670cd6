"""Features as one uses them: hooks, notebooks and the script of the container, each called as its program would call it."""

import json
import re
import shlex
import sys
import zipfile
from pathlib import Path

import pytest

from tests.kit import FULL, example, git, program, write_tree
from tests.kit.once import copied
from tests.scaffold.feature_files import files_of, hooks, part_files

pytestmark = pytest.mark.slow  # a project that ran, and environments


@pytest.fixture(scope="module")
def project(tmp_path_factory, example_that_ran):
    """The example after its run, as the second project of a repository, with hooks and notebook."""
    top = tmp_path_factory.mktemp("features")
    root = copied(example_that_ran, top / "models/churn_2")
    (root / ".git").rename(top / ".git")
    write_tree(top, {path: text for path, (_, text) in part_files("pre-commit", "subfolder").items()})
    write_tree(top, {path: text for path, (_, text) in part_files("notebooks", "subfolder").items()})
    return top


def called(top, name):
    """What a hook of this name answers to all files it looks at."""
    (hook,) = [each for each in hooks("subfolder") if each["id"] == name]
    files = git(top, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    looked_at = [path for path in files if re.search(hook.get("files", ""), path) and path.endswith((".py", ".ipynb"))]
    given = [] if hook.get("pass_filenames") is False else looked_at
    return program(top, [*shlex.split(hook["entry"]), *given], env=example.environment())


@pytest.mark.parametrize("name", ["ruff-check", "ruff-format", "data", "status"])
def test_hook_says_yes_to_a_project_that_ran(project, name):
    done = called(project, name)
    assert done.code == 0, done.said


def test_hooks_say_no_to_a_fault_of_each_kind(project):
    src = project / "models/churn_2/src/example_project/columns.py"
    params = project / "models/churn_2/params.yaml"
    raw = project / "models/churn_2/data/raw.csv"
    kept = {path: path.read_bytes() for path in (src, params, raw)}
    src.write_text("import os\n" + src.read_text())
    params.write_text(params.read_text().replace("C: 1.0", "C: 2.0"))
    raw.unlink()
    raw.write_bytes(kept[raw].replace(b"\n1,", b"\n-,", 1))
    try:
        assert {name: called(project, name).code for name in ("ruff-check", "data", "status")} == {
            "ruff-check": 1,
            "data": 1,
            "status": 1,
        }
    finally:
        for path, content in kept.items():
            path.unlink()
            path.write_bytes(content)


def executed(folder, text):
    """What the code of a notebook prints, called where Jupyter would call it."""
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return program(folder, [sys.executable, "-c", "\n".join("".join(cell["source"]) for cell in cells)])


def test_notebook_shows_the_results_and_those_of_earlier_commits(project):
    folder = project / "models/churn_2/notebooks"
    text = (folder / "results.ipynb").read_text()
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Run the pipeline")
    metrics = project / "models/churn_2/reports/metrics.json"
    measured = json.loads(metrics.read_text())
    metrics.write_text(json.dumps({**measured, "last": {"mae": 0.5, "all": [1, 2]}}))
    done = executed(folder, text)
    metrics.write_text(json.dumps(measured, indent=2, sort_keys=True) + "\n")
    assert done.code == 0, done.said
    now, _, then = done.out.partition(git(project, "log", "-1", "--format=%h"))
    assert re.search(r"^last\.mae +0\.5$", now, re.MULTILINE)
    assert re.search(rf"^recall +{measured['recall']}$", then, re.MULTILINE)


def wheel(folder, name, script):
    """A package that installs offline: one module, and a program of its name."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", script)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.mark.skipif(not FULL, reason="makes two environments, which takes half a minute")
def test_container_gets_the_code_s_environment_and_mlgit_apart_from_it(tmp_path):
    top = write_tree(tmp_path / "top", files_of("subfolder"))
    shown = "import sys\ndef main():\n    print('mlgit', *sys.argv[1:])\n"
    for name, before in (("needed", ""), ("plotter", "notebooks-"), ("mlgit", "mlgit-")):
        (top / f"models/churn_2/{before}requirements.txt").write_text(f"{wheel(tmp_path, name, shown)}\n")
    home = tmp_path / "home"
    container = json.loads((top / ".devcontainer/models-churn-2-project/devcontainer.json").read_text())
    env = {**example.environment(), "HOME": str(home), "PIP_NO_INDEX": "1"}
    done = program(top, shlex.split(container["postCreateCommand"]), env=env)
    assert (done.code, done.out.splitlines()[-1]) == (0, "mlgit --version"), done.said
    programs = {path.name for path in (home / "project/bin").iterdir()}
    assert {"needed", "plotter"} <= programs
    assert "mlgit" not in programs
    assert [path.name for path in (home / ".local/bin").iterdir()] == ["mlgit"]
    assert not list(Path(top).rglob(".venv"))
