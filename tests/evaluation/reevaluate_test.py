"""The model of another commit on the test data of today: real repositories, real stages, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mlgit import project as projects
from mlgit.adapters.git import git as git_adapter
from mlgit.errors import MlgitError
from mlgit.evaluation.reevaluate import predictions
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revisions import Revisions
from tests.kit import commit, dvc, git, repository, write_tree
from tests.registry.projects import FILES, fill, made, ran

pytestmark = pytest.mark.slow  # stages run

# A row is predicted to leave where x is above what the model learned; every training leaves a mark.
EVALUATE = """\
mkdir -p reports
depth=$(sed -n 's/.*depth": \\([0-9]*\\).*/\\1/p' models/churn.json)
printf '{"auc": 0.%s}' $depth > reports/metrics.json
awk -F, -v depth=$depth 'NR == 1 { print "id,label,prediction" } NR > 1 { print $1 "," $3 "," ($2 > depth) }' \\
  data/test.csv > reports/predictions.csv
"""
TRAIN = FILES["src/train.sh"] + "echo trained >> ../trainings\n"
MORE = {"src/evaluate.sh": EVALUATE, "src/train.sh": TRAIN}
CHANGED = "id,x,label\n" + "".join(f"{number},{number % 12},{number % 2}\n" for number in range(100, 112))


@pytest.fixture
def root(tmp_path, cli):
    """A model of depth 3, and after the commit another one, of depth 5, with other test data."""
    return changed(made(tmp_path / "project", cli, MORE), cli)


def changed(root, cli):
    write_tree(root, {"params.yaml": "train: {depth: 5}\n", "src/prepare.sh": FILES["src/prepare.sh"] + PUT})
    write_tree(root, {"new.csv": CHANGED})
    done = cli(root, "run")
    assert done.code == 0, done.said
    assert (root / "data/test.csv").read_text() == CHANGED
    return root


PUT = "cat new.csv > data/test.csv\n"


def again(root, *, baseline="HEAD", current="", pull=False, run=True, **declared):
    project = projects.find(root)
    model = replace(projects.load_config(project).model("churn"), **declared)
    point = RevisionRef(current, git_adapter.resolve(project.git_root, current)) if current else RevisionRef()
    oid = git_adapter.resolve(project.git_root, baseline)
    revisions = Revisions(project)
    return predictions(revisions.commit(oid), revisions.at(point), model, pull=pull, run=run)


def expected(text, depth):
    """What the model of a depth says of rows."""
    rows = [line.split(",") for line in text.splitlines()[1:]]
    return "id,label,prediction\n" + "".join(f"{key},{label},{int(int(x) > depth)}\n" for key, x, label in rows)


def everything(root: Path) -> dict[str, bytes]:
    """All files of a project and its cache, apart from what commands note down for themselves."""
    found = (path for path in root.rglob("*") if path.is_file())
    kept = {str(path.relative_to(root)): path for path in found if ".git/" not in str(path) and ".dvc/tmp" not in str(path)}
    return {name: path.read_bytes() for name, path in kept.items()}


def test_old_model_is_evaluated_on_the_new_rows_and_nothing_else_happens(root):
    before, trained = everything(root), (root.parent / "trainings").read_text()
    index = (root / ".git/index").read_bytes()
    found = again(root)
    assert found.read_text() == expected(CHANGED, 3)
    assert found.suffix == ".csv"
    assert everything(root) == before
    assert (root / ".git/index").read_bytes() == index
    assert (root.parent / "trainings").read_text() == trained
    assert git(root, "worktree", "list").count("\n") == 0
    assert os.listdir(root / ".dvc/tmp/mlgit/evaluating") == []
    assert "evaluat" not in git(root, "status", "--porcelain")


def test_outcome_is_kept_for_the_next_command(root):
    found = again(root)
    was = found.stat().st_ino
    assert again(root, run=False).stat().st_ino == again(root).stat().st_ino == was
    put(root, CHANGED + "200,1,1\n")
    assert again(root).read_text() == expected(CHANGED + "200,1,1\n", 3)


@pytest.mark.parametrize("bring", ["better predictions", "a pipe", "a link"])
def test_outcome_that_a_clone_brings_is_not_believed(root, bring):
    kept = again(root)
    (root / "better.csv").write_text(kept.read_text().replace(",0\n", ",1\n"))
    kept.unlink()
    {
        "better predictions": lambda: (root / "better.csv").replace(kept),
        "a pipe": lambda: os.mkfifo(kept),
        "a link": lambda: kept.symlink_to(root / "better.csv"),
    }[bring]()
    with pytest.raises(MlgitError, match="was not done here yet"):
        again(root, run=False)
    assert again(root).read_text() == expected(CHANGED, 3)


def test_current_side_can_be_a_commit_whose_data_is_only_in_the_cache(root):
    oid = commit(root)
    shutil.rmtree(root / "data")
    found = again(root, baseline="HEAD~1", current=oid)
    assert found.read_text() == expected(CHANGED, 3)
    assert again(root, baseline=oid, current="HEAD~1").read_text() != found.read_text()


def test_model_that_is_not_in_the_cache_is_told_with_what_fetches_it(root):
    commit(root)
    shutil.rmtree(root / ".dvc/cache")
    with pytest.raises(MlgitError, match=r"models/churn.json: not in the cache, so the model of \w{7} cannot be") as caught:
        again(root, baseline="HEAD~1")
    assert "dvc pull models/churn.json" in caught.value.hint
    assert os.listdir(root / ".dvc/tmp/mlgit/evaluating") == []


@pytest.mark.full
def test_with_pull_the_model_comes_from_the_remote_beside_the_cache(tmp_path, cli):
    root = made(tmp_path / "project", cli, MORE, remote=True)
    assert dvc(root, "push", "-q").code == 0
    changed(root, cli)
    shutil.rmtree(root / ".dvc/cache")
    before = everything(root)
    assert again(root, pull=True).read_text() == expected(CHANGED, 3)
    assert everything(root) == before


def test_stage_that_trains_too_is_not_run(tmp_path, cli):
    both = """\
