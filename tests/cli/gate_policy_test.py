"""What is compared with what, and by which rules: baselines, waivers, labels, test sets, folders and clones."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.gate.reviews import MODELS, RULES, judged, only, ran, rows, sources, started
from tests.kit import commit, git, write_tree

pytestmark = pytest.mark.slow  # every test runs a pipeline

WORSE = rows(wrong=range(3, 120))
SLIGHTLY = rows(wrong=range(3, 45))


def gates(text, *, rule="{id: kept, kind: no_worse, metric: accuracy, margin: 0.05}"):
    return f"{MODELS}gates:\n  stats: {{resamples: 499}}\n  rules: [{rule}]\n{text}"


def outcomes(found):
    return {each["id"]: each["outcome"] for each in found["rules"]}


def test_waiver_sets_a_rule_aside_until_its_day(tmp_path, cli):
    waiver = '  waivers: [{rule: kept, until: %s, reason: "#142", by: "@lead"}]\n'
    project = started(tmp_path / "project", cli, config=gates(waiver % "2999-12-31"))
    ran(project, cli, sources(WORSE))
    found = judged(project, cli)
    assert (outcomes(found), found["verdict"], found["code"]) == ({"kept": "waived"}, "warn", 0)
    assert "waived until 2999-12-31 by @lead: #142" in only(found)["reason"]


def test_waiver_past_its_day_is_a_failure_of_its_own(tmp_path, cli):
    waiver = '  waivers: [{rule: kept, until: 2020-12-31, reason: "#142", by: "@lead"}]\n'
    project = started(tmp_path / "project", cli, config=gates(waiver))
    found = judged(project, cli)
    assert outcomes(found) == {"kept": "pass", "kept.waiver": "invalid"}
    assert found["code"] == 2


def test_waiver_in_the_branch_itself_sets_nothing_aside(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    waiver = '  waivers: [{rule: kept, until: 2999-12-31, reason: "mine", by: "@me"}]\n'
    ran(project, cli, sources(WORSE) | {"mlgit.yaml": gates(waiver)})
    found = judged(project, cli)
    assert (found["verdict"], found["code"]) == ("fail", 1)
    assert [(each["id"], each["change"]) for each in found["rule_changes"]] == [("waiver of kept", "added")]


@pytest.mark.parametrize(("args", "expected"), [((), set()), (("--label", "improvement"), {"more"}), (("--label", "x"), set())])
def test_rule_for_a_label(tmp_path, cli, args, expected):
    more = "{id: more, kind: better, metric: accuracy, when: {label: improvement}}"
    project = started(
        tmp_path / "project", cli, config=gates("", rule=f"{{id: size, kind: bound, metric: model_bytes, max: 2000}}, {more}")
    )
    found = judged(project, cli, *args)
    assert outcomes(found).keys() - {"size"} == expected
    assert outcomes(found)["size"] == "pass"


def test_only_rules_for_other_labels_judge_nothing(tmp_path, cli):
    project = started(
        tmp_path / "project", cli, config=gates("", rule="{id: a, kind: better, metric: accuracy, when: {label: x}}")
    )
    found = judged(project, cli)
    assert (found["verdict"], found["code"], found["rules"]) == ("invalid", 2, [])
    assert found["notes"] == ["nothing was judged: every rule asks for a label (x)"]


def test_model_size(tmp_path, cli):
    rule = "{id: size, kind: bound, metric: model_bytes, max_change: 10%}"
    project = started(tmp_path / "project", cli, config=gates("", rule=rule))
    ran(project, cli, sources(SLIGHTLY, model=b"x" * 1200))
    found = judged(project, cli)
    assert (outcomes(found), only(found)["baseline"], only(found)["current"]) == ({"size": "fail"}, 1000.0, 1200.0)


def test_recorded_number_can_bound_but_never_prove(tmp_path, cli):
    rule = (
        "{id: fast, kind: bound, metric: latency, max: 20}, {id: no_slower, kind: no_worse, metric: latency, margin: 1}, "
        "{id: about, kind: bound, metric: latency, max_change: 1%}"
    )
    project = started(tmp_path / "project", cli, config=gates("", rule=rule))
    ran(project, cli, sources(SLIGHTLY, metrics={"latency": 18.9}))
    assert outcomes(judged(project, cli)) == {"fast": "pass", "no_slower": "warn", "about": "fail"}


def test_metric_of_other_rows_is_not_computed_from_these(tmp_path, cli):
    rule = "{id: kept, kind: no_worse, metric: train.accuracy, margin: 0.05}"
    config = gates("", rule=rule)
    project = started(tmp_path / "project", cli, config=config, metrics={"train": {"accuracy": 0.99}})
    assert (only(judged(project, cli))["current"], "recorded number" in only(judged(project, cli))["reason"]) == (0.99, True)
    same = started(tmp_path / "same", cli, config=config, metrics={"train": {"accuracy": 0.9}})
    assert only(judged(same, cli))["reason"] == "same predictions"


def test_slices(tmp_path, cli):
    rule = "{id: slices, kind: no_harm, metric: accuracy, margin: 0.02, slices: {by: [region]}}"
    project = started(tmp_path / "project", cli, config=gates("", rule=rule))
    ran(project, cli, sources(rows(wrong=[key for key in range(200) if key % 4 < 2])))
    found = judged(project, cli)
    assert outcomes(found) == {"slices": "fail"}
    assert only(found)["reason"].startswith("region=EU -0.4")


def test_first_results_are_new(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    git(project, "checkout", "--quiet", "main")
    git(project, "rm", "--quiet", "dvc.lock", "reports/metrics.json")
    commit(project)
    git(project, "checkout", "--quiet", "-B", "change")
    ran(project, cli)
    found = judged(project, cli)
    assert found["baseline"]["found"] == "nearest ancestor"
    assert (found["baseline"]["distance"], found["verdict"]) == (1, "pass")
    for text, verdict, code in (("fallback: none", "warn", 0), ("fallback: none, if_missing: fail", "fail", 1)):
        config = gates(f"  baseline: {{{text}}}\n")
        git(project, "checkout", "--quiet", "main")
        write_tree(project, {"mlgit.yaml": config})
        commit(project)
        git(project, "checkout", "--quiet", "change")
        git(project, "reset", "--quiet", "--hard", "main")
        ran(project, cli)
        found = judged(project, cli)
        assert (outcomes(found), found["verdict"], found["code"], found["baseline"]) == ({"kept": "first"}, verdict, code, None)
        assert only(found)["reason"] == "first results for accuracy"


def test_old_baseline_is_a_warning(tmp_path, cli, monkeypatch):
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2026-01-01T00:00:00Z")
    project = started(tmp_path / "project", cli, config=gates("  baseline: {max_age: 30d}\n"))
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2026-01-31T00:00:00Z")
    ran(project, cli, sources(SLIGHTLY))
    assert judged(project, cli)["verdict"] == "pass"
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2026-02-10T00:00:00Z")
    commit(project)
    found = judged(project, cli)
    assert (found["verdict"], found["baseline"]["age_days"], found["baseline"]["is_old"]) == ("warn", 40, True)
    assert "the baseline main is 40 days older, and 30 are allowed: bring the branch up to date" in found["notes"]


def test_baseline_can_be_named_in_the_rules(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates("  baseline: {ref: release}\n"))
    done = cli(project, "gate")
    assert (done.code, "gates.baseline.ref: unknown revision 'release'" in done.err) == (2, True)
    git(project, "tag", "release", "HEAD~1")
    git(project, "tag", "-f", "release", "HEAD")
    ran(project, cli, sources(WORSE))
    assert judged(project, cli)["baseline"]["name"] == "release"
    assert judged(project, cli, "HEAD")["verdict"] == "pass"  # what the user names goes first
    assert judged(project, cli, "HEAD~1", "HEAD")["verdict"] == "fail"


@pytest.mark.parametrize(
    ("mode", "how", "outcome"),
    [("unpaired", "unpaired", "invalid"), ("invalid", "invalid", "invalid"), ("reevaluate", "re-evaluated", "pass")],
)
def test_changed_test_set(tmp_path, cli, mode, how, outcome):
    project = started(tmp_path / "project", cli, config=gates(f"  test_set: {{if_changed: {mode}}}\n"))
    ran(project, cli, sources(SLIGHTLY) | {"data/test.csv": "x\n2\n"})
    found = judged(project, cli)
    assert (found["tested"][0]["how"], found["tested"][0]["is_changed"], only(found)["outcome"]) == (how, True, outcome)
    measured = {each["metric"]: each for each in found["metrics"]}["accuracy"]
    assert (measured["low"] is None) == (outcome == "invalid")
    if mode == "unpaired":
        assert (measured["baseline"], measured["current"], measured["standing"]) == (0.9, 0.895, "unverified")
        assert only(found)["settle"] == "change the test set in a pull request of its own"


def test_rows_that_changed_without_declared_test_data(tmp_path, cli):
    undeclared = gates("").replace("    test: [data/test.csv]\n", "")
    project = started(tmp_path / "project", cli, config=undeclared)
    ran(project, cli, sources(rows(410, wrong=range(40))))
    found = judged(project, cli)
    assert (found["tested"][0]["how"], found["code"]) == ("unpaired", 2)
    assert "the test set changed (the rows are not the same: 10 rows are new" in only(found)["reason"]
    assert only(found)["settle"].startswith("declare models.churn.test in mlgit.yaml")


def test_wear_is_counted_from_history(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates("  test_set: {warn_after: 3}\n"))
    for number in (41, 42, 43):
        ran(project, cli, sources(rows(wrong=range(number))))
    ran(project, cli, {"data/test.csv": "x\n2\n"})
    ran(project, cli, {"data/test.csv": "x\n1\n"} | sources(rows(wrong=range(44))))
    found = judged(project, cli)
    assert (found["tested"][0]["judged"], found["tested"][0]["is_at_least"]) == (4, False)
    assert found["notes"] == [
        "4 other models were already judged on the test set of churn: its verdicts wear out, collect new rows"
    ]


def test_shallow_clone_says_what_it_cannot_know(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    for number in (41, 42):
        ran(project, cli, sources(rows(wrong=range(number))))
    git(project, "checkout", "--quiet", "main")
    url = f"file://{project}"
    subprocess.run(["git", "clone", "--quiet", "--depth=2", "--branch=change", url, tmp_path / "clone"], check=True)
    os.symlink(project / ".dvc/cache", tmp_path / "clone/.dvc/cache")
    assert "the default branch is not in this clone" in cli(tmp_path / "clone", "gate").err
    git(tmp_path / "clone", "fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
    assert "`git fetch --unshallow` completes a shallow clone" in cli(tmp_path / "clone", "gate").err
    found = judged(tmp_path / "clone", cli, "HEAD~1", "HEAD")
    assert (found["verdict"], found["tested"][0]["is_at_least"]) == ("pass", True)


def test_project_in_a_folder_of_a_repository(tmp_path, cli):
    project = started(tmp_path / "all", cli, config=gates(""), folder="ml/churn")
    ran(project, cli, sources(WORSE))
    found = judged(project / "source", cli)
    assert (found["verdict"], found["tested"][0]["judged"]) == ("fail", 1)
    assert found["metrics"][0]["n"] == 400


TWO = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models:
  churn: {metrics: reports/metrics.json, predictions: reports/predictions.csv, id: id, test: [data/test.csv]}
  other: {metrics: reports/other.json, predictions: other.csv, id: id}
gates:
  rules:
  - {id: both, kind: no_worse, metric: accuracy, margin: 0.05}
  - {id: one, kind: no_worse, metric: accuracy, margin: 0.05, model: other}
  - {id: none, kind: no_worse, metric: accuracy, margin: 0.05, model: othr}
"""


