"""The contract of the tabular template: what of its data would stop the pipeline, and what that says."""

from __future__ import annotations

import importlib.resources
import json
import shutil

import jsonschema
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.commands.data_check import check_data
from mlgit.scaffold import library
from tests.kit import example, git, program
from tests.kit.late import Late

pd = Late("pandas")
pytestmark = pytest.mark.slow

DATA, CONTRACT, RESULT = "data/raw.csv", "schemas/raw.odcs.yaml", "reports/validation.json"


def test_contract_is_valid_under_the_official_schema():
    text = library.load("tabular-classification").files[CONTRACT].decode()
    official = json.loads((importlib.resources.files("open_data_contract_standard") / "schema.json").read_text())
    jsonschema.validate(parse_yaml(text, name=CONTRACT), official)


@pytest.fixture
def broken(tmp_path, example_that_ran):
    """The rules that raw data breaks after a change, by the rows that break them."""
    frame = pd.read_csv(example_that_ran / DATA)

    def rules(change):
        change(frame.copy()).to_csv(tmp_path / "raw.csv", index=False)
        found = check_data([str(tmp_path / "raw.csv")], contract=str(example_that_ran / CONTRACT))
        return {each.check.id: each.rows for each in found.results[0].broken}

    return rules


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("mean_radius", -1.0, "mean_radius.range"),
        ("worst_fractal_dimension", 10_000.5, "worst_fractal_dimension.range"),
        ("worst_area", float("inf"), "worst_area.range"),
        ("mean_radius", float("nan"), "mean_radius.required"),
        ("mean_area", "large", "mean_area.type"),
        ("label", 2, "label.invalidValues"),
        ("id", 2, "id.unique"),
    ],
)
def test_bad_cell_breaks_the_rule_of_its_column(broken, column, value, rule):
    def change(frame):
        return frame.astype({column: object}).assign(**{column: [value, *frame[column][1:]]})

    found = broken(change)
    assert found.pop("both-labels", None) is None or column == "label"
    assert found == {rule: 1}


def test_table_that_is_cut_short_or_lacks_a_column_or_a_label_breaks_it(broken):
    assert set(broken(lambda frame: frame.tail(50))) == {"raw.rowCount"}
    assert set(broken(lambda frame: frame[frame["label"] == 0])) == {"both-labels"}
    assert "mean_area.present" in broken(lambda frame: frame.drop(columns="mean_area"))
    assert broken(lambda frame: frame[frame.columns[::-1]]) == {}


@pytest.mark.parametrize("runner", ["mlgit", "dvc"])
def test_data_that_breaks_it_stops_the_pipeline_and_the_stage_says_where(tmp_path, example_that_ran, runner):
    root = shutil.copytree(example_that_ran, tmp_path / "p", symlinks=True)
    contract = root / CONTRACT
    contract.write_text(contract.read_text().replace("maximum: 10000", "maximum: 28", 1))
    run = [["-m", "mlgit", "run"], ["-m", "dvc", "repro"]][runner == "dvc"]
    done = program(root, [example.sys.executable, *run], env=example.environment())
    assert done.code != 0
    assert "mean_radius  0 to 28  1 (0.2 %)  line 214: 28.11" in done.said
    assert json.loads((root / RESULT).read_text())["verdict"] == "fail"
    assert git(root, "status", "--porcelain", "--", "models", "cards") == ""
