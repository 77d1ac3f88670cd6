"""What is wrong in a project is told in one message that names file and place, and nothing is touched."""

from __future__ import annotations

import shutil

import pytest

from tests.kit import repository, write_tree
from tests.pipeline.differential import tree

pytestmark = pytest.mark.slow  # many repositories

PIPELINE = """\
stages:
  prepare:
    cmd: cat raw.txt > clean.txt
    deps: [raw.txt]
    params: [depth]
    outs: [clean.txt]
  train:
    cmd: cat clean.txt > model.txt
    deps: [clean.txt]
    outs: [model.txt]
"""
LOCK = "schema: '2.0'\nstages:\n  prepare:\n    cmd: other\n"
GOOD = {
    "dvc.yaml": PIPELINE,
    "params.yaml": "depth: 3\n",
    "raw.txt": "raw\n",
    "clean.txt": "an older result\n",
    "model.txt": "an older model\n",
    "dvc.lock": LOCK,
    ".gitignore": "/clean.txt\n/model.txt\n",
}


def with_text(old, new):
    assert old in PIPELINE
    return {"dvc.yaml": PIPELINE.replace(old, new)}


# name -> the files that are different, and words that the message has to hold.
BAD = {
    "a cycle": (with_text("deps: [raw.txt]", "deps: [model.txt]"), ["dvc.yaml", "circle", "'prepare'", "'train'"]),
    "a stage that reads its own output": (
        with_text("deps: [raw.txt]", "deps: [clean.txt]"),
        ["dvc.yaml", "prepare", "clean.txt"],
    ),
    "two stages with one output": (with_text("outs: [model.txt]", "outs: [clean.txt]"), ["dvc.yaml", "clean.txt"]),
    "two stages with outputs one in the other": (
        with_text("outs: [model.txt]", "outs: [clean.txt/x]"),
        ["dvc.yaml", "clean.txt/x", "'prepare'"],
    ),
    "a missing dependency": (with_text("raw.txt]", "rwa.txt]"), ["dvc.yaml", "stages.prepare", "'rwa.txt' does not exist"]),
    "a missing parameter file": ({"params.yaml": None}, ["dvc.yaml", "stages.prepare", "'params.yaml' does not exist"]),
    "an undefined name": (with_text("cat clean.txt", "cat ${name}"), ["dvc.yaml", "train", "name"]),
    "a tab in the YAML": (with_text("    deps: [raw.txt]", "\tdeps: [raw.txt]"), ["dvc.yaml: line 4", "tab"]),
    "a duplicate key": (with_text("  train:", "  prepare:"), ["dvc.yaml: line 7", "duplicate key 'prepare'"]),
    "no YAML": (with_text("[raw.txt]", "[raw.txt"), ["dvc.yaml: line"]),
    "an unknown key of a stage": (
        with_text("    deps: [raw.txt]", "    dep: [raw.txt]"),
        ["dvc.yaml: stages.prepare.dep:", "'deps'"],
    ),
    "an unknown key of the file": ({"dvc.yaml": "stage: {}\n"}, ["dvc.yaml: stage", "'stages'"]),
    "an unknown flag of an output": (
        with_text("outs: [model.txt]", "outs: [{model.txt: {cahce: false}}]"),
        ["dvc.yaml", "model.txt", "'cache'"],
    ),
    "a stage without a command": (with_text("    cmd: cat raw.txt > clean.txt\n", ""), ["dvc.yaml: stages.prepare", "cmd"]),
    "an empty command": (with_text("cmd: cat raw.txt > clean.txt", "cmd: ''"), ["dvc.yaml: stages.prepare.cmd"]),
    "a stage that is no mapping": ({"dvc.yaml": "stages: {a: 5}\n"}, ["dvc.yaml: stages.a"]),
    "a list for a file": ({"dvc.yaml": "- a\n"}, ["dvc.yaml"]),
    "one output declared twice": (
        with_text("outs: [clean.txt]", "outs: [clean.txt, ./clean.txt]"),
        ["dvc.yaml: stages.prepare", "'clean.txt' is declared as an output twice"],
    ),
    "templating where a truth value stands": (
        with_text("outs: [clean.txt]", "outs: [{clean.txt: {persist: '${depth}'}}]"),
        ["dvc.yaml: stages.prepare.outs[0].clean.txt.persist", "true or false", "${depth}"],
    ),
    "an unknown setting of a stage": (
        with_text("    deps: [raw.txt]", "    deps: [raw.txt]\n    meta: {mlgit: {timeot: 5}}"),
        ["dvc.yaml: stages.prepare.meta.mlgit.timeot", "'timeout'"],
    ),
    "a pipeline that is not UTF-8": ({"dvc.yaml": PIPELINE.encode() + b"# caf\xe9\n"}, ["dvc.yaml: line 11", "UTF-8"]),
    "parameters that are not UTF-8": ({"params.yaml": b"depth: 3\nname: caf\xe9\n"}, ["params.yaml: line 2", "UTF-8"]),
    "parameters that are no YAML": ({"params.yaml": "depth: [3\n"}, ["params.yaml: line"]),
    "a parameter that is not there": ({"params.yaml": "dept: 3\n"}, ["dvc.yaml", "stages.prepare", "'depth'", "params.yaml"]),
    "a lock with conflict marks": ({"dvc.lock": f"<<<<<<< HEAD\n{LOCK}=======\n>>>>>>> x\n"}, ["dvc.lock: line"]),
    "a lock that was emptied halfway": ({"dvc.lock": LOCK[:20]}, ["dvc.lock"]),
    "a lock of DVC 1": ({"dvc.lock": "prepare:\n  cmd: x\n"}, ["dvc.lock", "2.0"]),
    "a .dvc file that is none": ({"x.dvc": "outs: [{md5: 5}]\n"}, ["x.dvc: outs.0.path"]),
    "an unknown key of a .dvc file": ({"x.dvc": "out: []\n"}, ["x.dvc: out", "'outs'"]),
    "an unknown cache type": ({".dvc/config": "[cache]\n    type = hardlnk\n"}, [".dvc/config", "hardlnk"]),
}
BAD |= {
    "a setting of DVC that is none": ({".dvc/config": "[core]\n  remote x\n"}, [".dvc/config: line 2", "'remote x'"]),
    "a section of DVC that is not closed": ({".dvc/config": "[core\n"}, [".dvc/config: line 1"]),
    "an unknown key of a plot": ({"dvc.yaml": f"plots: [{{p: {{z: a}}}}]\n{PIPELINE}"}, ["dvc.yaml: plots.0.p.z", "x_label"]),
    "a plot that is a number": ({"dvc.yaml": f"plots: [5]\n{PIPELINE}"}, ["dvc.yaml: plots.0"]),
    "datasets that are a number": ({"dvc.yaml": f"datasets: 5\n{PIPELINE}"}, ["dvc.yaml: datasets", "a list"]),
    "a value of foreach with an @": (
        {"dvc.yaml": "stages: {s: {foreach: ['a@b'], do: {cmd: x}}}\n"},
        ["dvc.yaml: stages: 's@a@b'", "cannot hold '@'"],
    ),
    "the project as an output": (with_text("outs: [model.txt]", "outs: [.]"), ["dvc.yaml: stages.train", "the project itself"]),
}
PASSED_OVER_BY_STATUS = {
    "an empty command",
    "a missing dependency",
    "a missing parameter file",
    "a parameter that is not there",
}