def test_two_models(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=TWO)
    git(project, "checkout", "--quiet", "-B", "main")
    write_tree(project, {"other.csv": rows(100, wrong=[1]), "reports/other.json": '{"accuracy": 0.99}'})
    commit(project)
    git(project, "checkout", "--quiet", "-B", "change")
    write_tree(project, {"other.csv": rows(100, wrong=range(60))})
    commit(project)
    found = judged(project, cli)
    rows_of = [(each["id"], each["model"], each["outcome"]) for each in found["rules"]]
    assert rows_of == [("both", "churn", "pass"), ("both", "other", "fail"), ("one", "other", "fail"), ("none", "", "invalid")]
    assert "no model is called othr, did you mean 'other'?" in found["rules"][-1]["reason"]
    assert [(each["model"], each["n"]) for each in found["tested"]] == [("churn", 400), ("other", 100)]


def test_data_rules(tmp_path, cli):
    rule = "{id: data, kind: data, path: data/train.csv, schema: same, rows: [-5%, 50%]}"
    project = started(tmp_path / "project", cli, config=gates("", rule=rule))
    found = judged(project, cli)
    assert (outcomes(found), only(found)["reason"]) == ({"data": "invalid"}, "data/train.csv: no such file")
    write_tree(project, {"data/train.csv": "a,b\n" + "1,2\n" * 100})
    assert outcomes(judged(project, cli)) == {"data": "first"}
    commit(project)
    write_tree(project, {"data/train.csv": "a,b\n" + "1,2\n" * 90})
    found = judged(project, cli, "HEAD")
    assert (outcomes(found), only(found)["reason"]) == ({"data": "fail"}, "100 rows became 90 (-10.0%)")
    assert (found["data"][0]["rows_before"], found["data"][0]["rows_now"]) == (100, 90)


