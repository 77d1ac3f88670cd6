"""Declared metrics, KPIs and further test sets from end to end: on the card, in the tag, in the audit and at the promotion."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.gate.reviews import judged, ran, rows
from tests.kit import commit, git, repository, write_tree

pytestmark = pytest.mark.slow  # every test runs a pipeline

PIPELINE = """\
stages:
  train:
    cmd: mkdir -p models && cp source/model.bin models/model.bin
    deps: [source/model.bin, data/train.csv]
    outs: [models/model.bin]
  evaluate:
    cmd: mkdir -p reports && cp source/*.csv reports/
    deps: [source, models/model.bin, data/test.csv, data/abroad.csv]
    outs: [reports]
artifacts:
  churn: {path: models/model.bin, type: model}
"""
CONFIG = """\
mlgit: 1
metrics:
  accuracy: {direction: higher}
  missed: {direction: lower, expression: "mean((label == 1) * (prediction == 0))"}
models:
  churn:
    predictions: reports/seed*.csv
    repeats: seeds
    id: [user, day]
    slices: [region]
    train: [data/train.csv]
    test: [data/test.csv]
    tests:
      abroad: {predictions: reports/abroad.csv, test: [data/abroad.csv]}
monitoring:
  churn:
    kpis: {loss: {expression: "sum(50 * (label == 1) * (prediction == 0))", direction: lower}}
gates:
  stats: {resamples: 199}
  rules:
  - {id: floor, kind: bound, metric: accuracy, min: 0.5, on: abroad}
  - {id: missed, kind: no_worse, metric: missed, margin: 0.05}
  - {id: abroad, kind: no_worse, metric: accuracy, margin: 0.05, on: abroad}
environments:
  - {name: prod, requires: {gates: pass}}
"""
NOTES = """\
pipeline_tag: tabular-classification
license: mit
"""


def keyed(wrong):
    """Predictions whose rows have keys of two columns."""
    head, *lines = rows(wrong=wrong).splitlines()
    found = [
        head.replace("id,", "user,day,"),
        *(f"{line.split(',', 1)[0]},{n % 3},{line.split(',', 1)[1]}" for n, line in enumerate(lines)),
    ]
    return "\n".join(found) + "\n"


def results(*, wrong=40, abroad=60, seeds=3):
    found = {f"source/seed{number}.csv": keyed(range(wrong + number)) for number in range(seeds)}
    return found | {"source/abroad.csv": keyed(range(abroad))}


@pytest.fixture
def project(tmp_path, cli):
    root = repository(tmp_path / "project")
    data = {
        "data/train.csv": "user,day,x\na,1,1\nb,1,2\n",
        "data/test.csv": "user,day,x\na,2,3\n",
        "data/abroad.csv": "user,day,x\nq,9,1\nz,1,7\n",
    }
    given = {
        "dvc.yaml": PIPELINE,
        "mlgit.yaml": CONFIG,
        "cards/churn.yaml": NOTES,
        "source/model.bin": "x",
        **data,
        **results(),
    }
    write_tree(root, given)
    ran(root, cli)
    return root


def card(project, cli):
    done = cli(project, "card", "build")
    assert done.code == 0, done.said
    return (project / "cards/churn.md").read_text()


def registered(project, cli, version):
    card(project, cli)
    commit(project)
    done = cli(project, "model", "register", "churn", "--version", version)
    assert done.code == 0, done.said
    return done


def test_card_has_each_test_set_with_intervals(project, cli):
    text = card(project, cli)
    assert "Each value that rows give is the mean over 3 seeds." in text
    assert "### Test set abroad" in text
    assert "1 of 2 rows of the test data is in the training data too. The metrics on it are too good." in text
    found = yaml.safe_load(text.split("---\n")[1])
    (model,) = found["model-index"]
    main, abroad = model["results"]
    assert [each["name"] for each in main["metrics"]] == ["kpi.loss", "missed", "accuracy"]
    assert abroad["dataset"]["name"] == "abroad"
    assert {each["name"]: each["value"] for each in abroad["metrics"]}["accuracy@abroad"] == pytest.approx(0.85)
    assert {"missed", "missed@abroad", "accuracy@abroad"} <= found["mlgit"]["intervals"].keys()
    assert {"reports/seed0.csv", "reports/seed2.csv", "reports/abroad.csv", "data/abroad.csv"} <= found["mlgit"][
        "inputs"
    ].keys()
    assert {each.get("test_set") for each in found["mlgit"]["data"]} == {None, "abroad"}
    assert "missing" not in json.loads(cli(project, "card", "check", "--json").out)["cards"][0]["differing"]
    again = card(project, cli)
    assert again == text


def test_tag_and_audit_have_them(project, cli):
    registered(project, cli, "v1.0.0")
    shown = json.loads(cli(project, "model", "show", "churn@v1.0.0", "--json").out)
    text = json.dumps(shown)
    for name in ("missed", "kpi.loss", "accuracy@abroad", "missed@abroad", "reports/seed2.csv", "data/abroad.csv"):
        assert name in text, name
    assert "accuracy@abroad" in cli(project, "model", "show", "churn@v1.0.0").out
    audited = json.loads(cli(project, "model", "audit", "churn@v1.0.0", "--format", "json").out)
    assert audited["metrics"]["accuracy@abroad"]["value"] == pytest.approx(0.85)
    assert [each["path"] for each in audited["other_predictions"]] == [
        "reports/seed1.csv",
        "reports/seed2.csv",
        "reports/abroad.csv",
    ]
    assert {each["test_set"] for each in audited["data"]} == {"", "abroad"}
    assert "no metrics belong to the model" not in str(audited["gaps"])
    markdown = cli(project, "model", "audit", "churn@v1.0.0").out
    assert "`accuracy@abroad`" in markdown
    bom = json.loads(cli(project, "model", "audit", "churn@v1.0.0", "--format", "cyclonedx").out)
    model = bom["metadata"]["component"]
    assert "accuracy@abroad" in {each["type"] for each in model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]}
    assert cli(project, "model", "audit", "churn@v1.0.0", "--format", "in-toto").code in (0, 1)


def test_promotion_judges_test_sets_and_declared_metrics(project, cli):
    registered(project, cli, "v1.0.0")
    assert cli(project, "model", "promote", "churn@v1.0.0", "prod").code == 0
    ran(project, cli, results(abroad=200) | {"source/model.bin": "y"})
    registered(project, cli, "v1.1.0")
    refused = cli(project, "model", "promote", "churn@v1.1.0", "prod")
    assert refused.code == 1, refused.said
    (failed,) = [line.split(":")[0] for line in refused.said.splitlines() if line.strip().startswith("no ")]
    assert failed.endswith("gate abroad"), refused.said
    ran(project, cli, results(abroad=60) | {"source/model.bin": "z"})
    registered(project, cli, "v1.2.0")
    done = cli(project, "model", "promote", "churn@v1.2.0", "prod")
    assert done.code == 0, done.said


def test_recorded_numbers_stand_in_for_predictions_that_are_gone(project, cli):
    registered(project, cli, "v1.0.0")
    assert cli(project, "model", "promote", "churn@v1.0.0", "prod").code == 0
    ran(project, cli, results(abroad=200) | {"source/model.bin": "y"})
    registered(project, cli, "v1.1.0")
    for folder in (project / ".dvc/cache/files/md5").iterdir():
        for each in folder.iterdir():
            each.chmod(0o600)
            each.unlink()
    refused = cli(project, "model", "promote", "churn@v1.1.0", "prod")
    assert refused.code == 1, refused.said
    (failed,) = [line.split(":")[0] for line in refused.said.splitlines() if line.strip().startswith("no ")]
    assert failed.endswith("gate abroad"), refused.said


def test_gate_and_report_name_the_test_set_without_a_mention(project, cli):
    git(project, "checkout", "--quiet", "-b", "change")
    ran(project, cli, results(wrong=43))
    found = judged(project, cli)
    assert {each["metric"] for each in found["rules"]} >= {"accuracy@abroad", "missed"}
    assert {each["about"] for each in found["metrics"]} == {"", "about the recipes: 3 and 3 seeds"}
    assert {each["seeds"] for each in found["tested"]} == {0, 3}
    done = cli(project, "ci", "run", "-o", "out")
    assert done.code in (0, 1), done.said
    text = (project / "out/report.md").read_text()
    assert "about the recipes" in text
    assert "accuracy@abroad" not in text.replace("`accuracy@abroad`", "")


def test_suggestions_name_test_sets_and_promise_no_rows_where_seeds_decide(project, cli):
    git(project, "checkout", "--quiet", "-b", "change")
    ran(project, cli, results(wrong=43, abroad=64))
    found = json.loads(cli(project, "gate", "suggest", "--json").out)["models"]
    main = {each["metric"]: each for each in found["churn"]}["missed"]
    assert main["margin"] > 0
    assert main["rows_for_half"] is None
    assert "about the recipes: 3 and 3 seeds" in main["note"]
    abroad = {each["metric"]: each for each in found["churn@abroad"]}["accuracy@abroad"]
    assert abroad["rows_for_half"] > 400
    assert "seeds decide" in cli(project, "gate", "suggest").out
