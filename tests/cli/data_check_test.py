"""`mlgit data check` as a user types it."""

import shlex
import subprocess
import sys

import pytest

from tests.commands.data_check_test import CONTRACT, FILES
from tests.kit import mlgit, repository

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return repository(
        tmp_path_factory.mktemp("data") / "p", FILES | {"good.csv": "id,age\n1,2\n", "schemas/wide.odcs.yaml": CONTRACT}
    )


def test_violation_is_read_in_a_table_with_its_lines_and_what_to_do(project):
    done = mlgit(project, "data", "check", "data/raw.csv")
    assert done.code == 1
    assert done.out.splitlines() == [
        "data/raw.csv breaks schemas/raw.odcs.yaml (v1.2.0): 1 of 7 rules",
        "  column  rule      rows      such as",
        "  age     0 to 120  1 (50 %)  line 3: 999",
        "Fix the data, or accept it: `mlgit data infer data/raw.csv --update schemas/raw.odcs.yaml`",
    ]


@pytest.mark.parametrize("asked", [(), ("../data/a b.csv",), ("a b.csv", "--contract", "../schemas/it's.yaml")])
def test_line_that_accepts_the_data_works_as_it_is_typed_in_a_folder_below(tmp_path, asked):
    config = 'mlgit: 1\ndata: {data/a b.csv: "schemas/it\'s.yaml"}\n'
    files = {"mlgit.yaml": config, "data/a b.csv": "id,age\n1,2\n,3\n", "schemas/it's.yaml": CONTRACT}
    root = repository(tmp_path / "p", files)
    last = mlgit(root / "data", "data", "check", *asked).out.splitlines()[-1]
    done = mlgit(root / "data", *shlex.split(last.split("`")[1])[1:])
    assert (done.code, done.out.endswith("version 1.2.0 -> 2.0.0\n")) == (0, True)


def test_duplicate_is_named_with_all_its_lines(project):
    done = mlgit(project, "data", "check", "data/parts")
    assert "id      unique  1     1 at lines data/parts/1.csv 2 and data/parts/2.csv 2" in done.out


def test_data_that_keeps_its_contract_is_one_line(project):
    done = mlgit(project, "data", "check", "good.csv", "--contract", "schemas/wide.odcs.yaml")
    assert (done.code, done.out) == (0, "good.csv keeps schemas/wide.odcs.yaml (v1.2.0): 7 rules, 1 row\n")


def test_json_has_every_rule_and_the_same_exit_code(project):
    done = mlgit(project, "data", "check", "data/raw.csv", "--json")
    assert done.code == 1
    assert done.json["verdict"] == "fail"
    assert len(done.json["rules"]) == 7


def test_contract_that_is_a_link_out_of_the_repository_is_not_read(project, tmp_path):
    (tmp_path / "secret").write_text("user: alice\npassword: hunter2\n")
    link = project / "schemas" / "raw.odcs.yaml"
    content = link.read_text()
    link.unlink()
    link.symlink_to(tmp_path / "secret")
    done = mlgit(project, "data", "check")
    link.unlink()
    link.write_text(content)
    assert done.code == 2
    assert "a symbolic link out of the repository" in done.err
    assert "hunter2" not in done.err + done.out


def test_without_duckdb_the_hint_names_what_to_install(project):
    code = "import sys; sys.modules['_duckdb'] = sys.modules['duckdb'] = None; from mlgit.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "data", "check"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 2
    assert "DuckDB is not installed" in done.stderr
    assert "pip install 'mlgit[data]'" in done.stderr


def test_help_shows_examples(project):
    assert "mlgit data check new.csv --contract" in mlgit(project, "data", "check", "--help").out
