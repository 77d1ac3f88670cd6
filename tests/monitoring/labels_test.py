"""Labels as they lie in a project or elsewhere: formats, what is tracked by DVC, and what is refused."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest

from mlgit import config
from mlgit import project as projects
from mlgit.errors import MlgitError
from mlgit.monitoring import labels
from mlgit.monitoring_settings import LabelSource
from mlgit.revision.revisions import Revisions
from tests.kit import commit, dvc, repository, write_tree
from tests.tables.written import parquet

MODEL = config.parse({"mlgit": 1}).model("churn")
ROWS = [{"request_id": f"{number:03}", "label": number % 2} for number in range(4)]
CSV = "request_id,label\n" + "".join(f"{row['request_id']},{row['label']}\n" for row in ROWS)


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = repository(tmp_path / "project", {"mlgit.yaml": "mlgit: 1\n", "dvc.yaml": "stages: {}\n"})
    monkeypatch.chdir(root)
    return root


def read(root, path="labels.csv", *, wanted=(), newest="", **fields):
    with Revisions(projects.find(root)) as revisions:
        source = LabelSource(path, **fields)
        return labels.read(
            revisions.workspace, source, model=MODEL, wanted=wanted, newest=newest, where="monitoring.churn.labels"
        )


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        ("csv", CSV.encode()),
        ("csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("jsonl", "\n".join(map(json.dumps, ROWS)).encode()),
        ("parquet", parquet(list(ROWS[0]), [tuple(row.values()) for row in ROWS])),
    ],
)
def test_every_format_gives_the_same_labels(root, ending, content):
    (root / f"labels.{ending}").write_bytes(content)
    found = read(root, f"labels.{ending}")
    assert found.columns["label"].tolist() == [0, 1, 0, 1]
    assert found.places == {"000": 0, "001": 1, "002": 2, "003": 3}, "ids are texts"


def test_columns_of_kpis_and_the_clock_come_with_them(root):
    write_tree(
        root, {"labels.csv": "id,outcome,refund,ts,other\na,1,2.5,2026-05-03T10:00:00Z,x\nb,0,,2026-05-01T10:00:00Z,y\n"}
    )
    found = read(root, id="id", label="outcome", lag=30, wanted=["refund", "absent"], newest="2026-05-02T00:00:00Z")
    assert (found.label, found.lag, found.newest) == ("outcome", 30, "2026-05-03T10:00:00Z")
    assert set(found.columns) == {"outcome", "refund", "ts"}
    assert read(root, id="id", label="outcome", newest="2026-05-04T00:00:00Z").newest == "2026-05-04T00:00:00Z"


@pytest.mark.slow
def test_file_that_dvc_tracks_is_read_from_its_cache(root):
    write_tree(root, {"data/labels.csv": CSV})
    dvc(root, "init", "-q")
    dvc(root, "add", "-q", "data/labels.csv")
    commit(root)
    (root / "data/labels.csv").unlink()
    assert len(read(root, "data/labels.csv").places) == 4
    shutil.rmtree(root / ".dvc" / "cache")
    with pytest.raises(MlgitError, match=r"data/labels\.csv"):
        read(root, "data/labels.csv")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("labels.csv", "labels.csv: no such file"),
        ("../labels.csv", "not in the project"),
        ("/etc/passwd", "not in the project"),
        ("labels.xlsx", "no table"),
        ("link.csv", "a symbolic link out of the repository"),
    ],
)
def test_what_is_no_table_of_the_project_is_refused(root, path, said):
    (root.parent / "labels.csv").write_text(CSV)
    (root / "link.csv").symlink_to(root.parent / "labels.csv")
    with pytest.raises(MlgitError, match=said) as raised:
        read(root, path)
    assert raised.value.hint


def test_column_that_is_not_there_is_named_with_the_key_that_asks_for_it(root):
    write_tree(root, {"labels.csv": "request,label\na,1\n"})
    with pytest.raises(MlgitError, match="no column 'request_id', did you mean 'request'") as raised:
        read(root)
    assert raised.value.hint == "monitoring.churn.labels.id names it: request, label"


def test_id_with_two_labels_is_refused(root):
    write_tree(root, {"labels.csv": "request_id,label\na,1\na,0\n"})
    with pytest.raises(MlgitError, match="'a' has two labels"):
        read(root)


def test_file_of_the_command_line_may_lie_anywhere(root):
    (root.parent / "truth.csv").write_text("id,label\na,1\n")
    found = labels.read_file(root.parent / "truth.csv", key="id", label="label")
    assert found.columns["label"].tolist() == [1]
    with pytest.raises(MlgitError, match="cannot be read: No such file"):
        labels.read_file(root / "gone.csv", key="id", label="label")
