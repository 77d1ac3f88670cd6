"""What a trial finds in its working tree, and what of the trial before it must not be there."""

from __future__ import annotations

import json

import pytest

from mlgit.commands.exp_run import SweepPlan, exp_run
from mlgit.errors import MlgitError
from tests.kit import commit, dvc, git, repository, write_tree
from tests.kit.experiments import commands_run, searched_project, trial_refs


def said_by(root, name, path):
    """A file of a trial's commit."""
    return git(root, "show", f"{trial_refs(root)[name]}:{path}")


def one_stage(cmd, *, more="", params="[n]"):
    """A pipeline of one stage, whose only output Git keeps."""
    stage = f"  one:\n    cmd: {cmd}\n    params: {params}\n    metrics:\n    - m.json:\n        cache: false\n{more}"
    return {"params.yaml": "n: 1\n", "dvc.yaml": f"stages:\n{stage}"}


def test_project_in_a_folder_and_a_target_named_from_there(tmp_path, monkeypatch):
    root = searched_project(tmp_path / "top" / "ml" / "churn", monkeypatch)
    top = tmp_path / "top"
    (root / ".git").rename(top / ".git")
    write_tree(top, {"other/file.txt": "x\n"})
    commit(top)
    result = exp_run(SweepPlan(("train.depth=4,5",), targets=("prepare",)))
    assert [each.status for each in result.trials] == ["finished", "finished"]
    assert commands_run(root) == ["prepare"]
    assert "rows.csv" in git(top, "show", f"{result.trials[0].commit}:ml/churn/dvc.lock")
    assert exp_run(SweepPlan(("train.depth=4,5",))).trials[1].metrics["score"] == pytest.approx(0.96)


def test_names_of_trial_and_baseline_are_in_the_environment(tmp_path, monkeypatch):
    told = "env | grep -E '^(MLGIT_TRIAL|MLGIT_STAGE|DVC_EXP_NAME|DVC_EXP_BASELINE_REV)=' | sort > m.json"
    root = searched_project(tmp_path / "p", monkeypatch, one_stage(told))
    trial = exp_run(SweepPlan(("n=2",))).trials[0]
    assert said_by(root, trial.name, "m.json").splitlines() == [
        f"DVC_EXP_BASELINE_REV={git(root, 'rev-parse', 'HEAD')}",
        f"DVC_EXP_NAME={trial.name}",
        "MLGIT_STAGE=one",
        f"MLGIT_TRIAL={trial.name}",
    ]


def test_what_one_trial_leaves_does_not_reach_the_next(tmp_path, monkeypatch):
    script = "ls > m.json; touch left.tmp; mkdir -p sub; touch sub/x\ncat kept.txt >> m.json\necho more >> kept.txt\n"
    more = "    outs:\n    - kept.txt:\n        persist: true\n"
    files = one_stage("sh look.sh", more=more) | {".gitignore": "*.tmp\n/kept.txt\n", "look.sh": script}
    root = searched_project(tmp_path / "p", monkeypatch, files)
    result = exp_run(SweepPlan(("n=2,3,4",)), jobs=1)
    seen = {said_by(root, each.name, "m.json") for each in result.trials}
    assert len(seen) == 1, seen
    assert not {"left.tmp", "sub", "more"} & set(seen.pop().split())


def test_output_of_a_stage_that_another_trial_had_is_gone(tmp_path, monkeypatch):
    made = "  make:\n    foreach: ${names}\n    do:\n      cmd: echo ${item} > made/${item}\n      outs: ['made/${item}']\n"
    counted = "  count:\n    cmd: ls made | wc -l > m.json\n    params: [names]\n    deps: [made/b]\n    metrics:\n"
    pipeline = f"stages:\n{made}{counted}    - m.json:\n        cache: false\n"
    files = {"params.yaml": "names: [a]\n", "dvc.yaml": pipeline, "made/.keep": ""}
    root = searched_project(tmp_path / "p", monkeypatch, files | {"params.yaml": "names: [b]\n"})
    result = exp_run(SweepPlan(("names=[a,b],[b]",)), jobs=1)
    assert [each.message for each in result.trials] == ["", ""]
    assert [said_by(root, each.name, "m.json").strip() for each in result.trials] == ["2", "1"]


def test_parameters_in_python_are_read_anew(tmp_path, monkeypatch):
    files = one_stage("python3 show.py", params="[{rates.py: [RATE]}]") | {
        "rates.py": "RATE = 1\n",
        "show.py": "import json, rates\njson.dump({'rate': rates.RATE}, open('m.json', 'w'))\n",
    }
    root = searched_project(tmp_path / "p", monkeypatch, files)
    result = exp_run(SweepPlan(("rates.py:RATE=2,3,4",)), jobs=1)
    assert [json.loads(said_by(root, each.name, "m.json"))["rate"] for each in result.trials] == [2, 3, 4]


