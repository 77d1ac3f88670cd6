"""Contracts drafted in a project, and entered in its mlgit.yaml."""

from __future__ import annotations

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.commands.data_infer import infer_contract
from mlgit.errors import MlgitError
from tests.kit import repository

RAW = "id,plan\n" + "".join(f"{place},{'ab'[place % 2]}\n" for place in range(400))
CONTRACT = "schemas/raw.odcs.yaml"


@pytest.fixture
def project(tmp_path, monkeypatch):
    root = repository(tmp_path / "p", {"data/raw.csv": RAW, "mlgit.yaml": "mlgit: 1\n"})
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("mlgit: 1\n", f"mlgit: 1\n\n# What data must be: `mlgit data check` judges it.\ndata:\n  data/raw.csv: {CONTRACT}\n"),
        ("mlgit: 1\ndata:  # all\nmetrics: {}\n", f"mlgit: 1\ndata:  # all\n  data/raw.csv: {CONTRACT}\nmetrics: {{}}\n"),
        ("mlgit: 1\ndata:\n  a.csv: b.yaml  # b\n", f"mlgit: 1\ndata:\n  data/raw.csv: {CONTRACT}\n  a.csv: b.yaml  # b\n"),
        ("data: {a.csv: b}\nmlgit: 1", f"data: {{data/raw.csv: {CONTRACT}, a.csv: b}}\nmlgit: 1"),
        (f"mlgit: 1\ndata: {{./data/raw.csv: {CONTRACT}}}\n", f"mlgit: 1\ndata: {{./data/raw.csv: {CONTRACT}}}\n"),
    ],
)
def test_contract_that_is_written_is_entered_in_mlgit_yaml(project, before, after):
    (project / "mlgit.yaml").write_text(before)
    found = infer_contract("data/raw.csv", output=CONTRACT)
    assert (project / "mlgit.yaml").read_text() == after
    assert (found.is_mapped, found.was_mapped) == (True, before != after)
    assert found.following == ("mlgit data check data/raw.csv",)


@pytest.mark.parametrize("config", ["mlgit: 1\ndata: {data/raw.csv: other.yaml}\n", "mlgit: 1\ndata: {}\n"])
def test_entry_that_cannot_be_made_is_told(project, config):
    (project / "mlgit.yaml").write_text(config)
    found = infer_contract("data/raw.csv", output=CONTRACT)
    assert (project / "mlgit.yaml").read_text() == config
    assert found.following[0] == f"# in mlgit.yaml, under `data:`: data/raw.csv: {CONTRACT}"
    assert found.following[1] == f"mlgit data check data/raw.csv --contract {CONTRACT}"


def test_contract_that_is_there_is_replaced_with_force_only(project):
    first = infer_contract("data/raw.csv", output=CONTRACT)
    with pytest.raises(MlgitError, match="there already") as caught:
        infer_contract("data/raw.csv", output=CONTRACT)
    assert f"--update {CONTRACT}" in caught.value.hint
    assert infer_contract("data/raw.csv", output=CONTRACT, force=True).text == first.text


def test_column_that_names_the_rows_of_a_model_is_unique(project):
    (project / "mlgit.yaml").write_text("mlgit: 1\nmodels: {m: {id: plan, train: [data/raw.csv]}}\n")
    (project / "data/raw.csv").write_text("plan,x\n" + "".join(f"p{place},1\n" for place in range(400)))
    document = infer_contract("data/raw.csv").document()["contract"]
    assert [each.get("unique") for each in document["schema"][0]["properties"]] == [True, None]


def test_column_said_to_name_rows_that_does_not_is_told(project):
    assert infer_contract("data/raw.csv", ids=["plan"]).notes == ("'plan' is to name rows, but 398 of its values come again",)
    with pytest.raises(MlgitError, match="no column 'nothing'"):
        infer_contract("data/raw.csv", ids=["nothing"])


@pytest.mark.parametrize(("content", "what"), [("", "empty"), ("a,b\n", "no rows")])
def test_nothing_is_drafted_from_no_rows(project, content, what):
    (project / "data/raw.csv").write_text(content)
    with pytest.raises(MlgitError, match=f"data/raw.csv: {what}"):
        infer_contract("data/raw.csv", output=CONTRACT)
    assert not (project / "schemas").exists()


