"""The jobs of GitLab's pipelines, played: a merge request is checked and gets one note; a retraining; a release."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.report import document
from mlgit.scaffold import answers, library
from mlgit.scaffold.render import render
from tests.kit import FULL, git, write_tree
from tests.kit.forge import State, forge
from tests.kit.forked import mlgit
from tests.kit.gitlab_ci import checkout, jobs, play
from tests.kit.pulls import CONFIG, ME, PIPELINE, TRAIN

pytestmark = pytest.mark.slow  # real pipelines

GAIN = "    - {id: gain, kind: better, metric: accuracy, when: {label: retrain}}\n"
STORE = "[core]\n    remote = there\n['remote \"there\"']\n    url = %s\n"
FILES = {
    "dvc.yaml": PIPELINE.replace("[train.py]", "[train.py, data.csv]"),
    "mlgit.yaml": (CONFIG % "0.01").replace("id: id}", "id: id, train: [data.csv]}") + GAIN,
    "train.py": TRAIN + 'import os\nassert "GITLAB_TOKEN" not in os.environ\n',
    "data.csv": "id\n1\n",
    "requirements.txt": "numpy==2.4.0\n",
    "params.yaml": "skill: 80\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
}
REPORT = "mlgit-report/report.json"

in_full = pytest.mark.skipif(not FULL, reason="the same commands are played elsewhere: MLGIT_TEST_FULL=1")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A bare origin whose main has run, with a DVC remote, and a better change on a branch."""
    folder = tmp_path_factory.mktemp("original")
    git(folder, "init", "-q", "--bare", "--initial-branch=main", "origin.git")
    root = checkout_of_main(folder)
    write_tree(root, {**FILES, ".dvc/config": STORE % (folder / "store")})
    done = mlgit(root, "run")
    assert done.code == 0, done.said
    record(root, "start")
    write_tree(root, {"notes.txt": "more to come\n"})
    record(root, "notes")
    shutil.copytree(root / ".dvc/cache", folder / "store")
    git(root, "switch", "-qc", "topic")
    write_tree(root, {"params.yaml": "skill: 95\n"})
    git(root, "commit", "-qam", "better")
    git(root, "push", "-q", "origin", "topic", "topic:refs/merge-requests/7/head")
    return folder


def checkout_of_main(folder: Path) -> Path:
    git(folder, "clone", "-q", "origin.git", "clone")
    git(folder / "clone", "checkout", "-q", "-B", "main")
    return folder / "clone"


