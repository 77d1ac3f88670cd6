"""The forecasting template: nothing in it knows the future, and a model that does not beat the drift is refused."""

from __future__ import annotations

import importlib.resources
import json
import sys

import jsonschema
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.commands.data_check import check_data
from mlgit.scaffold import library
from tests.kit import FULL, commit, dvc, example, lock, program
from tests.kit.late import Late
from tests.kit.once import copied, once
from tests.scaffold import projects

pd = Late("pandas")
pytestmark = pytest.mark.slow

NAME = "forecasting"
DATA, CONTRACT = "data/raw.csv", "schemas/raw.odcs.yaml"
BASELINES = {"seasonal_naive", "drift"}


def mlgit(root, *argv):
    return program(root, [sys.executable, "-m", "mlgit", *argv], env=example.environment())


@pytest.fixture
def ran(shared):
    """A project that `dvc repro` ran, with its card, in a commit: to look at."""

    def make(folder):
        root = projects.reproduced(shared, folder / "p", name=NAME, features=projects.feature_sets(NAME)[-1])
        assert mlgit(root, "card", "build", "--reviewed", "all").code == 0
        commit(root, "Run the pipeline")

    return once(shared, f"released-{NAME}", make) / "p"


@pytest.fixture
def changing(ran, tmp_path):
    """A copy of it, to change."""
    return copied(ran, tmp_path / "p")


def verdicts(root):
    """The exit code of the gate, and the outcome of each rule."""
    done = mlgit(root, "gate", "--json")
    return done.code, {each["id"]: each["outcome"] for each in json.loads(done.out)["rules"]}


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_mlgit_has_nothing_to_run_after_dvc_and_the_card_is_complete(ran):
    assert "10 unchanged" in mlgit(ran, "run").said
    assert mlgit(ran, "card", "check").code == 0
    card = (ran / "cards/my-model.md").read_text()
    assert "block bootstrap" in card
    assert "horizon = 12" in card


def test_predictions_are_named_by_origin_and_horizon_and_count_from_the_drift(ran):
    rows = pd.read_csv(ran / "reports/predictions.csv")
    assert list(rows["id"][:2]) == ["1985-01+1", "1985-01+2"]
    assert rows["id"].is_unique
    assert ((rows["actual"] - rows["drift"] - rows["drift_missed"]).abs() < 1e-5).all()
    assert ((rows["forecast"] - rows["drift"] - rows["added"]).abs() < 1e-5).all()


def test_boosting_is_within_two_percent_of_the_drift_a_year_ahead_and_the_readme_says_so(ran):
    last = pd.read_csv(ran / "reports/horizons.csv").iloc[-1]
    assert 0 < last["skill"] < 0.02
    assert last["skill_low"] < 0 < last["skill_high"]
    told = (ran / "README.md").read_text()
    for column in ("seasonal_naive", "drift", "model"):
        assert f"{last[column]:.3f}" in told


def test_model_passes_its_gate_by_rows(ran):
    code, found = verdicts(ran)
    assert code == 0
    assert found == {
        **dict.fromkeys(("contract", "beats-drift", "keeps-up-at-last", "holds-promise", "promises-enough", "leakage"), "pass"),
        **dict.fromkeys(("no-worse", "every-horizon"), "first"),
    }


@pytest.mark.full
def test_model_that_hardly_learned_is_refused_and_no_baseline_runs_again(changing):
    before = lock(changing)["stages"]
    edit(changing / "params.yaml", "max_iter: 100", "max_iter: 3")
    assert mlgit(changing, "run", "report").code == 0
    after = lock(changing)["stages"]
    assert {stage for stage in before if before[stage] != after[stage]} == {"train", "backtest", "report"}
    code, found = verdicts(changing)
    assert (code, found["beats-drift"]) == (1, "inconclusive")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("values = complete(raw[columns.VALUE].to_numpy())", "values = raw[columns.VALUE].interpolate().to_numpy()"),
        *([("series.rolling(YEAR).mean()", "series.rolling(YEAR, center=True).mean()")] if FULL else []),
    ],
)
def test_feature_that_knows_the_future_fails_the_tests_of_the_project(changing, right, wrong):
    edit(changing / "src/example_project/features.py", right, wrong)
    done = program(changing, [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_features.py"])
    assert done.code == 1
    assert "test_future_changes_no_feature_of_the_past" in done.said


def test_contract_is_valid_under_the_official_schema():
    official = json.loads((importlib.resources.files("open_data_contract_standard") / "schema.json").read_text())
    jsonschema.validate(parse_yaml(library.load(NAME).files[CONTRACT].decode(), name=CONTRACT), official)


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (lambda frame: frame, set()),
        (lambda frame: frame.drop(index=200), {"every-month"}),
        (lambda frame: frame.iloc[::-1], {"in-order"}),
        (lambda frame: frame.assign(co2=frame["co2"].mask(frame.index == 300, 290.0)), {"no-jump"}),
        (lambda frame: frame.assign(co2=frame["co2"].mask(frame.index % 40 == 0)), {"co2.nullValues"}),
        (lambda frame: frame.assign(co2=frame["co2"].mask(frame.index == 525)), {"ends-known"}),
        (lambda frame: frame.tail(200), {"raw.rowCount"}),
        (lambda frame: frame.assign(co2=frame["co2"] / 1000), {"co2.range"}),
        (lambda frame: pd.concat([frame, frame.tail(1)]), {"month.unique", "every-month", "in-order"}),
    ],
)
def test_series_that_would_shift_or_break_features_breaks_the_contract(ran, tmp_path, change, rules):
    change(pd.read_csv(ran / DATA)).to_csv(tmp_path / "raw.csv", index=False)
    found = check_data([str(tmp_path / "raw.csv")], contract=str(ran / CONTRACT))
    assert {each.check.id for each in found.results[0].broken} == rules


@pytest.mark.skipif(not FULL, reason="runs the pipeline once more")
def test_pipeline_runs_without_network_and_makes_the_same(changing):
    before = (changing / "dvc.lock").read_text()
    inside = ["unshare", "--map-root-user", "--net", sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache"]
    if program(changing, [*inside[:3], "true"]).code:
        pytest.skip("no namespace without network can be made here")
    assert program(changing, inside, env=example.environment()).code == 0
    assert (changing / "dvc.lock").read_text() == before
    assert "up to date" in dvc(changing, "repro").said
