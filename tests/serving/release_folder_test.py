"""The folder of a release: what a server reads, from a version's tag and commit, with every digest checked."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from mlgit.errors import MlgitError
from mlgit.serving import release
from tests.kit import git
from tests.kit.forked import mlgit
from tests.registry.worlds import churn
from tests.serving.releases import released, served_world, written

pytestmark = pytest.mark.slow  # a repository with versions for each

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: churn
version: 1.0.0
status: active
schema:
- name: requests
  properties:
  - {name: x, logicalType: integer%s}
"""


@pytest.fixture
def root(tmp_path):
    return served_world(tmp_path).root


def test_folder_holds_model_and_rows_and_says_what_they_are(root, tmp_path):
    found = written(root, tmp_path / "release")
    version = churn(root).version("v1.3.0")
    assert sorted(os.listdir(tmp_path / "release")) == ["model", "release.json", "self-test.json"]
    assert (tmp_path / "release" / found.file).read_bytes() == (root / "models/churn.json").read_bytes()
    assert (found.model, found.version, found.commit) == ("churn", "v1.3.0", version.commit)
    assert (found.tag, found.tag_oid) == (version.event.ref, version.event.oid)
    assert found.sha256 == hashlib.sha256((root / "models/churn.json").read_bytes()).hexdigest()
    assert (found.format, found.requires, found.label, found.id) == ("xgboost-json", {"numpy": "2.0.0"}, "label", "id")
    document = json.loads((tmp_path / "release" / "release.json").read_text())
    assert release.read(document, where="release.json") == found


def test_answers_may_be_recorded_in_another_column_than_the_model_is_judged_by(root, tmp_path):
    config = (root / "mlgit.yaml").read_text()
    (root / "mlgit.yaml").write_text(f"{config}\nserving: {{churn: {{recorded: score}}}}\n")
    released(root, "v1.4.0", {})
    written(root, tmp_path / "release", "v1.4.0")
    rows = json.loads((tmp_path / "release" / "self-test.json").read_text())
    assert (rows["prediction"], rows["score"]) == ([0.25, 0.6, 0.95, 0.3, 0.65], None)


def test_rows_are_the_first_that_were_predicted_without_label_and_id(root, tmp_path):
    written(root, tmp_path / "release")
    rows = json.loads((tmp_path / "release" / "self-test.json").read_text())
    assert rows == {
        "schema": 1,
        "columns": ["x"],
        "rows": [[5], [12], [19], [6], [13]],
        "ids": ["15", "16", "17", "18", "19"],
        "prediction": [1, 0, 1, 0, 1],
        "score": [0.25, 0.6, 0.95, 0.3, 0.65],
        "precision": {"prediction": [0.0] * 5, "score": [0.00005] * 5},
    }


def test_release_is_placed_by_the_tag_that_put_it_there(root, tmp_path):
    assert mlgit(root, "model", "promote", "churn@v1.1.0", "prod").code == 0
    placed = churn(root).current("prod").event
    found = written(root, tmp_path / "release", "v1.1.0", event=placed)
    assert (found.version, found.tag, found.tag_oid) == ("v1.1.0", "churn#prod#1", placed.oid)


def test_written_twice_it_is_the_same(root, tmp_path):
    for name in ("one", "two"):
        written(root, tmp_path / name)
    files = ("release.json", "self-test.json", "model/churn.json")
    assert [(tmp_path / "one" / each).read_bytes() for each in files] == [
        (tmp_path / "two" / each).read_bytes() for each in files
    ]


def test_what_lies_there_is_left_alone(root, tmp_path):
    (tmp_path / "release").mkdir()
    with pytest.raises(MlgitError, match="exists already"):
        written(root, tmp_path / "release")
    assert os.listdir(tmp_path / "release") == []


def test_other_bytes_than_the_tag_records_are_refused_and_leave_nothing(root, tmp_path):
    md5 = churn(root).version("v1.3.0").event.body.facts["model"]["md5"]
    path = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    path.chmod(0o644)
    path.write_text('{"learner": {"depth": 9}}')
    with pytest.raises(MlgitError, match=r"churn@v1\.3\.0: models/churn\.json: not in the cache"):
        written(root, tmp_path / "new" / "release")
    assert os.listdir(tmp_path / "new") == []


