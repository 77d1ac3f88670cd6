"""mlgit's own templates: what they make is sound, runs, and reruns only what it must."""

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mlgit import __version__, config
from mlgit.adapters.formats.documents import parse_yaml
from mlgit.scaffold import library
from mlgit.scaffold.create import create
from mlgit.scaffold.render import render
from tests.kit import FULL, commit, dvc, git, lock, program
from tests.scaffold import projects
from tests.scaffold.projects import complete, feature_sets, made

pytestmark = pytest.mark.slow  # many repositories

ROOT = Path(__file__).parents[2]
HOSTILE = "\"'`]]}} [[ 1 ]] [% x %] ${{ y }} $(touch sprung) <b> # \\n é 日本 \U0001f600 \u2028 \x07"

own_templates = pytest.mark.parametrize("name", library.names())


def rendered(name, **given):
    return {path: content.decode() for path, (_, content) in render(library.load(name), complete(name, **given)).items()}


def test_shelf_holds_no_file_that_git_or_a_wheel_would_act_upon():
    stored = [path.relative_to(library.shelf()) for path in library.shelf().rglob("*")]
    assert [str(path) for path in stored if any(part.startswith(".") for part in path.parts)] == []


@own_templates
def test_yaml_and_toml_of_a_template_are_read_back(name):
    files = rendered(name)
    for path, text in files.items():
        if path.endswith((".yaml", ".yml")):
            parse_yaml(text, name=path)
        elif path.endswith(".toml"):
            tomllib.loads(text)
    config.parse(parse_yaml(files["mlgit.yaml"], name="mlgit.yaml"))


@own_templates
def test_mlgit_yaml_names_its_schema(name):
    files = rendered(name)
    first = files["mlgit.yaml"].splitlines()[0]
    assert first == "# yaml-language-server: $schema=./.mlgit.schema.json"
    assert ".mlgit.schema.json" in files


@own_templates
def test_text_ends_with_one_line_end_and_has_no_trailing_space(name):
    for path, text in rendered(name).items():
        assert text.endswith("\n"), path
        assert not re.search(r"[ \t]$|\r|\n\n\Z", text, re.MULTILINE), path


@own_templates
def test_pins_are_exact_and_within_what_mlgit_itself_accepts(name):
    accepted = [Requirement(each) for each in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]]
    ranges = {each.name: each.specifier for each in accepted}
    lines = [line for line in rendered(name)["requirements.txt"].splitlines() if line and not line.startswith("#")]
    (own,) = [line for line in rendered(name)["mlgit-requirements.txt"].splitlines() if not line.startswith("#")]
    checks_data = "mlgit data check" in rendered(name)["dvc.yaml"]
    assert own == ("mlgit[data]" if checks_data else "mlgit") + f"=={__version__}"
    assert {each.split("==")[0] for each in lines}.isdisjoint({"mlgit", "dvc"})  # they have an environment of their own
    for pin in map(Requirement, lines):
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert ranges.get(pin.name, pin.specifier).contains(exact.version), pin


@pytest.mark.parametrize("where", ["/abs/mlgit-0.1.0-py3-none-any.whl", "/a b/mlgit", "git+https://example.com/mlgit@v1"])
def test_mlgit_is_required_as_one_wants_it(where):
    assert rendered("minimal", mlgit_requirement=where)["mlgit-requirements.txt"].splitlines()[1] == where


@own_templates
def test_hostile_answers_stay_text(tmp_path, name):
    create(tmp_path / "p", template=library.load(name), answers=complete(name, description=HOSTILE))
    files = rendered(name, description=HOSTILE)
    assert tomllib.loads(files["pyproject.toml"]).get("project", {"description": HOSTILE})["description"] == HOSTILE
    assert "<b>" not in files["README.md"]
    recorded = parse_yaml((tmp_path / "p" / ".mlgit-template.yaml").read_text(), name="state")
    assert recorded["answers"]["description"] == HOSTILE
    assert not list(tmp_path.rglob("sprung"))


def test_metrics_have_a_direction_and_predictions_their_columns():
    files = rendered("tabular-classification")
    directions = config.parse(parse_yaml(files["mlgit.yaml"], name="m")).directions
    measured = re.findall(r'^        "(\w+)": metrics\.', files["src/my_model/evaluate.py"], re.MULTILINE)
    assert sorted(directions) == sorted(measured)


def test_stages_come_in_their_order():
    stages = parse_yaml(rendered("tabular-classification")["dvc.yaml"], name="d")["stages"]
    assert list(stages) == ["load", "validate", "prepare", "train", "evaluate"]


def succeeds(root, *argv):
    done = program(root, argv)
    assert done.code == 0, done.said
    return done.out


@pytest.fixture
def python_first(monkeypatch):
    """`python` is the Python of the tests, as in an activated environment."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


# The others run in files of their own, `template_NAME_test.py`, and with their own tests where all are asked for.
NAMES = library.names() if FULL else ["minimal", "tabular-classification"]
CASES = [(name, features) for name in NAMES for features in (feature_sets(name) if FULL else feature_sets(name)[-1:])]


@pytest.fixture
def reproduced(shared):
    """A copy of a project that was made from a template and that `dvc repro` ran."""
    return lambda target, name, features: projects.reproduced(shared, target, name=name, features=features)


@pytest.mark.parametrize(("name", "features"), CASES)
@pytest.mark.usefixtures("python_first")
def test_project_passes_lint_and_its_own_tests_and_runs_once(tmp_path, reproduced, name, features):
    root = reproduced(tmp_path / "p", name, features)
    succeeds(root, sys.executable, "-m", "ruff", "check", "--no-cache", ".")
    succeeds(root, sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".")
    succeeds(root, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert not [row for row in git(root, "status", "--porcelain").splitlines() if not row.startswith("?? ")]
    commit(root, "Run the pipeline")
    assert "up to date" in dvc(root, "repro").said
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["forecasting", "llm-eval", "tabular-classification", "text-classification"])
@pytest.mark.usefixtures("python_first")
def test_longest_names_keep_the_code_formatted(tmp_path, name):
    root = made(tmp_path / "p", name, package_name="p" * 40)
    succeeds(root, sys.executable, "-m", "ruff", "check", "--no-cache", ".")
    succeeds(root, sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.usefixtures("python_first")
@pytest.mark.full
def test_every_run_makes_the_same_outputs_and_a_parameter_reruns_only_what_follows(tmp_path, reproduced, example_that_ran):
    root = reproduced(tmp_path / "p", "tabular-classification", CASES[-1][1])
    before = lock(root)["stages"]
    assert {**lock(example_that_ran)["stages"], "sketch": before["sketch"]} == before
    assert (root / "reports" / "predictions.csv").read_text().startswith("id,label,prediction,score\n")
    params = root / "params.yaml"
    params.write_text(params.read_text().replace("C: 1.0", "C: 0.01"))
    dvc(root, "repro")
    after = lock(root)["stages"]
    assert {stage for stage in before if before[stage] != after[stage]} == {"train", "evaluate", "sketch"}