def record(root: Path, message: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-qm", message)
    git(root, "push", "-q", "origin", "HEAD")


@pytest.fixture
def origin(original, tmp_path):
    shutil.copytree(original / "origin.git", tmp_path / "origin.git")
    return tmp_path / "origin.git"


@pytest.fixture
def state():
    with forge(State(kind="gitlab")) as found:
        found.tokens["secret"] = ME
        yield found


def job(file: str, name: str):
    part = library.part("gitlab-ci")
    files = render(part, answers.resolve(part.manifest, given={}, facts={}))
    return dict(jobs(parse_yaml(files[f".gitlab/mlgit/{file}.yml"][1].decode(), name=file)))[name]


def variables(state: State, commit: str, **more: str) -> dict[str, str]:
    """What GitLab tells a job of the default branch; a job of a merge request is told more."""
    branch = {"CI_COMMIT_SHA": commit, "CI_COMMIT_REF_NAME": "main", "CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_ID": "900"}
    return {"CI_API_V4_URL": state.base, "CI_PROJECT_PATH": "team/models", **branch, **more}


def asked(head: str) -> dict[str, str]:
    named = {"IID": "7", "SOURCE_BRANCH_NAME": "topic", "TARGET_BRANCH_NAME": "main"}
    projects = {"SOURCE_PROJECT_PATH": "team/models", "PROJECT_PATH": "team/models"}
    told = {f"CI_MERGE_REQUEST_{name}": value for name, value in (named | projects).items()}
    return {"CI_COMMIT_SHA": head, "CI_COMMIT_REF_NAME": "topic", "CI_PIPELINE_ID": "501", **told}


def test_merge_request_is_checked_without_a_token_and_gets_one_note_that_is_kept_up_to_date(origin, state, tmp_path):
    main, head = git(origin, "rev-parse", "main"), git(origin, "rev-parse", "topic")
    root = checkout(origin, tmp_path / "check", head)
    done = play(job("check", "pipeline and gates"), root, variables(state, head, **asked(head)))
    assert done.code == 0, done.said
    assert (root / ".dvc/cache/files").is_dir()
    assert state.requests == []
    left = (root / REPORT).read_bytes()
    assert document.from_json(left, source="x").verdict == "pass"

    state.pull(7, head)
    state.ran(7, 500, {"check": "success"})
    state.ran(7, 501, {"pipeline and gates": "success"}, file=REPORT, left=left, parent=500)
    root = checkout(origin, tmp_path / "publish", main)
    for _ in range(2):
        done = play(job("publish", "comments and statuses"), root, variables(state, main, GITLAB_TOKEN="secret"))
        assert done.code == 0, done.said
        assert "secret" not in done.said
    assert len(state.comments) == len(state.statuses) == 1
    assert "accuracy" in state.comments[0]["body"]
    assert (state.statuses[0]["sha"], state.statuses[0]["state"]) == (head, "success")
    assert git(root, "status", "--porcelain") == ""


def test_commit_that_was_read_is_run_again_and_another_is_not(origin, state, tmp_path):
    main, head = git(origin, "rev-parse", "main"), git(origin, "rev-parse", "topic")
    named = {"MLGIT_COMMIT": head, "MLGIT_MERGE_REQUEST": "7"}
    again = job("verify", "run everything again")
    root = checkout(origin, tmp_path / "rerun", main)
    for wrong in ("topic", "origin/main"):
        assert play(again, root, variables(state, main, **named | {"MLGIT_COMMIT": wrong})).code != 0
    done = play(again, root, variables(state, main, **named))
    assert done.code == 0, done.said
    state.pull(7, head, repository="stranger/models")
    there = checkout(origin, tmp_path / "comment", main)
    shutil.copytree(root / "mlgit-report", there / "mlgit-report")
    done = play(job("verify", "comment and status"), there, variables(state, main, **named, GITLAB_TOKEN="secret"))
    assert done.code == 0, done.said
    assert "Self-reported" not in state.by(ME)[0]
    assert [each["state"] for each in state.statuses] == ["success"]


@in_full
def test_default_branch_is_run_again_by_a_schedule(origin, state, tmp_path):
    main = git(origin, "rev-parse", "main")
    root = checkout(origin, tmp_path / "again", main)
    done = play(job("verify", "run the default branch again"), root, variables(state, main))
    assert done.code == 0, done.said
    assert document.from_json((root / REPORT).read_bytes(), source="x").state == "nothing changed"


def test_better_model_is_proposed_as_one_merge_request(origin, state, tmp_path):
    state.may.add("pull")
    main = git(origin, "rev-parse", "main")
    retrain = job("retrain", "train and propose")
    for day in (1, 2) if FULL else (1,):
        root = checkout(origin, tmp_path / f"day{day}", main)
        write_tree(root, {"params.yaml": f"skill: {90 + day}\n"})
        done = play(retrain, root, variables(state, main, GITLAB_TOKEN="secret"))
        assert done.code == 0, done.said
    assert [(each["source_branch"], each["target_branch"]) for each in state.pulls] == [("mlgit/retrain", "main")]
    assert git(origin, "show", "mlgit/retrain:params.yaml") == f"skill: {90 + day}"


@in_full
def test_version_is_proven_before_it_is_deployed(origin, state, tmp_path):
    root = checkout_of_main(tmp_path)
    assert mlgit(root, "model", "register", "churn", "--version", "1.0.0").code == 0
    git(root, "push", "-q", "origin", "churn@v1.0.0")
    root = checkout(origin, tmp_path / "release", git(origin, "rev-parse", "main"))
    told = variables(state, git(origin, "rev-parse", "main"), CI_COMMIT_TAG="churn@v1.0.0")
    for name in ("prove", "deploy"):
        done = play(job("release", name), root, told)
        assert done.code == 0, done.said
    assert (root / "release/model.txt").read_text() == "80"


MONITORED = "environments: [{name: prod}]\nmonitoring: {churn: {windows: {path: today.csv}, triggers: {new_rows: 1}}}\n"


@pytest.fixture
def released(origin, tmp_path):
    """The origin with a version in production, which is watched; and a clone of main."""
    root = checkout_of_main(tmp_path)
    write_tree(root, {"mlgit.yaml": FILES["mlgit.yaml"].replace("gates:", f"{MONITORED}gates:")})
    record(root, "watch")
    assert mlgit(root, "run", "--pull").code == 0
    for words in (("register", "churn", "--version", "1.0.0"), ("promote", "churn@v1.0.0", "prod")):
        assert mlgit(root, "model", *words, "--push").code == 0
    return root


def test_retraining_that_is_not_due_ends_before_it_trains(released, origin, state, tmp_path):
    main = git(origin, "rev-parse", "main")
    root = checkout(origin, tmp_path / "quiet", main)
    done = play(job("monitor", "train and propose where it is due"), root, variables(state, main, GITLAB_TOKEN="secret"))
    assert (done.code, "no retraining is due" in done.out, "ran " in done.out) == (0, True, False), done.said
    write_tree(root, {"mlgit.yaml": (root / "mlgit.yaml").read_text() + "nothing: known\n"})
    git(root, "commit", "-qam", "broken")
    git(root, "push", "-q", "--force", "origin", "HEAD:main")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    broken = play(job("monitor", "train and propose where it is due"), root, variables(state, main, GITLAB_TOKEN="secret"))
    assert broken.code == 1, broken.said


def test_retraining_that_is_due_trains_and_opens_one_merge_request(released, origin, state, tmp_path):
    state.may.add("pull")
    write_tree(released, {"data.csv": "id\n1\n2\n", "params.yaml": "skill: 95\n"})
    record(released, "more data")
    main = git(origin, "rev-parse", "main")
    root = checkout(origin, tmp_path / "due", main)
    done = play(job("monitor", "train and propose where it is due"), root, variables(state, main, GITLAB_TOKEN="secret"))
    assert done.code == 0, done.said
    assert [(each["source_branch"], each["target_branch"]) for each in state.pulls] == [("retrain/churn", "main")]
    assert "secret" not in done.said


def test_what_judges_pushes_with_its_own_token_and_fetches_without(released, origin, state, tmp_path):
    main = git(origin, "rev-parse", "main")
    root = checkout(origin, tmp_path / "judge", main)
    url = str(origin).removesuffix(".git")
    done = play(job("monitor", "judge what is new"), root, variables(state, main, GITLAB_TOKEN="secret", CI_PROJECT_URL=url))
    assert (done.code, "today.csv" in done.said) == (2, True), done.said
    assert git(root, "remote", "get-url", "--push", "origin") == f"{url}.git"
    asked = "protocol=https\nhost=gitlab.example.com\n\n"
    found = subprocess.run(
        ["git", "credential", "fill"],
        cwd=root,
        input=asked,
        capture_output=True,
        text=True,
        env={**os.environ, "GITLAB_TOKEN": "secret", "GIT_TERMINAL_PROMPT": "0"},
    )
    assert "username=mlgit\npassword=secret\n" in found.stdout
    assert "secret" not in (root / ".git/config").read_text()
