"""`check_data`, as a notebook would call it."""

import json
import shutil

import pytest

from mlgit.commands.data_check import check_data
from mlgit.errors import MlgitError
from tests.kit import repository, write_tree

pytestmark = pytest.mark.slow

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: raw
version: 1.2.0
schema:
  - name: raw
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: age, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 120}}
"""
FILES = {
    "mlgit.yaml": "mlgit: 1\ndata: {data/raw.csv: schemas/raw.odcs.yaml, data/parts: schemas/raw.odcs.yaml}\n",
    "schemas/raw.odcs.yaml": CONTRACT,
    "data/raw.csv": "id,age\n1,30\n2,999\n",
    "data/parts/1.csv": "id,age\n1,30\n",
    "data/parts/2.csv": "id,age\n1,31\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    root = repository(tmp_path / "p", FILES)
    monkeypatch.chdir(root)
    return root


def outcomes(found):
    return {each.data: (each.outcome, [one.check.id for one in each.broken]) for each in found.results}


def test_all_data_of_mlgit_yaml_is_held_against_its_contracts(project):
    found = check_data()
    assert outcomes(found) == {"data/raw.csv": ("fail", ["age.range"]), "data/parts": ("fail", ["id.unique"])}
    assert (found.outcome, found.exit_code) == ("fail", 1)


def test_path_is_that_of_the_current_folder_and_a_part_has_the_contract_of_its_folder(project, monkeypatch):
    monkeypatch.chdir(project / "data")
    assert outcomes(check_data(["parts/1.csv"])) == {"data/parts/1.csv": ("pass", [])}
    assert check_data(["parts/1.csv"]).exit_code == 0
    assert outcomes(check_data(["raw.csv"])) == {"data/raw.csv": ("fail", ["age.range"])}


def test_document_holds_every_rule_and_the_digest_that_dvc_computes(project):
    found = check_data(["data/raw.csv", "data/parts"], with_digests=True).document()
    assert [each["data"] for each in found["results"]] == ["data/raw.csv", "data/parts"]
    first = found["results"][0]
    assert (first["verdict"], first["version"], first["rows"]) == ("fail", "1.2.0", 2)
    (rule,) = [each for each in first["rules"] if each["outcome"] == "fail"]
    assert rule == rule | {"id": "age.range", "kind": "range", "rows": 1, "share": 0.5}
    assert rule["samples"] == [{"line": 3, "value": "999", "rows": 1}]
    dvc = {path: digest_of_dvc(project, path) for path in ("data/raw.csv", "data/parts")}
    assert {each["data"]: each["digest"] for each in found["results"]} == dvc
    assert json.loads(json.dumps(found)) == found


def test_document_of_one_path_is_that_of_its_table(project):
    found = check_data(["data/raw.csv"]).document()
    assert (found["schema"], found["data"], found["verdict"]) == (1, "data/raw.csv", "fail")
    assert found == {"schema": 1} | check_data(["data/raw.csv", "data/parts"]).document()["results"][0]


def digest_of_dvc(project, path):
    from dvc.repo import Repo

    copy = shutil.copytree if (project / path).is_dir() else shutil.copy
    copy(project / path, project / f"copy-{path.rpartition('/')[2]}")
    path = f"copy-{path.rpartition('/')[2]}"
    with Repo(str(project)) as repo:
        (stage,) = repo.add(str(project / path), no_commit=True)
        return stage.outs[0].hash_info.value


def test_contract_of_the_command_line_needs_no_project(tmp_path, monkeypatch):
    write_tree(tmp_path, {"c.odcs.yaml": CONTRACT, "new.csv": "id,age\n1,\n"})
    monkeypatch.chdir(tmp_path)
    assert check_data(["new.csv"], contract="c.odcs.yaml").outcome == "pass"


@pytest.mark.parametrize(
    ("paths", "contract", "said"),
    [
        (["data/new.csv"], None, "data/new.csv: no contract under `data:` in mlgit.yaml"),
        (["data/rav.csv"], None, "did you mean 'data/raw.csv'?"),
        ([], "schemas/raw.odcs.yaml", "which data has to keep it?"),
        (["data/raw.csv"], "nothing.yaml", "nothing.yaml: no such contract"),
        (["data/none.csv"], "schemas/raw.odcs.yaml", "data/none.csv: no such file"),
        (["README"], "schemas/raw.odcs.yaml", "README: no table"),
        (["data/raw.csv"], "empty.yaml", "empty.yaml: it has no column and no rule"),
        (["data/raw.csv"], "broken.yaml", "broken.yaml: "),
    ],
)
def test_what_cannot_be_held_against_anything_is_an_error(project, paths, contract, said):
    write_tree(project, {"README": "x", "empty.yaml": CONTRACT.partition("    properties")[0], "broken.yaml": "a: [\n"})
    with pytest.raises(MlgitError) as error:
        check_data(paths, contract=contract)
    assert said in error.value.message


@pytest.mark.parametrize(
    ("declared", "link"),
    [
        ("../out.csv", ""),
        ("OUT", ""),
        ("l.csv", "l.csv"),
        ("data/parts", "data/parts/3.csv"),
        ("data/parts", "data/parts/README"),
    ],
)
def test_declared_data_does_not_lead_out_of_the_project(project, declared, link):
    out = project.parent / "out.csv"
    out.write_text("id,age\nhunter2,1\n")
    if link:
        (project / link).symlink_to(out)
    (project / "mlgit.yaml").write_text(f"mlgit: 1\ndata: {{{declared.replace('OUT', str(out))}: schemas/raw.odcs.yaml}}\n")
    with pytest.raises(MlgitError, match=r"not in the project|symbolic link out of the repository"):
        check_data(with_digests=True)
    assert check_data([str(out)], contract="schemas/raw.odcs.yaml").outcome == "fail"  # what the user typed


@pytest.mark.parametrize("place", ["files/md5/ab/" + "0" * 30, "ab/" + "c" * 30, "out.csv", "files/md5/ab/out.csv"])
def test_link_to_an_object_of_a_cache_elsewhere_is_followed_and_to_nothing_else_there(project, place):
    write_tree(project.parent / "cache", {place: "id,age\n1,2\n"})
    (project / ".dvc/config").write_text("[cache]\n    dir = ../../cache\n")
    (project / "data/parts/1.csv").unlink()
    (project / "data/parts/1.csv").symlink_to(project.parent / "cache" / place)
    if place.endswith(".csv"):
        with pytest.raises(MlgitError, match=r"data/parts/1.csv: a symbolic link out"):
            check_data(["data/parts"])
    else:
        assert check_data(["data/parts", "data/parts/1.csv"]).exit_code in (0, 1)


def test_project_without_contracts_is_an_error(project):
    (project / "mlgit.yaml").write_text("mlgit: 1\n")
    with pytest.raises(MlgitError, match="no data has a contract"):
        check_data()


def test_rule_that_nobody_can_evaluate_is_no_pass(project):
    rule = '    quality: [{type: sql, query: "SELECT count(*) FROM other", mustBe: 0}]\n'
    (project / "schemas" / "raw.odcs.yaml").write_text(CONTRACT.replace("maximum: 120", "maximum: 1200") + rule)
    found = check_data(["data/raw.csv"])
    assert (found.outcome, found.exit_code) == ("invalid", 2)


def test_folder_with_a_part_that_was_not_pulled_is_not_passed(project, cli):
    write_tree(project, {"data/parts/2.csv": "id,age\n2,31\n", "data/parts/3.csv": "id,age\n3,999\n"})
    assert cli(project, "add", "data/parts/3.csv").code == 0
    (project / "data/parts/3.csv").unlink()
    for asked in ({}, {"contract": "schemas/raw.odcs.yaml"}):
        with pytest.raises(MlgitError, match=r"data/parts/3.csv: recorded by DVC, and not here"):
            check_data(["data/parts"], **asked)
    assert check_data(["data/parts/1.csv"]).exit_code == 0
