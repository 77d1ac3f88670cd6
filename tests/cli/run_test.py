"""`mlgit run`, `status` and `dag` as a user types them: what runs, what is restored, what is said."""

from __future__ import annotations

import json

import pytest

from tests.kit import lock, repository, write_tree
from tests.pipeline.counting import PARAMS, PIPELINE
from tests.pipeline.differential import run_dvc, tree

pytestmark = pytest.mark.slow  # real processes, many of them


def test_second_run_runs_nothing(done):
    said = done("run")
    assert (said.code, said.out.startswith("4 unchanged in ")) == (0, True)
    assert done.ran() == []


def test_changed_parameter_runs_the_stages_that_read_it_and_what_follows(done):
    done.write("params.yaml", PARAMS.replace("depth: 3", "depth: 4"))
    assert done.states() == {"prepare": "unchanged", "train": "ran", "evaluate": "ran", "report": "unchanged"}
    assert done.ran() == ["train", "evaluate"]


def test_parameter_nobody_reads_runs_nothing(done):
    done.write("params.yaml", PARAMS.replace("unused: 1", "unused: 2"))
    assert done("status").code == 0


def test_change_that_leaves_an_output_the_same_stops_there(done):
    done.write("params.yaml", PARAMS.replace("auc", "f1"))
    assert done.states()["evaluate"] == "ran"
    assert done.ran() == ["evaluate"]


def test_parameter_changed_back_restores_everything_without_running(done):
    before = tree(done.root)
    done.write("params.yaml", PARAMS.replace("depth: 3", "depth: 4"))
    done("run")
    done.ran()
    done.write("params.yaml", PARAMS)
    assert done.states() == {"prepare": "unchanged", "train": "restored", "evaluate": "restored", "report": "unchanged"}
    assert done.ran() == []
    assert {path: row for path, row in tree(done.root).items() if "/cache/" not in path} == {
        path: row for path, row in before.items() if "/cache/" not in path
    }


def test_lost_outputs_and_lock_are_restored_without_running(done):
    for path in ("clean.txt", "model.txt", "score.txt", "report.txt", "dvc.lock"):
        (done.root / path).unlink()
    assert set(done.states().values()) == {"restored"}
    assert done.ran() == []


def test_edited_output_is_restored(done):
    done.write("model.txt", "edited\n")
    assert done.states()["train"] == "restored"
    assert (done.root / "model.txt").read_text() == "raw\ndepth: 3\n"


def test_changed_command_runs_again(done):
    done.write("dvc.yaml", (done.root / "dvc.yaml").read_text().replace("cat model.txt", "cat  model.txt"))
    assert done.states()["evaluate"] == "ran"


def test_status_names_the_parameter_with_old_and_new_value(done):
    done.write("params.yaml", PARAMS.replace("depth: 3", "depth: 6"))
    said = done("status")
    assert said.code == 1
    assert "  param depth: 3 → 6\n" in said.out


def test_status_names_a_parameter_inside_a_section(done):
    done.write("params.yaml", PARAMS.replace("auc", "f1"))
    assert "param metric.name: auc → f1" in done("status").out


def test_status_names_changed_and_missing_paths(done):
    done.write("raw.txt", "other\n")
    (done.root / "score.txt").unlink()
    said = done("status").out
    assert "  dep changed: raw.txt\n" in said
    assert "  out missing: score.txt\n" in said


def test_status_as_json_has_schema_1(done):
    assert done("status", "--json").json["up_to_date"]
    done.write("params.yaml", PARAMS.replace("depth: 3", "depth: 6"))
    found = done("status", "--json").json
    assert (found["schema"], found["up_to_date"]) == (1, False)
    assert found["stages"][0] == {"name": "prepare", "status": "up-to-date", "reasons": []}
    assert found["stages"][1] == {
        "name": "train",
        "status": "stale",
        "reasons": [{"kind": "param", "path": "depth", "old": 3, "new": 6}],
    }


def test_run_as_json_has_schema_1(pipeline):
    found = pipeline("run", "--json").json
    assert (found["schema"], found["ok"], found["counts"]["ran"]) == (1, True, 4)
    assert {"name", "state", "seconds", "reasons", "code", "message", "log"} == found["stages"][0].keys()


def test_nan_as_a_parameter_keeps_the_json_readable(done):
    done.write("params.yaml", PARAMS.replace("depth: 3", "depth: .nan"))
    text = done("status", "--json").out
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_status_of_a_target_looks_at_what_it_needs(done):
    done.write("params.yaml", PARAMS.replace("auc", "f1"))
    assert done("status", "train").code == 0
    assert done("status", "evaluate").code == 1


def test_target_runs_with_what_it_needs(pipeline):
    assert pipeline.states("train") == {"prepare": "ran", "train": "ran"}
    assert pipeline.ran() == ["prepare", "train"]


def test_target_can_be_an_output_seen_from_a_subfolder(pipeline):
    assert pipeline("run", "../report.txt", below="sub").code == 0
    assert pipeline.ran() == ["report"]


def test_unknown_target_is_refused_with_the_near_miss(pipeline):
    said = pipeline("run", "trian")
    assert (said.code, "did you mean 'train'?" in said.err) == (2, True)


def test_force_runs_what_is_up_to_date(done):
    assert done.states("--force", "report") == {"report": "ran"}
    assert done.ran() == ["report"]


