"""`mlgit model get` and `stamp`, on versions that were registered by tags alone and by tags with facts."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil

import pytest

from mlgit.registry.tag_message import Body, render
from tests.kit import commit, git, repository, write_tree
from tests.registry.projects import fill, made, ran

pytestmark = pytest.mark.slow  # real repositories, many times


def tag(root, name, *, facts=None, target="HEAD", when=""):
    """An annotated tag as GTO writes it, or with facts as mlgit does."""
    text = render(Body("Registering artifact", facts={"mlgit": 1, **facts} if facts else {}))
    git(root, "tag", "-a", "--cleanup=verbatim", "-m", text, name, target, env={"GIT_COMMITTER_DATE": when} if when else None)


@pytest.fixture
def root(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    tag(root, "churn@v1.0.0")
    tag(root, "churn#prod#1")
    write_tree(root, {"params.yaml": "train: {depth: 5}\n"})
    ran(root, cli)
    tag(root, "churn@v1.1.0")
    return root


def test_bytes_of_each_reference(root, cli, tmp_path):
    for reference, depth in (("churn", 5), ("churn@v1.0.0", 3), ("churn@1.0.0", 3), ("churn@latest", 5), ("churn#prod", 3)):
        done = cli(root, "model", "get", reference, "-o", tmp_path / "model.json", "--force")
        assert done.code == 0, done.said
        assert json.loads((tmp_path / "model.json").read_text())["learner"]["depth"] == depth


def test_place_is_the_models_own_name_in_the_current_folder(root, cli, tmp_path):
    (root / "src" / "new").mkdir()
    assert cli(root / "src" / "new", "model", "get", "churn").code == 0
    assert (root / "src" / "new" / "churn.json").exists()
    assert cli(root, "model", "get", "churn", "-o", root / "src").code == 0
    assert (root / "src" / "churn.json").exists()


def test_slash_at_the_end_means_a_folder_that_need_not_be_there(root, cli, tmp_path):
    assert cli(root, "model", "get", "churn", "-o", f"{tmp_path}/new/folder/").code == 0
    assert (tmp_path / "new" / "folder" / "churn.json").is_file()


def test_other_file_is_left_alone(root, cli, tmp_path):
    (tmp_path / "x").write_text("mine")
    done = cli(root, "model", "get", "churn", "-o", tmp_path / "x")
    assert (done.code, (tmp_path / "x").read_text()) == (2, "mine")
    assert "--force" in done.err


def test_json_tells_digests_and_format(root, cli, tmp_path):
    done = cli(root, "model", "get", "churn#prod", "-o", tmp_path / "x.json", "--json")
    content = (tmp_path / "x.json").read_bytes()
    assert done.json == {
        "schema": 1,
        "artifact": "churn",
        "version": "v1.0.0",
        "is_active": True,
        "path": str(tmp_path / "x.json"),
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "from": "cache",
        "format": "xgboost-json",
        "executes_code": False,
        "loader": "xgboost.Booster.load_model",
    }


def test_bytes_that_are_not_those_of_the_tag_are_refused(root, cli, tmp_path):
    md5 = hashlib.md5((root / "models/churn.json").read_bytes()).hexdigest()
    tag(root, "churn@v2.0.0", facts={"model": {"path": "models/churn.json", "md5": md5, "sha256": "0" * 64}})
    done = cli(root, "model", "get", "churn@v2.0.0", "-o", tmp_path / "x.json")
    assert done.code == 2
    assert "are not those that the version records" in done.err
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x", "models/../../x"])
def test_path_of_a_forged_tag_is_not_followed(root, cli, tmp_path, path):
    md5 = hashlib.md5((root / "models/churn.json").read_bytes()).hexdigest()
    sha256 = hashlib.sha256((root / "models/churn.json").read_bytes()).hexdigest()
    tag(root, "churn@v2.0.0", facts={"model": {"path": path, "md5": md5, "sha256": sha256}})
    (tmp_path / "here").mkdir()
    shutil.copytree(root, tmp_path / "here" / "clone")
    assert cli(tmp_path / "here" / "clone" / "src", "model", "get", "churn@v2.0.0").code == 0
    assert (tmp_path / "here" / "clone" / "src" / "churn.json").exists()


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return shutil.copyfile, ("dvc.yaml", str(self.target))


def test_pickle_is_delivered_with_a_warning_and_never_loaded(root, cli, tmp_path):
    write_tree(root, {"model.pkl": pickle.dumps(Payload(tmp_path / "written"))})
    (root / "train.sh").write_text("cp model.pkl models/churn.json\n")
    text = (root / "dvc.yaml").read_text().replace("src/train.sh", "train.sh")
    evaluate = "mkdir -p reports; touch reports/predictions.csv; echo {} > reports/metrics.json"
    write_tree(root, {"dvc.yaml": text, "src/evaluate.sh": evaluate})
    ran(root, cli)
    tag(root, "churn@v3.0.0")
    done = cli(root, "model", "get", "churn@v3.0.0", "-o", tmp_path / "x")
    assert (done.code, "loading it can run code: looks up shutil.copyfile" in done.out) == (0, True)
    assert not (tmp_path / "written").exists()


def test_unknown_names_are_told_with_the_near_miss(root, cli):
    done = cli(root, "model", "get", "chrun")
    assert (done.code, "did you mean 'churn'" in done.err) == (2, True)
    done = cli(root, "model", "get", "churn@v9.9.9")
    assert (done.code, "v1.1.0" in done.err) == (2, True)
    assert cli(root, "model", "get", "churn#staging").code == 2


def test_commit_in_an_environment_is_no_version(root, cli):
    tag(root, "churn#staging#2", target=commit(root))
    done = cli(root, "model", "get", "churn#staging")
    assert (done.code, "has no registered version" in done.err) == (2, True)


def test_stamp_is_one_line_for_a_log(root, cli):
    done = cli(root, "model", "stamp", "churn#prod")
    assert done.out.count("\n") == 1
    row = done.json
    assert (row["name"], row["version"], row["tag"]) == ("churn", "v1.0.0", "churn@v1.0.0")
    assert row["oid"] == git(root, "rev-parse", "churn@v1.0.0")
    assert row["commit"] == git(root, "rev-parse", "churn@v1.0.0^{}")
    content = git(root, "show", "churn@v1.0.0:dvc.lock")
    assert f"md5: {row['md5']}" in content
    assert len(row["sha256"]) == 64


def test_project_in_a_folder_knows_its_models_by_their_short_names(tmp_path, cli):
    top = repository(tmp_path / "mono")
    shutil.copytree(top / ".dvc", top / "team" / ".dvc")
    fill(top / "team", cli)
    tag(top, "team=churn@v1.0.0")
    for name in ("churn", "team:churn"):
        assert cli(top / "team", "model", "stamp", name).json["name"] == "team:churn"