def test_tag_that_says_another_digest_than_its_commit_is_refused(root, tmp_path):
    event = churn(root).version("v1.3.0").event
    md5 = event.body.facts["model"]["md5"]
    git(root, "tag", "-f", "-a", event.ref, event.commit, "--cleanup=verbatim", "-m", event.text.replace(md5, "0" * 32))
    with pytest.raises(MlgitError, match=r"its tag says that the model is models/churn\.json \(0000000000\), and its commit"):
        written(root, tmp_path / "release")


def test_model_that_is_a_folder_is_written_as_one(root, tmp_path):
    files = {
        "dvc.yaml": (root / "dvc.yaml").read_text().replace("models/churn.json", "models/churn"),
        "src/train.sh": "mkdir -p models/churn/deep\necho 1 > models/churn/one.json\necho 2 > models/churn/deep/two.json\n",
        "src/evaluate.sh": (root / "src/evaluate.sh").read_text().replace("models/churn.json", "models/churn/one.json"),
    }
    released(root, "v2.0.0", files)
    found = written(root, tmp_path / "release", "v2.0.0")
    assert (found.file, found.md5[-4:], len(found.sha256)) == ("model/churn", ".dir", 64)
    assert (tmp_path / "release/model/churn/deep/two.json").read_text() == "2\n"


def test_contract_is_that_of_the_commit(root, tmp_path):
    settings = (root / "mlgit.yaml").read_text()
    released(
        root,
        "v2.0.0",
        {"c.odcs.yaml": CONTRACT % "", "mlgit.yaml": f"{settings}serving: {{churn: {{contract: c.odcs.yaml}}}}\n"},
    )
    (root / "c.odcs.yaml").write_text("changed since\n")
    found = written(root, tmp_path / "release", "v2.0.0")
    content = (tmp_path / "release" / found.contract).read_bytes()
    assert (content.decode(), found.contract_sha256) == (CONTRACT % "", hashlib.sha256(content).hexdigest())
    assert found.serving.contract == "c.odcs.yaml"


def test_contract_of_the_training_data_counts_where_none_is_named(root, tmp_path):
    settings = (root / "mlgit.yaml").read_text()
    files = {"c.odcs.yaml": CONTRACT % "", "mlgit.yaml": f"{settings}data: {{data/train.csv: c.odcs.yaml}}\n"}
    released(root, "v2.0.0", files)
    assert written(root, tmp_path / "release", "v2.0.0").contract == "contract.odcs.yaml"


def test_contract_that_the_commit_has_not_is_an_error(root, tmp_path):
    settings = (root / "mlgit.yaml").read_text()
    released(root, "v2.0.0", {"mlgit.yaml": f"{settings}serving: {{churn: {{contract: none.yaml}}}}\n"})
    with pytest.raises(MlgitError, match=r"none\.yaml: no such contract in commit"):
        written(root, tmp_path / "release", "v2.0.0")


def test_classified_rows_are_left_out_where_they_may_not_go(root, tmp_path):
    settings = (root / "mlgit.yaml").read_text()
    files = {
        "c.odcs.yaml": CONTRACT % ", classification: restricted",
        "mlgit.yaml": f"{settings}serving: {{churn: {{contract: c.odcs.yaml}}}}\n",
    }
    released(root, "v2.0.0", files)
    assert written(root, tmp_path / "here", "v2.0.0").self_test
    found = written(root, tmp_path / "release", "v2.0.0", with_private=False)
    assert (found.self_test, found.untested) == ("", "its rows have classified columns, which stay in the project")
    assert not (tmp_path / "release" / "self-test.json").exists()


def test_code_is_that_of_the_commit_and_links_stay_inside(root, tmp_path):
    (root / "src/link.sh").symlink_to("train.sh")
    (root / "out").symlink_to("/etc/passwd")
    released(root, "v2.0.0", {"src/predict.py": "print(1)\n"})
    (root / "src/predict.py").write_text("print(2)\n")
    written(root, tmp_path / "release", "v2.0.0", with_code=True)
    code = tmp_path / "release" / "code"
    assert (code / "src/predict.py").read_text() == "print(1)\n"
    assert (code / "src/link.sh").readlink().name == "train.sh"
    assert not os.path.lexists(code / "out")


def test_without_an_id_nothing_can_be_asked_again(root, tmp_path):
    released(root, "v2.0.0", {"mlgit.yaml": (root / "mlgit.yaml").read_text().replace("    id: id\n", "")})
    found = written(root, tmp_path / "release", "v2.0.0")
    assert (found.self_test, found.untested) == ("", "mlgit.yaml names no `id` under models.churn")