@pytest.mark.parametrize("content", ["a,b\n1\n2,secret\n\n4,5\n", 'a,b\r1,"x"y\r2,3\r', "a,b\n1,\xff\n2,3\n"])
def test_text_that_duckdb_refuses_is_read_as_other_readers_do(project, content):
    (project / "odd.csv").write_text(content, encoding="latin-1", newline="")
    drafted = infer_contract("odd.csv").document()["contract"]["schema"][0]
    assert [each["name"] for each in drafted["properties"]] == ["a", "b"]


def test_table_that_cannot_be_read_is_refused_without_its_lines(project):
    (project / "odd.csv").write_text("a,b\n1,secret,9\n")
    with pytest.raises(MlgitError) as error:
        infer_contract("odd.csv")
    assert "secret" not in error.value.message + error.value.hint


@pytest.mark.parametrize(
    ("path", "output"),
    [
        ("data/raw.csv", "data/raw.csv"),
        ("data/link.csv", "data/raw.csv"),
        ("data/link.csv", "data/link.csv"),
        ("data/raw.csv", "link.yaml"),
        ("data", "data/raw.csv"),
        ("other.csv", "data/raw.csv"),
        ("data/raw.csv", "mlgit.yaml"),
    ],
)
def test_force_replaces_contracts_and_nothing_that_is_read(project, path, output):
    (project / "data/link.csv").symlink_to("raw.csv")
    (project / "link.yaml").symlink_to("data/raw.csv")
    (project / "other.csv").write_text(RAW)
    with pytest.raises(MlgitError, match=r"would write over|there already, and a table"):
        infer_contract(path, output=output, force=True)
    assert ((project / "data/raw.csv").read_text(), (project / "mlgit.yaml").read_text()) == (RAW, "mlgit: 1\n")


def test_text_says_what_the_document_does(project):
    found = infer_contract("data/raw.csv")
    assert parse_yaml(found.text, name="text") == found.document()["contract"]
    assert found.text.startswith("# What data/raw.csv must be, drafted from 400 rows by `mlgit data infer`")


def test_draft_of_data_with_a_contract_keeps_its_classes_and_writes_none_of_those_values(project):
    first = infer_contract("data/raw.csv", output=CONTRACT)
    assert "validValues: [a, b]" in first.text
    (project / CONTRACT).write_text(first.text.replace("- name: plan", "- name: plan\n        classification: restricted"))
    for found in (infer_contract("data/raw.csv"), infer_contract("data/raw.csv", output=CONTRACT, force=True)):
        (plan,) = (each for each in found.document_["schema"][0]["properties"] if each["name"] == "plan")
        assert plan == {"name": "plan", "logicalType": "string", "required": True, "classification": "restricted"}
        assert "[a, b]" not in found.text


def test_draft_in_the_place_of_a_contract_keeps_the_classes_of_what_lies_in_a_column(project):
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    pq.write_table(pa.table({"p": [{"mail": "m", "l": [{"x": 1}]}] * 9, "q": [1] * 9}), "raw.parquet")
    (project / "raw.jsonl").write_text('{"p": {"mail": "m", "l": [{"x": 1}]}, "q": 1}\n' * 9)
    lists = "{name: l, items: {properties: [{name: x, classification: pii}]}}"
    columns = f"[{{name: p, properties: [{{name: mail, classification: secret}}, {lists}]}}]"
    head = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\n"
    (project / "c.yaml").write_text(f"{head}schema: [{{name: x, properties: {columns}}}]\n")
    table, lines = (infer_contract(each, output="c.yaml", force=True).document_ for each in ("raw.parquet", "raw.jsonl"))
    p, q = table["schema"][0]["properties"]
    assert [each.get("classification") for each in (p, *p["properties"], q)] == [None, "secret", None, None]
    assert p["properties"][1]["items"]["properties"][0]["classification"] == "pii"
    assert lines["schema"][0]["properties"][0]["classification"] == "secret"
