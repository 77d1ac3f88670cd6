"""What a commit proves about a model, read from real repositories."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

import pytest

from mlgit import project as projects
from mlgit.cards import changes
from mlgit.errors import MlgitError
from mlgit.registry import commit_facts
from mlgit.revision.revisions import Revisions
from tests.kit import commit, git, lock, repository, write_tree
from tests.registry.projects import FILES, PIPELINE, facts, fill, made, ran

pytestmark = pytest.mark.slow  # real repositories, many times


@pytest.fixture
def root(tmp_path, cli):
    return made(tmp_path / "project", cli)


def test_facts_of_a_commit(root):
    found = facts(root)
    recorded = lock(root)["stages"]
    model = recorded["train"]["outs"][0]
    assert (found.artifact, found.commit) == ("churn", git(root, "rev-parse", "HEAD"))
    assert (found.type, found.description, found.labels) == ("model", "Who will leave", ("tabular",))
    assert (found.model.path, found.model.md5, found.model.size) == ("models/churn.json", model["md5"], model["size"])
    assert found.model.sha256 == hashlib.sha256((root / "models/churn.json").read_bytes()).hexdigest()
    assert (found.model.format, found.model.executes_code) == ("xgboost-json", False)
    assert found.metrics == {"auc": 0.3, "nested.loss": 3.0}
    assert found.params == {"train.depth": 3}
    assert [step.name for step in found.steps] == ["prepare", "train"]
    assert found.steps[1].deps["data/train.csv"] == recorded["prepare"]["outs"][1]["md5"]
    assert found.steps[1].outs == {"models/churn.json": model["md5"]}
    assert [(step.name, "src/evaluate.sh" in step.deps) for step in found.evaluation] == [("evaluate", True)]
    assert found.predictions
    assert (found.predictions.path, found.predictions.rows) == ("reports/predictions.csv", 5)
    assert (found.stale, found.missing) == ((), ())


def test_data_has_roles_digests_and_rows_and_leaves_out_programs(root):
    found = {(each.path, each.role, each.rows) for each in facts(root).data}
    assert found == {("data/train.csv", "train", 15), ("data/test.csv", "test", 5), ("data/raw.csv", "source", 20)}
    for each in facts(root).data:
        assert each.md5 == hashlib.md5((root / each.path).read_bytes()).hexdigest()
        assert each.size == (root / each.path).stat().st_size


def test_contract_that_a_stage_reads_is_no_source_of_data(tmp_path, cli):
    pipeline = """
stages:
  train:
    cmd: cp data.csv model.txt
    deps: [data.csv, raw.odcs.yaml]
    outs: [{model.txt: {cache: false}}]
artifacts: {churn: {path: model.txt}}
"""
    config = "mlgit: 1\nmodels: {churn: {}}\ndata: {data.csv: raw.odcs.yaml}\n"
    written = {"dvc.yaml": pipeline, "mlgit.yaml": config, "data.csv": "id\n1\n", "raw.odcs.yaml": "id: raw\n"}
    found = facts(made(tmp_path / "project", cli, written)).data
    assert {each.path: each.role for each in found} == {"data.csv": "source", "raw.odcs.yaml": "other"}


@pytest.mark.parametrize("pins", ["requirements.txt", "train/requirements-gpu.txt", "uv.lock", "environment.yml"])
def test_what_pins_a_stage_s_libraries_is_no_source_of_data(tmp_path, cli, pins):
    pipeline = f"""
stages:
  train:
    cmd: cp data.csv model.txt
    deps: [data.csv, {pins}]
    outs: [{{model.txt: {{cache: false}}}}]