stages:
  all:
    cmd: sh src/prepare.sh && sh src/train.sh && sh src/evaluate.sh
    deps: [src, data/raw.csv, data/held.csv]
    params: [train.depth]
    outs: [models/churn.json, reports/predictions.csv]
artifacts: {churn: {path: models/churn.json}}
"""
    config = FILES["mlgit.yaml"].replace("test: [data/test.csv]", "test: [data/held.csv]")
    root = made(tmp_path / "project", cli, {**MORE, "dvc.yaml": both, "data/held.csv": CHANGED, "mlgit.yaml": config})
    with pytest.raises(MlgitError, match="stage 'all' reads the test data and makes the model, so it would train again"):
        again(root)


def test_failing_evaluation_tells_what_it_said(root):
    write_tree(root, {"data/test.csv": "other\n"})
    git(root, "stash", "--quiet", "--", "src")
    write_tree(root, {"src/evaluate.sh": EVALUATE + "grep -q '^id' data/test.csv || { echo 'no column id'; exit 3; }\n"})
    oid = commit(root)
    with pytest.raises(MlgitError, match=r"could not be evaluated .*: stage 'evaluate' failed: .*no column id"):
        again(root, baseline=oid)
    assert git(root, "worktree", "list").count("\n") == 0


def test_evaluation_that_takes_too_long_is_ended(tmp_path, cli):
    root = made(tmp_path / "project", cli, {**MORE, "src/evaluate.sh": EVALUATE + "[ ! -f ../slow ] || exec sleep 600\n"})
    timed = (root / "dvc.yaml").read_text().replace("  evaluate:\n", "  evaluate:\n    meta: {mlgit: {timeout: 1s}}\n")
    write_tree(root, {"dvc.yaml": timed, "src/evaluate.sh": EVALUATE + "[ $(wc -l < data/test.csv) = 6 ] || exec sleep 600\n"})
    ran(root, cli)
    changed(root, lambda *_: cli(root, "run", "prepare"))
    with pytest.raises(MlgitError, match=r"stage 'evaluate' failed: not done within its timeout of 1.00 s"):
        again(root)


def test_templates_and_folders_and_a_project_below_the_repository(tmp_path, cli):
    top = repository(tmp_path / "mono")
    shutil.copytree(top / ".dvc", top / "team" / ".dvc")
    pipeline = (
        FILES["dvc.yaml"]
        .replace("outs: [data/train.csv, data/test.csv]", "outs: [data/train.csv, data/test]")
        .replace("models/churn.json, data/test.csv]", "models/churn.json, data/test]")
        .replace(
            "  evaluate:\n    cmd: sh src/evaluate.sh", "  evaluate:\n    foreach: [one]\n    do:\n     cmd: sh src/${item}.sh"
        )
        .replace("    deps: [src/evaluate.sh", "     deps: [src/one.sh")
        .replace("    outs: [reports", "     outs: [reports")
        .replace(
            "    metrics:\n    - reports/metrics.json: {cache: false}\n",
            "     metrics: [{reports/metrics.json: {cache: false}}]\n",
        )
    )
    one = EVALUATE.replace("data/test.csv", "data/test/part.csv") + 'test "${HOME}" = "$HOME"\n'
    prepare = "head -16 data/raw.csv > data/train.csv\nmkdir -p data/test\ncat ../part.csv > data/test/part.csv\n"
    config = FILES["mlgit.yaml"].replace("[data/test.csv]", "[data/test]")
    write_tree(top, {"part.csv": CHANGED})
    more = {"dvc.yaml": pipeline, "src/one.sh": one, "src/prepare.sh": prepare, "src/train.sh": TRAIN, "mlgit.yaml": config}
    root = fill(top / "team", cli, more)
    longer = CHANGED + "300,7,1\n"
    write_tree(top, {"part.csv": longer, "team/params.yaml": "train: {depth: 9}\n", "team/src/prepare.sh": prepare + "\n"})
    assert cli(root, "run").code == 0
    assert again(root).read_text() == expected(longer, 3)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"test": ()}, "models.churn.test is not declared"),
        ({"predictions": ""}, "models.churn.predictions is not declared"),
        ({"test": ("other.csv",)}, "the test data other.csv is not a dependency of a stage that makes"),
    ],
)
def test_what_is_not_declared_is_named(root, declared, said):
    write_tree(root, {"mlgit.yaml": "mlgit: 1\n"})
    oid = commit(root)
    with pytest.raises(MlgitError, match=said):
        again(root, baseline=oid, **{"test": ("data/test.csv",), "predictions": "reports/predictions.csv", **declared})


def test_model_is_not_judged_on_rows_that_it_has_learned_from(root):
    learned = (root / "data/train.csv").read_text().splitlines()
    put(root, "\n".join([*CHANGED.splitlines(), *learned[1:5]]) + "\n")
    with pytest.raises(MlgitError, match=r"has learned from 25% of the 16 rows of the current test data") as caught:
        again(root)
    assert "a new split needs a model trained on it" in caught.value.hint
    put(root, CHANGED + "".join(f"{number},77,1\n" for number in range(1000, 1400)) + learned[1] + "\n")
    assert len(again(root).read_text().splitlines()) == 1 + 12 + 400 + 1


def put(root, content):
    os.remove(root / "data/test.csv")
    write_tree(root, {"data/test.csv": content})


def test_test_data_that_is_not_there_is_named(root):
    os.remove(root / "data/test.csv")
    os.remove(root / "dvc.lock")
    with pytest.raises(MlgitError, match=r"data/test.csv: test data not found"):
        again(root)


SCRIPT = """\
import sys
from pathlib import Path
from mlgit import project as projects
from mlgit.cli import error_boundary
from mlgit.evaluation.reevaluate import predictions
from mlgit.revision.revisions import Revisions
project = projects.find(Path(sys.argv[1]))
error_boundary._prepare_signals()
revisions = Revisions(project)
predictions(revisions.commit(sys.argv[2]), revisions.workspace, projects.load_config(project).model("churn"))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_it_leaves_nothing_behind(root, number):
    os.mkfifo(root.parent / "begun")
    git(root, "stash", "--quiet", "--", "src")
    write_tree(root, {"src/evaluate.sh": f"echo $$ > {root.parent}/begun; exec sleep 600\n"})
    oid = commit(root)
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(root), oid], stderr=subprocess.DEVNULL)
    stage = int((root.parent / "begun").read_text())  # waits for the stage
    child.send_signal(number)
    assert child.wait(60) != 0
    if number == signal.SIGKILL:
        os.kill(stage, signal.SIGKILL)
        again(root, baseline="HEAD~1")
    else:
        with pytest.raises(ProcessLookupError):
            os.kill(stage, 0)
    assert git(root, "worktree", "list").count("\n") == 0
    assert os.listdir(root / ".dvc/tmp/mlgit/evaluating") == []