def test_dry_run_says_what_would_run_and_changes_nothing(done):
    done.write("params.yaml", PARAMS.replace("depth: 3", "depth: 4"))
    before = tree(done.root)
    said = done("run", "--dry-run")
    assert said.code == 0
    assert "would run  train  (param depth: 3 → 4)" in said.out
    assert "may run    evaluate" in said.out
    assert "prepare" not in said.out
    assert tree(done.root) == before
    assert done.ran() == []


def test_dry_run_as_json_has_schema_1(done):
    assert done("run", "--dry-run", "--json").json == {"schema": 1, "stages": []}


def failing(pipeline):
    text = (pipeline.root / "dvc.yaml").read_text()
    pipeline.write("dvc.yaml", text.replace("cat clean.txt - > model.txt", "false"))


def test_after_a_failure_nothing_new_starts(pipeline):
    failing(pipeline)
    assert pipeline("run", "-j1").code == 1
    assert pipeline.ran() == ["prepare", "train"]


def test_keep_going_runs_all_that_does_not_need_the_failed_stage(pipeline):
    failing(pipeline)
    assert pipeline.states("--keep-going", "-j1") == {
        "prepare": "ran",
        "train": "failed",
        "evaluate": "skipped",
        "report": "ran",
    }
    assert pipeline.ran() == ["prepare", "train", "report"]


def test_finished_stages_are_recorded_when_another_fails(pipeline):
    failing(pipeline)
    pipeline("run", "--keep-going")
    assert sorted(lock(pipeline.root)["stages"]) == ["prepare", "report"]
    assert sorted((pipeline.root / ".gitignore").read_text().split()) == ["/clean.txt", "/report.txt"]


def test_failed_stage_is_stale_and_runs_again(pipeline):
    failing(pipeline)
    pipeline("run", "--keep-going")
    pipeline.ran()
    pipeline.write("dvc.yaml", PIPELINE.format(log=pipeline.log))
    assert pipeline("run").code == 0
    assert pipeline.ran() == ["train", "evaluate"]


def test_stages_that_share_a_resource_do_not_overlap(pipeline, tmp_path):
    one_at_a_time = "mkdir {0} && ls raw.txt && rmdir {0} && echo 1 > {1}"
    stages = {
        name: {
            "cmd": one_at_a_time.format(tmp_path / "alone", name),
            "outs": [name],
            "meta": {"mlgit": {"resources": {"seat": 1}}},
        }
        for name in "abcdef"
    }
    pipeline.write("dvc.yaml", json.dumps({"stages": stages}))
    assert pipeline("run", "-j4", "--resources", "seat=1").code == 0


def test_more_of_a_resource_than_there_is_is_refused(pipeline):
    pipeline.write("dvc.yaml", "stages: {a: {cmd: x, meta: {mlgit: {resources: {seat: 2}}}}}")
    said = pipeline("run", "--resources", "seat=1")
    assert (said.code, "dvc.yaml: stages.a.meta.mlgit.resources.seat" in said.err) == (2, True)


def test_stage_whose_input_changes_while_it_runs_is_not_recorded(pipeline):
    pipeline.write("dvc.yaml", "stages: {a: {cmd: cat raw.txt > out; echo more >> raw.txt, deps: [raw.txt], outs: [out]}}")
    said = pipeline("run")
    assert (said.code, "'raw.txt' changed while stage 'a' ran" in said.out) == (1, True)
    assert not (pipeline.root / "dvc.lock").exists()


def test_callback_runs_every_time(pipeline):
    pipeline.write("dvc.yaml", f"stages: {{hello: {{cmd: echo report >> {pipeline.log}}}}}")
    pipeline("run")
    pipeline("run")
    assert pipeline.ran() == ["report", "report"]


def test_dag_shows_what_a_target_needs(pipeline):
    assert pipeline("dag", "train", "--json").json == {
        "schema": 1,
        "stages": [{"name": "prepare", "needs": []}, {"name": "train", "needs": ["prepare"]}],
    }


@pytest.mark.parametrize(("form", "word"), [("text", "prepare"), ("mermaid", "flowchart"), ("dot", "digraph"), ("svg", "<svg")])
def test_dag_is_drawn_in_every_format(pipeline, form, word):
    said = pipeline("dag", "--format", form)
    assert (said.code, word in said.out) == (0, True)


def test_dvc_agrees_that_nothing_is_left(done):
    assert "up to date" in run_dvc(done.root, "status").out


def test_frozen_stage_without_its_output_is_told_how_to_get_it_back(tmp_path, cli):
    frozen = "stages:\n  sub: {cmd: echo x > x, outs: [x], frozen: %s}\n"
    root = repository(tmp_path / "p", {"dvc.yaml": frozen % "false"})
    assert cli(root, "run").code == 0
    write_tree(root, {"dvc.yaml": frozen % "true"}).joinpath("x").unlink()
    assert run_dvc(root, "repro").code != 0
    done = cli(root, "run")
    assert done.code == 1
    assert "stage 'sub' is frozen, so it was not run, and its output 'x' is missing" in done.out
    assert "did not make" not in done.said
    assert "`dvc checkout x` brings it back" in done.out
    assert run_dvc(root, "checkout", "x").code == 0
    assert cli(root, "run").code == 0
