"""The template `text-classification`: a worse model and texts that leak are refused, and no text is in the repository."""

import importlib.resources
import json
import sys

import jsonschema
import pytest

from mlgit import config
from mlgit.adapters.formats.documents import parse_yaml
from mlgit.commands.data_check import check_data
from mlgit.scaffold import library
from tests.kit import FULL, commit, example, git, lock, program
from tests.kit.late import Late
from tests.kit.once import copied, once
from tests.scaffold import projects

pd = Late("pandas")
pytestmark = pytest.mark.slow  # a pipeline that reads the source of four libraries

NAME = "text-classification"
DATA, CONTRACT = "data/raw.csv", "schemas/raw.odcs.yaml"


def run(root, *argv):
    return program(root, [sys.executable, "-m", "mlgit", *argv], env=example.environment())


@pytest.fixture
def project(shared):
    """A project that was made from the template, that `dvc repro` ran, and whose card was read; only to be looked at."""
    if not FULL:
        pytest.skip("the project runs in make test-full: it reads the source of four libraries")

    def make(folder):
        root = projects.reproduced(shared, folder / "p", name=NAME, features=projects.feature_sets(NAME)[-1])
        done = run(root, "card", "build", "--reviewed", "all")
        assert done.code == 0, done.said
        commit(root, "Run the pipeline")

    return once(shared, f"released-{NAME}", make) / "p"


def test_run_finds_nothing_to_do_after_dvc_and_the_card_is_complete(project):
    assert "6 unchanged" in run(project, "run").said
    assert "is up to date and complete" in run(project, "card", "check").out
    assert git(project, "status", "--porcelain") == ""


def test_worse_model_is_refused_and_nothing_before_it_runs_again(project, tmp_path):
    root = copied(project, tmp_path / "p")
    before = lock(root)["stages"]
    params = root / "params.yaml"
    params.write_text(params.read_text().replace("C: 5.0", "C: 0.001").replace("max_iter: 1000", "max_iter: 1"))
    assert run(root, "run", "evaluate").code == 0
    after = lock(root)["stages"]
    assert {stage for stage in before if before[stage] != after[stage]} == {"train", "evaluate"}
    judged = run(root, "gate", "--json")
    assert judged.code == 1
    assert {row["id"] for row in judged.json["rules"] if row["outcome"] == "fail"} == {"no-worse"}


def test_every_metric_that_is_measured_has_a_direction(project):
    directions = config.parse(parse_yaml((project / "mlgit.yaml").read_text(), name="m")).directions
    assert {*json.loads((project / "reports/metrics.json").read_text())} == {*directions}


def test_no_text_of_a_library_is_in_the_repository(project):
    tracked = git(project, "ls-files", "-z").rstrip("\0").split("\0")
    everything = "\n".join((project / path).read_text() for path in tracked)
    found = [text for text in pd.read_csv(project / DATA, keep_default_na=False)["text"] if len(text) > 20]
    assert len(found) > 5000
    assert [text for text in found if text in everything] == []


def test_contract_is_valid_under_the_official_schema():
    text = library.load(NAME).files[CONTRACT].decode()
    official = json.loads((importlib.resources.files("open_data_contract_standard") / "schema.json").read_text())
    jsonschema.validate(parse_yaml(text, name=CONTRACT), official)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("text", "Convert to a NumPy array.", "nothing-leaks"),
        ("text", "Like pd.Series, but of scikit-learn.", "nothing-leaks"),
        ("label", "polars", "label.invalidValues"),
        ("id", "not a digest", "id.pattern"),
        ("module", None, "module.required"),
    ],
)
def test_text_that_leaks_or_is_mislabelled_breaks_the_contract(project, tmp_path, column, value, rule):
    frame = pd.read_csv(project / DATA, keep_default_na=False)
    frame.loc[0, column] = value
    frame.to_csv(tmp_path / "raw.csv", index=False)
    (found,) = check_data([str(tmp_path / "raw.csv")], contract=str(project / CONTRACT)).results
    assert rule in {each.check.id for each in found.broken}


def test_text_twice_and_a_library_that_is_missing_break_it(project, tmp_path):
    frame = pd.read_csv(project / DATA, keep_default_na=False)
    twice = pd.concat([frame[frame["label"] != "scipy"], frame.head(1)])
    twice.to_csv(tmp_path / "raw.csv", index=False)
    (found,) = check_data([str(tmp_path / "raw.csv")], contract=str(project / CONTRACT)).results
    assert {each.check.id for each in found.broken} >= {"all-labels", "id.unique"}
