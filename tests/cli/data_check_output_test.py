"""The result of `mlgit data check` as a file: what a stage records."""

from __future__ import annotations

import datetime
import json

import pytest

from mlgit.commands.data_check import check_data
from tests.kit import write_tree
from tests.kit.contract_projects import CONTRACT, FILE, PATH, project, table

OUT = "reports/validation.json"
FRESH = "slaProperties: [{property: freshness, value: 1, unit: d, element: raw.at}]\n"
TIMED = CONTRACT.replace("      - {name: id", "      - {name: at, logicalType: timestamp}\n      - {name: id") + FRESH


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(project(tmp_path / "project"))
    return tmp_path / "project"


@pytest.mark.parametrize(("oldest", "code", "verdict"), [(90, 0, "pass"), (130, 1, "fail")])
def test_result_is_written_and_printed_whether_or_not_the_contract_is_kept(root, cli, oldest, code, verdict):
    (root / PATH).write_text(table(oldest=oldest))
    done = cli(root, "data", "check", PATH, "-o", OUT)
    written = json.loads((root / OUT).read_text())
    assert (done.code, written["verdict"], written["rows"]) == (code, verdict, 50)
    assert done.out.startswith(f"{PATH} {'breaks' if code else 'keeps'} {FILE}")
    assert ("line 51: 130" in done.out) == bool(code)


@pytest.mark.parametrize("paths", [(), (PATH,)])
def test_file_holds_what_json_prints_with_a_line_for_each_rule(root, cli, paths):
    (root / PATH).write_text(table(oldest=130))
    printed = json.loads(cli(root, "data", "check", *paths, "--json", "-o", OUT).out)
    text = (root / OUT).read_text()
    assert (json.loads(text), text[-2:]) == (printed, "}\n")
    rules = printed["rules"] if paths else printed["results"][0]["rules"]
    assert [json.loads(line.strip().rstrip(",")) for line in text.splitlines() if '"kind"' in line] == rules
    assert not [path for path in (root / "reports").iterdir() if path.name != "validation.json"]


def test_file_is_the_same_whenever_one_looks(root, cli):
    (root / FILE).write_text(TIMED)
    now = datetime.datetime.now(datetime.UTC).isoformat()
    (root / PATH).write_text(f"at,id,age,plan\n{now},1,4,alpha\n")
    first, again = (cli(root, "data", "check", "-o", name).code for name in ("one", "two"))
    assert (first, again, (root / "one").read_bytes()) == (0, 0, (root / "two").read_bytes())
    (rule,) = [each for each in json.loads((root / "one").read_text())["results"][0]["rules"] if each["kind"] == "freshness"]
    assert (rule["outcome"], rule["value"]) == ("pass", None)
    assert check_data().document()["results"][0]["rules"][-1]["value"] is not None


@pytest.mark.parametrize("target", [PATH, FILE, f"./{PATH}", "link", "data/../data/raw.csv"])
def test_nothing_that_is_read_is_written_over(root, cli, target):
    (root / "link").symlink_to(PATH)
    done = cli(root, "data", "check", PATH, "-o", target)
    assert (done.code, (root / PATH).read_text(), (root / FILE).read_text()) == (2, table(), CONTRACT)
    assert f"-o {target}: would write over" in done.err


def test_file_in_a_folder_of_parts_is_not_written_over(root, cli):
    done = cli(root, "data", "check", "data", "--contract", FILE, "-o", "data/result.json")
    assert done.code == 2
    assert not (root / "data/result.json").exists()


@pytest.mark.parametrize("target", ["parts/a.csv", "cache/obj.csv", "again/a.csv", "./parts/../cache/obj.csv", "mlgit.yaml"])
def test_what_a_link_in_a_folder_leads_to_is_not_written_over(root, cli, target):
    write_tree(root, {"cache/obj.csv": table(), "parts/b.csv": table(), "mlgit.yaml": f"mlgit: 1\ndata: {{parts: {FILE}}}\n"})
    (root / "parts/a.csv").symlink_to("../cache/obj.csv")
    (root / "again").symlink_to("parts")
    before = (root / "mlgit.yaml").read_text()
    done = cli(root, "data", "check", "parts", *(() if target == "mlgit.yaml" else ("--contract", FILE)), "-o", target)
    assert (done.code, (root / "cache/obj.csv").read_text()) == (2, table())
    assert f"-o {target}: would write over" in done.err
    assert ((root / "parts/a.csv").is_symlink(), (root / "mlgit.yaml").read_text()) == (True, before)


def test_data_that_cannot_be_read_leaves_the_file_as_it_was(root, cli):
    (root / "out.json").write_text("before")
    (root / PATH).unlink()
    assert cli(root, "data", "check", PATH, "-o", "out.json").code == 2
    assert (root / "out.json").read_text() == "before"
