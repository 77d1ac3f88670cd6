"""Changes that try to be judged by less than what the baseline was judged by."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.gate_policy_test import WORSE, gates, outcomes
from tests.gate.reviews import MODELS, PIPELINE, judged, only, ran, rows, sources, started
from tests.kit import commit, git, write_tree

pytestmark = pytest.mark.slow  # every test runs a pipeline


def test_model_that_is_new_takes_no_rule_off_another(tmp_path, cli):
    rule = "{id: kept, kind: no_worse, metric: f1, margin: 0.05}"
    config = gates("", rule=rule).replace("latency: {", "f1: {direction: higher}, latency: {")
    project = started(tmp_path / "project", cli, config=config)
    decoy = config.replace("models:\n", "models:\n  decoy: {metrics: good.json}\n")
    ran(project, cli, sources(WORSE) | {"good.json": '{"f1": 0.99}', "mlgit.yaml": decoy})
    found = judged(project, cli)
    assert {each["model"]: each["outcome"] for each in found["rules"]} == {"decoy": "first", "churn": "fail"}
    assert found["code"] == 1


def test_change_cannot_name_a_file_that_no_stage_makes(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    elsewhere = gates("").replace("predictions: reports/predictions.csv", "predictions: mine.csv")
    ran(project, cli, sources(WORSE) | {"mine.csv": rows(wrong=range(5)), "mlgit.yaml": elsewhere})
    found = judged(project, cli)
    assert (outcomes(found), found["code"]) == ({"kept": "invalid"}, 2)
    assert only(found)["reason"].startswith("no stage makes mine.csv, as one did at the baseline")


def test_change_without_rows_cannot_hide_behind_a_number_with_a_longer_name(tmp_path, cli):
    rule = "{id: kept, kind: no_worse, metric: test.accuracy, margin: 0.05}"
    project = started(tmp_path / "project", cli, config=gates("", rule=rule), metrics={"test": {"accuracy": 0.9}})
    hidden = gates("", rule=rule).replace("    predictions: reports/predictions.csv\n    id: id\n", "")
    ran(project, cli, sources(WORSE, metrics={"test": {"accuracy": 0.9}}) | {"mlgit.yaml": hidden})
    found = judged(project, cli)
    assert (outcomes(found), found["code"]) == ({"kept": "invalid"}, 2)


@pytest.mark.parametrize(
    ("before", "after", "outcome", "reason"),
    [
        ("  evaluate:\n", "  evaluate:\n    frozen: true\n", "invalid", "evaluate: stale"),
        (", models/model.bin, data", ", data", "invalid", "reports/predictions.csv does not come from the model any more"),
        ("  train:\n", "  train:\n    frozen: true\n", "pass", "same predictions"),
    ],
)
def test_change_cannot_show_what_another_model_said(tmp_path, cli, before, after, outcome, reason):
    project = started(tmp_path / "project", cli, config=gates(""))
    ran(project, cli, {"source/model.bin": "y" * 1000, "dvc.yaml": PIPELINE.replace(before, after)})
    found = only(judged(project, cli))
    assert (found["outcome"], found["reason"][: len(reason)]) == (outcome, reason)


@pytest.mark.parametrize("tag", ["main", "heads/main"])
def test_tag_called_as_the_default_branch_is_not_taken_for_it(tmp_path, cli, tag):
    project = started(tmp_path / "project", cli, config=gates(""))
    ran(project, cli, sources(WORSE))
    git(project, "tag", tag)
    assert judged(project, cli)["verdict"] == "fail"
    git(project, "checkout", "--quiet", "-B", "main")
    assert judged(project, cli)["verdict"] == "fail"


def test_tag_called_as_the_default_branch_of_the_remote_is_not_taken_for_it(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    git(project, "update-ref", "refs/remotes/origin/main", "main")
    ran(project, cli, sources(WORSE))
    git(project, "tag", "origin/main")
    git(project, "branch", "--quiet", "-D", "main")
    found = judged(project, cli)
    assert (found["verdict"], found["baseline"]["name"]) == ("fail", "remotes/origin/main")


@pytest.mark.parametrize("old", [MODELS, gates("").replace("0.05", "0.9")])
def test_branch_that_begins_before_the_rules_is_judged_by_them(tmp_path, cli, old):
    project = started(tmp_path / "project", cli, config=old)
    git(project, "checkout", "--quiet", "main")
    write_tree(project, {"mlgit.yaml": gates("")})
    commit(project)
    git(project, "checkout", "--quiet", "change")
    ran(project, cli, sources(WORSE))
    found = judged(project, cli)
    assert (found["verdict"], found["rules_from"], found["rule_changes"]) == ("fail", "main", [])
    assert found["baseline"]["name"] == "merge base with main"
    note, *_ = found["notes"]
    assert note.startswith("main declares other rules than where this branch left it, and they judge: kept")
    ran(project, cli, {"mlgit.yaml": gates("").replace("0.05", "0.8")})
    found = judged(project, cli)
    assert (found["verdict"], [each["id"] for each in found["rule_changes"]][:1]) == ("fail", ["kept"])


def test_change_to_another_branch_is_compared_with_that_and_judged_by_its_rules(tmp_path, cli, monkeypatch):
    project = started(tmp_path / "project", cli, config=gates("").replace("0.05", "0.9"))
    git(project, "checkout", "--quiet", "-b", "release")
    write_tree(project, {"mlgit.yaml": gates("")})
    commit(project)
    git(project, "checkout", "--quiet", "change")
    ran(project, cli, sources(WORSE))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_BASE_REF", "release")
    done = cli(project, "ci", "run", "--no-run")
    assert (done.code, "worse by less than 0.05" in done.out) == (1, True)
    monkeypatch.setenv("GITHUB_BASE_REF", "gone")
    done = cli(project, "ci", "run", "--no-run")
    assert done.code == 2
    assert "the change is to go to gone, which is not in this clone" in done.said


def test_report_in_a_folder_that_was_there_leaves_its_ignored_files_as_they_are(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    write_tree(project, {".gitignore": "/mine\n", "kept/a": "1"})
    for folder in (".", "kept"):
        assert cli(project, "ci", "run", "--no-run", "-o", folder).code == 0
    assert (project / ".gitignore").read_text() == "/mine\n"
    assert not (project / "kept/.gitignore").exists()
    assert (project / "kept/report.json").exists()
    done = cli(project, "ci", "run", "--no-run", "-o", "kept/a/report")
    assert done.code == 2
    assert "kept/a/report: the report cannot be written there" in done.err


def test_what_is_wrong_in_a_job_commands_no_terminal(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    write_tree(project, {"mlgit.yaml": 'mlgit: 1\nmodels: {m: {id: "a\\e[31m\\u202e"}}\nx\\u202e: 1\n'})
    done = cli(project, "ci", "run", "--no-run")
    assert (done.code, done.err.startswith("error: mlgit.yaml")) == (2, True)
    assert not set(done.said) & {"\x1b", "\u202e"}


@pytest.mark.parametrize("name", ["mine.json", "reports/metrics.json"])
def test_change_cannot_write_its_own_metrics(tmp_path, cli, name):
    config = gates("", rule="{id: fast, kind: bound, metric: latency, max: 20}")
    project = started(tmp_path / "project", cli, config=config)
    dvc = PIPELINE.replace("source/metrics.json reports/", "reports/").replace("source/metrics.json, ", "")
    dvc = dvc.replace("    metrics:\n    - reports/metrics.json: {cache: false}\n", "")
    written = {name: '{"latency": 1, "accuracy": 0.9}', "mlgit.yaml": config.replace("reports/metrics.json", name)}
    ran(project, cli, written | ({"dvc.yaml": dvc} if name in PIPELINE else {}))
    found = judged(project, cli)
    assert (outcomes(found), found["code"]) == ({"fast": "invalid"}, 2)
    assert only(found)["reason"].startswith(f"no stage makes {name}")


def test_where_a_shallow_clone_ends_is_no_first_commit(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    ran(project, cli, sources(WORSE))
    git(project, "branch", "--force", "main")
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", f"file://{project}", "shallow")
    shallow = tmp_path / "shallow"
    shutil.copytree(project / ".dvc/cache", shallow / ".dvc/cache")
    git(shallow, "remote", "set-head", "origin", "main")
    assert cli(shallow, "run").code == 0
    done = cli(shallow, "gate")
    assert done.code == 2
    assert "is not in this shallow clone" in done.err
    git(shallow, "fetch", "--quiet", "--unshallow")
    assert judged(shallow, cli)["verdict"] == "fail"