artifacts: {{churn: {{path: model.txt}}}}
"""
    written = {"dvc.yaml": pipeline, "mlgit.yaml": "mlgit: 1\nmodels: {churn: {}}\n", "data.csv": "id\n1\n", pins: "x\n"}
    found = facts(made(tmp_path / "project", cli, written))
    assert [each.path for each in found.data] == ["data.csv"]
    assert pins in changes.code(found).keys() ^ found.environment.keys()


def test_environment_are_the_files_that_pin_what_runs(root):
    found = facts(root).environment
    assert found == {name: hashlib.sha256(FILES[name].encode()).hexdigest() for name in ("Dockerfile", "requirements.txt")}


def test_clean_workspace_says_what_its_commit_says(root):
    write_tree(root, {"src/__pycache__/a.pyc": "", ".gitignore": "__pycache__/\nlocal.lock\n", "local.lock": "mine"})
    commit(root)
    project = projects.find(root)
    assert replace(commit_facts.collect(Revisions(project).workspace, "churn"), commit="") == replace(facts(root), commit="")


def test_workspace_is_read_before_it_is_committed(root, cli):
    write_tree(root, {"params.yaml": "train: {depth: 5}\n"})
    project = projects.find(root)
    assert commit_facts.collect(Revisions(project).workspace, "churn").stale == ("train",)
    assert cli(root, "run").code == 0
    now = commit_facts.collect(Revisions(project).workspace, "churn")
    commit(root)
    assert replace(now, commit="") == replace(facts(root), commit="")


def test_nothing_of_the_workspace_is_read(root, cli):
    before = facts(root)
    write_tree(root, {"params.yaml": "train: {depth: 5}\n", "mlgit.yaml": "[", "src/train.sh": "exit 1\n"})
    assert facts(root) == before


def test_old_revision_is_read_as_it_was(root, cli):
    write_tree(root, {"params.yaml": "train: {depth: 5}\n"})
    ran(root, cli)
    assert (facts(root, revision="HEAD~1").params, facts(root).params) == ({"train.depth": 3}, {"train.depth": 5})
    assert facts(root, revision="HEAD~1").model.md5 != facts(root).model.md5


@pytest.mark.parametrize(
    ("path", "content", "stale"),
    [
        ("params.yaml", "train: {depth: 4}\n", ("train",)),
        ("src/train.sh", "exit 1\n", ("train",)),
        ("src/evaluate.sh", "exit 1\n", ("evaluate",)),
        ("dvc.yaml", PIPELINE.replace("cmd: sh src/prepare.sh", "cmd: sh -e src/prepare.sh"), ("prepare",)),
    ],
)
def test_commit_whose_lock_is_older_than_its_files_is_stale(root, path, content, stale):
    write_tree(root, {path: content})
    commit(root)
    assert facts(root).stale == stale


def test_what_is_nowhere_is_missing(root):
    shutil.rmtree(root / ".dvc" / "cache")
    assert facts(root).missing == ()  # the workspace has all of it
    (root / "data/train.csv").unlink()
    write_tree(root, {"models/churn.json": "other"})
    assert set(facts(root).missing) == {"models/churn.json", "data/train.csv"}
    shutil.rmtree(root / "data")
    assert set(facts(root).missing) == {"models/churn.json", "data/train.csv", "data/test.csv", "data/raw.csv"}


def test_damaged_model_is_missing_and_not_described(root):
    (root / "models/churn.json").unlink()
    md5 = lock(root)["stages"]["train"]["outs"][0]["md5"]
    path = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    path.chmod(0o644)
    path.write_text("other")
    path.chmod(0o444)
    found = facts(root)
    assert (found.model.md5, found.model.sha256, found.model.executes_code) == (md5, "", None)
    assert found.missing == ("models/churn.json",)


def test_model_that_is_a_folder_is_described_from_the_cache(tmp_path, cli):
    pipeline = PIPELINE.replace("outs: [models/churn.json]", "outs: [models]").replace(
        "path: models/churn.json", "path: models"
    )
    pipeline = pipeline.replace("src/evaluate.sh, models/churn.json", "src/evaluate.sh, models")
    root = made(tmp_path / "project", cli, {"dvc.yaml": pipeline})
    here = facts(root).model
    shutil.rmtree(root / "models")
    there = facts(root).model
    assert here == there
    content = b'{"learner": {"depth": 3}, "version": [2, 0, 0]}'
    row = f"{hashlib.sha256(content).hexdigest()}  churn.json\n"
    assert there.sha256 == hashlib.sha256(row.encode()).hexdigest()
    assert (there.path, there.format, there.md5[-4:]) == ("models", "xgboost-json", ".dir")


def test_unknown_artifact_is_refused_with_the_near_miss(root):
    with pytest.raises(MlgitError, match=r"no artifact 'chrun' in `artifacts:` of a dvc.yaml, did you mean 'churn'") as error:
        facts(root, "chrun")
    assert "artifacts: {chrun: {path:" in error.value.hint


def test_artifact_of_a_subfolder(tmp_path, cli):
    text = "artifacts:\n  churn: {path: ../../models/churn.json}\n"
    root = made(tmp_path / "project", cli, {"models/nlp/dvc.yaml": text})
    found = facts(root, "models/nlp:churn")
    assert (found.artifact, found.model.path) == ("models/nlp:churn", "models/churn.json")
    assert found.metrics == {}  # mlgit.yaml declares another artifact


def test_path_may_be_templated(tmp_path, cli):
    pipeline = PIPELINE.replace("    path: models/churn.json", "    path: ${out}/churn.json")
    root = made(tmp_path / "project", cli, {"dvc.yaml": pipeline, "params.yaml": "train: {depth: 3}\nout: models\n"})
    assert facts(root).model.path == "models/churn.json"
    write_tree(root, {"dvc.yaml": pipeline.replace("${out}", "${otu}")})
    commit(root)
    with pytest.raises(MlgitError, match="otu"):
        facts(root)


def test_project_in_a_folder_of_the_repository(tmp_path, cli):
    top = repository(tmp_path / "mono")
    shutil.copytree(top / ".dvc", top / "team" / "a" / ".dvc")
    fill(top / "team" / "a", cli)
    found = facts(top / "team" / "a", "team/a:churn")
    assert found.artifact == "team/a:churn"
    assert facts(top / "team" / "a", "churn") == found
    assert (found.model.path, found.metrics["auc"], found.stale, found.missing) == ("models/churn.json", 0.3, (), ())
    assert "Dockerfile" in found.environment


def test_model_that_no_stage_makes_and_nobody_tracks_is_refused(root):
    write_tree(root, {"dvc.yaml": PIPELINE.replace("path: models/churn.json", "path: models/other.json")})
    commit(root)
    with pytest.raises(MlgitError, match=r"'models/other.json' is not an output of a stage, and neither DVC nor Git tracks it"):
        facts(root)


def test_model_in_git_and_data_in_a_folder(tmp_path, cli):
    pipeline = """\
stages:
  split:
    cmd: mkdir -p parts && cp data/raw.csv parts/train.csv && cp data/raw.csv parts/test.csv
    deps: [data/raw.csv]
    outs: [parts]
  train:
    cmd: cat parts/* > model.txt
    deps: [parts]
    outs:
    - model.txt: {cache: false}
artifacts:
  churn: {path: model.txt}
"""
    config = "mlgit: 1\nmodels: {churn: {train: [parts/train.csv], test: [parts/test.csv]}}\n"
    root = made(tmp_path / "project", cli, {"dvc.yaml": pipeline, "mlgit.yaml": config})
    found = facts(root)
    assert (found.stale, found.missing) == ((), ())
    assert found.model.md5 == hashlib.md5((root / "model.txt").read_bytes()).hexdigest()
    data = {each.path: each for each in found.data}
    assert {path: each.role for path, each in data.items()} == {
        "parts": "other",
        "parts/train.csv": "train",
        "parts/test.csv": "test",
        "data/raw.csv": "source",
    }
    assert (data["parts"].n_files, data["parts/train.csv"].rows) == (2, 20)
    assert data["parts/train.csv"].md5 == hashlib.md5((root / "data/raw.csv").read_bytes()).hexdigest()