def test_rules_of_a_first_configuration_judge_the_change_that_brings_it(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=MODELS)
    write_tree(project, {"mlgit.yaml": MODELS + RULES})
    ran(project, cli, sources(WORSE))
    found = judged(project, cli)
    assert (found["verdict"], found["rules_from"]) == ("fail", "current")
    assert found["notes"][0] == "main declares no gate rules, so those of the current side judge"


def test_column_that_decides_is_the_one_of_the_base(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    ran(project, cli, sources(WORSE) | {"mlgit.yaml": gates("").replace("id: id\n", "id: id\n    label: prediction\n")})
    found = judged(project, cli)
    assert (found["verdict"], found["rule_changes"][0]["id"]) == ("fail", "label of churn")


def test_wrong_configuration_names_the_side_that_has_it(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    write_tree(project, {"mlgit.yaml": gates("").replace("margin: 0.05", "margn: 0.05")})
    assert cli(project, "gate").err.startswith("error: mlgit.yaml: gates.rules[0].margn: unknown key")
    broken = commit(project)
    assert cli(project, "gate", "HEAD", "HEAD~1").err.startswith(f"error: {broken[:7]}:mlgit.yaml: gates.rules[0].margn")


def test_too_many_revisions_and_ranges_are_refused(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    assert cli(project, "gate", "a", "b", "c").code == 2
    assert "is a range" in cli(project, "gate", "main..HEAD").err
    assert "the workspace cannot be the baseline" in cli(project, "gate", "workspace").err
    assert judged(project, cli, "main", "workspace")["verdict"] == "pass"


def test_default_branch_is_compared_with_the_commit_before(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    git(project, "checkout", "--quiet", "main")
    ran(project, cli, sources(WORSE))
    found = judged(project, cli)
    assert (found["verdict"], found["baseline"]["name"]) == ("fail", "HEAD~1")
    write_tree(project, sources(SLIGHTLY))
    assert cli(project, "run").code == 0
    found = judged(project, cli)
    assert (found["verdict"], found["baseline"]["name"]) == ("pass", "HEAD")


def test_first_commit_of_all_has_nothing_to_be_compared_with(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    git(project, "checkout", "--quiet", "--orphan", "alone")
    commit(project)
    git(project, "branch", "-M", "main")
    found = judged(project, cli)
    assert (outcomes(found), found["baseline"], found["verdict"]) == ({"kept": "first"}, None, "warn")


def test_change_cannot_hide_its_rows_behind_numbers(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    hidden = gates("").replace("    predictions: reports/predictions.csv\n    id: id\n", "")
    ran(project, cli, sources(WORSE) | {"mlgit.yaml": hidden})
    found = judged(project, cli)
    assert (outcomes(found), found["code"]) == ({"kept": "invalid"}, 2)
    assert only(found)["reason"] == "the current side has no predictions of churn, and the baseline has"


def test_change_cannot_call_its_number_another(tmp_path, cli):
    rule = "{id: kept, kind: no_worse, metric: test.accuracy, margin: 0.05}"
    project = started(tmp_path / "project", cli, config=gates("", rule=rule), metrics={"test": {"accuracy": 0.9}})
    ran(project, cli, sources(WORSE, metrics={"test": {"accuracy": 0.99}}))
    found = judged(project, cli)
    assert (outcomes(found), found["code"]) == ({"kept": "invalid"}, 2)
    assert only(found)["reason"] == "the current predictions do not give the test.accuracy of the metrics file"


def test_change_cannot_escape_by_another_name_for_its_model(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    ran(project, cli, sources(WORSE) | {"mlgit.yaml": gates("").replace("  churn:", "  chrun:")})
    found = judged(project, cli)
    assert {each["model"]: each["outcome"] for each in found["rules"]} == {"chrun": "first", "churn": "invalid"}
    assert found["code"] == 2


def test_project_that_is_younger_than_the_default_branch_is_judged_by_its_own_rules(tmp_path, cli):
    project = started(tmp_path / "all", cli, config=gates(""), folder="ml")
    git(project, "branch", "--force", "main", "main~1")
    found = judged(project, cli)
    assert (outcomes(found), found["baseline"], found["verdict"]) == ({"kept": "first"}, None, "warn")
    assert cli(project, "gate").out.splitlines()[1] == "workspace; no baseline has results; rules of current"


def test_damaged_pipeline_and_lock_are_told(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=gates(""))
    write_tree(project, {"dvc.yaml": "stages: ["})
    assert cli(project, "gate").err.startswith("error: workspace: dvc.yaml: line 2")
    broken = commit(project)
    git(project, "revert", "--no-edit", "HEAD")
    assert cli(project, "gate", "main", "HEAD~1").err.startswith(f"error: HEAD~1 ({broken[:7]}): dvc.yaml: line 2")
    write_tree(project, {"dvc.lock": "x"})
    assert "workspace: dvc.lock: expected a mapping with 'schema' and 'stages'" in cli(project, "gate").err