def test_data_that_dvc_tracks_comes_from_the_cache(tmp_path, monkeypatch):
    root = searched_project(tmp_path / "p", monkeypatch)
    git(root, "rm", "--quiet", "--cached", "raw.csv")
    assert dvc(root, "add", "raw.csv").code == 0
    commit(root)
    (root / "raw.csv").unlink()
    assert [each.status for each in exp_run(SweepPlan(("train.lr=0.1,0.2",))).trials] == ["finished"] * 2
    assert not (root / "raw.csv").exists()


def test_metrics_that_git_ignores_are_recorded(tmp_path, monkeypatch):
    root = searched_project(tmp_path / "p", monkeypatch, one_stage("echo 1 > m.json") | {".gitignore": "*.json\n"})
    trial = exp_run(SweepPlan(("n=2",))).trials[0]
    assert said_by(root, trial.name, "m.json") == "1"
    assert git(root, "status", "--porcelain") == ""


def test_what_is_frozen_or_persists_comes_from_the_cache(tmp_path, monkeypatch):
    frozen = "  old:\n    cmd: echo old > old.txt\n    frozen: FROZEN\n    outs: [old.txt]\n"
    grown = "  log:\n    cmd: echo more >> log.txt; wc -l < log.txt > m.json\n    params: [n]\n"
    grown += "    outs:\n    - log.txt: {persist: true}\n"
    metric = "    metrics:\n    - m.json: {cache: false}\n"
    pipeline = f"stages:\n{frozen}{grown}{metric}"
    files = {"params.yaml": "n: 1\n", "dvc.yaml": pipeline.replace("FROZEN", "false")}
    root = searched_project(tmp_path / "p", monkeypatch, files)
    assert dvc(root, "repro").code == 0
    write_tree(root, {"dvc.yaml": pipeline.replace("FROZEN", "true")})
    commit(root)
    result = exp_run(SweepPlan(("n=2,3",)), jobs=1)
    assert [each.message for each in result.trials] == ["", ""]
    assert [said_by(root, each.name, "m.json").strip() for each in result.trials] == ["2", "2"]


def test_mutex_holds_over_all_trials(tmp_path, monkeypatch):
    alone = "mkdir $RAN.lock && sleep 0.05 && rmdir $RAN.lock && echo {} > m.json"
    files = one_stage(alone, more="    meta: {mlgit: {mutex: [gpu0]}}\n")
    searched_project(tmp_path / "p", monkeypatch, files)
    assert [each.status for each in exp_run(SweepPlan(("n=1..6",)), jobs=3).trials] == ["finished"] * 6


def test_dvc_sees_a_clean_project_where_a_trial_was_applied(tmp_path, monkeypatch):
    root = searched_project(tmp_path / "p", monkeypatch)
    result = exp_run(SweepPlan(("train.lr=0.2,0.3",)))
    shown = dvc(root, "exp", "show", "--json").json
    names = {each["name"]: each for each in shown[1]["experiments"]}
    assert {name: each["revs"][0]["data"]["metrics"]["metrics.json"]["data"] for name, each in names.items()} == {
        each.name: dict(each.metrics) for each in result.trials
    }
    assert dvc(root, "exp", "apply", result.best).code == 0
    assert "up to date" in dvc(root, "status").out


def test_repository_without_a_commit_is_refused(tmp_path, monkeypatch):
    root = repository(tmp_path / "p")
    git(root, "update-ref", "-d", "HEAD")
    monkeypatch.chdir(root)
    with pytest.raises(MlgitError, match="no commit"):
        exp_run(SweepPlan())


def test_table_of_busy_paths_that_a_killed_trial_left_is_no_matter(tmp_path, monkeypatch):
    root = searched_project(tmp_path / "p", monkeypatch)
    exp_run(SweepPlan(("train.lr=0.1",)), jobs=1)
    tree = next((root / ".git/mlgit/worktrees").glob("[0-9]"))
    left = {"write": {str(tree / "model.txt"): {"pid": 1, "cmd": "mlgit exp run"}}, "read": {}}  # 1 runs on every machine
    (tree / ".dvc/tmp/rwlock").write_text(json.dumps(left))
    assert [each.message for each in exp_run(SweepPlan(("train.lr=0.2",)), jobs=1).trials] == [""]