def project(folder, changes):
    root = write_tree(repository(folder), GOOD)
    for path, content in changes.items():
        if content is None:
            (root / path).unlink()
        else:
            write_tree(root, {path: content})
    return root


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_run_and_status_before_anything_happens(tmp_path, cli, name):
    changes, words = BAD[name]
    root = project(tmp_path / "p", changes)
    before = tree(root)
    done = cli(root, "run")
    assert tree(root) == before
    assert done.code == 2, done.said
    assert done.err.startswith("error: ")
    assert done.err.count("error: ") == 1
    assert [word for word in words if word not in done.err] == [], done.err
    if name not in PASSED_OVER_BY_STATUS:
        asked = cli(root, "status")
        assert (asked.code, asked.err) == (2, done.err)


@pytest.mark.parametrize("name", sorted(PASSED_OVER_BY_STATUS))
def test_status_of_a_stage_that_cannot_run_names_what_is_missing(tmp_path, cli, name):
    root = project(tmp_path / "p", BAD[name][0])
    done = cli(root, "status")
    assert done.code == 1
    assert "prepare" in done.out


def test_failing_command_is_told_with_code_and_last_lines(tmp_path, cli):
    root = project(tmp_path / "p", with_text("cat clean.txt > model.txt", "echo what went wrong >&2; exit 7"))
    done = cli(root, "run")
    assert done.code == 1
    assert "stage 'train' failed: exit code 7" in done.out
    assert "  | what went wrong" in done.out
    assert "train" not in (root / "dvc.lock").read_text()


def test_stage_that_does_not_make_its_output_fails(tmp_path, cli):
    root = project(tmp_path / "p", with_text("cmd: cat clean.txt > model.txt", "cmd: echo made nothing"))
    done = cli(root, "run")
    assert done.code == 1
    assert "did not make its output 'model.txt'" in done.out


def test_outside_a_git_repository_nothing_is_found(tmp_path, cli):
    done = cli(tmp_path, "run")
    assert (done.code, "not inside a Git repository" in done.err) == (2, True)


def test_without_dvc_project_the_next_step_is_named(tmp_path, cli):
    root = repository(tmp_path / "p")
    shutil.rmtree(root / ".dvc")
    done = cli(root, "run")
    assert (done.code, "`mlgit init`" in done.said) == (2, True)


def test_dvc_project_outside_git_is_refused(tmp_path, cli):
    root = repository(tmp_path / "p", GOOD)
    shutil.rmtree(root / ".git")
    assert cli(root, "status").code == 2


def test_empty_pipeline_is_fine(tmp_path, cli):
    root = repository(tmp_path / "p", {"dvc.yaml": ""})
    assert cli(root, "run").code == 0
    assert "no stages" in cli(root, "status").out


def test_missing_working_folder_leaves_outputs_alone(tmp_path, cli):
    text = "stages:\n  a:\n    cmd: echo 1 > ../out\n    wdir: gone\n    outs: [../out]\n"
    root = repository(tmp_path / "p", {"dvc.yaml": text, "out": "older\n", ".gitignore": "/out\n"})
    done = cli(root, "run")
    assert done.code != 0
    assert "gone" in done.said
    assert (root / "out").read_text() == "older\n"


def test_output_that_git_tracks_is_refused_before_it_is_lost(tmp_path, cli):
    root = repository(tmp_path / "p", {**GOOD, ".gitignore": "", "dvc.lock": "schema: '2.0'\nstages: {}\n"})
    before = tree(root)
    done = cli(root, "run")
    assert (done.code, "clean.txt" in done.err, "git rm" in done.err) == (2, True, True)
    assert tree(root) == before


def test_bad_configuration_of_mlgit_is_refused_by_key(tmp_path, cli):
    root = repository(tmp_path / "p", {**GOOD, "mlgit.yaml": "mlgit: 1\nmetrcs: {}\n"})
    done = cli(root, "run")
    assert (done.code, "mlgit.yaml" in done.err) == (2, True)
