"""Snapshots of real repositories: data and outputs, by digest, rows and columns; and that nothing is touched."""

import os
import shutil

import pytest

from mlgit import project as projects
from mlgit.revision.collect import collect_both
from mlgit.revision.revisions import Revisions
from mlgit.tables.shape import Shape
from tests.kit import commit, git, repository, write_tree
from tests.kit.late import Module
from tests.revision.projects import PIPELINE, TRAIN, UNCACHED, at, made, messages, opened, ran

pd = Module("pandas")


@pytest.fixture
def root(tmp_path, cli):
    """A project that was run and committed."""
    return made(tmp_path / "project", cli, UNCACHED)


def test_uncached_output_that_was_removed_is_gone_from_the_workspace(root):
    (root / "metrics.json").unlink()
    here = at(root)
    assert ("metrics.json" in here.data, here.metrics, here.stale) == (False, {}, ("train",))
    assert messages(here)[0] == "metrics.json: no such file"


def test_uncached_output_that_git_does_not_have_is_known_by_the_lock(root):
    before = at(root, "HEAD")
    git(root, "rm", "--quiet", "--cached", "metrics.json")
    git(root, "commit", "--quiet", "--message", "Forget the metrics")
    there = at(root, "HEAD")
    assert (there.metrics, there.data) == ({}, before.data)


def test_large_blob_is_known_by_the_lock_only(root, monkeypatch):
    whole = at(root, "HEAD")
    for module in ("revision.contents", "revision.collect"):
        monkeypatch.setattr(f"mlgit.{module}.LARGEST_BLOB", 1)
    assert at(root, "HEAD").stages == whole.stages


def test_what_is_neither_file_nor_folder_is_noted(root):
    (root / "model.txt").unlink()
    os.mkfifo(root / "model.txt")
    assert "model.txt: neither a file nor a folder" in messages(at(root))


def test_folder_of_files_of_git_and_of_outputs_is_known_by_both(tmp_path, cli):
    command = "mkdir -p parts/c && cp in.csv parts/b.csv && cp in.csv parts/c/d.csv"
    pipeline = f"stages:\n  b:\n    cmd: {command}\n    deps: [in.csv]\n    outs: [parts/b.csv, parts/c]\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline, "in.csv": "1\n", "parts/a.csv": "a\n"})
    seen = []
    for text in ("1\n", "2\n"):
        write_tree(root, {"in.csv": text})
        ran(root, cli)
        there, here = (opened(Revisions(projects.find(root)), side).digest("parts") for side in ("HEAD", ""))
        assert there == here
        seen.append(there)
    assert seen[0] != seen[1]
    shutil.rmtree(root / ".dvc/cache")
    assert opened(Revisions(projects.find(root)), "HEAD").digest("parts") != opened(
        Revisions(projects.find(root)), "HEAD~1"
    ).digest("parts")


def test_dependency_outside_the_project_has_no_digest(tmp_path):
    pipeline = "stages:\n  a:\n    cmd: x\n    deps: [../x, s3://bucket/y]\n    outs: [o]\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline})
    assert set(at(root).stages["a"].deps.values()) == {None}


def test_data_files_imports_and_what_only_dvc_reads(tmp_path, cli):
    imported = "deps:\n- path: ../x\n  repo: {url: elsewhere}\nouts:\n- md5: %s\n  size: 3\n  hash: md5\n  path: got.csv\n" % (
        "a" * 32
    )
    old = "outs:\n- md5: %s\n  size: 3\n  path: old.csv\n" % ("b" * 32)
    tracked = "outs:\n- md5: %s\n  size: 7\n  nfiles: 2\n  hash: md5\n  path: images\n" % ("c" * 32 + ".dir")
    root = repository(tmp_path / "project", {"got.csv.dvc": imported, "old.csv.dvc": old, "images.dvc": tracked})
    there = at(root, "HEAD")
    assert {path: (each.kind, each.digest and each.digest.md5[:1]) for path, each in there.data.items()} == {
        "got.csv": ("data", "a"),
        "old.csv": ("data", "b"),
        "images": ("data", "c"),
    }
    assert messages(there) == []
    assert there.stages == {}


def test_tables_have_rows_and_columns_wherever_their_bytes_are(root, cli, tmp_path):
    flags = f"{UNCACHED}\n    plots: [{{plot.tsv: {{cache: false}}}}]"
    more = {"train.sh": TRAIN + "printf 'x\\ty\\n1\\t2\\n' > plot.tsv\n", "tracked.csv": 'a,b\n"1\n2",3\n'}
    root = made(tmp_path / "tables", cli, flags, more)
    assert cli(root, "add", "tracked.csv").code in (0, 2)
    for side in (at(root), at(root, "HEAD")):
        assert side.data["plot.tsv"].shape == Shape(1, ("x", "y"))
        assert side.data["model.txt"].shape is None


def test_cached_table_is_read_from_the_cache_and_a_lost_one_is_only_sized(tmp_path, cli):
    pipeline = "stages:\n  a:\n    cmd: printf 'id\\n1\\n2\\n' > t.csv\n    outs: [t.csv]\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline})
    ran(root, cli)
    assert at(root, "HEAD").data["t.csv"].shape == Shape(2, ("id",))
    shutil.rmtree(root / ".dvc" / "cache")
    lost = at(root, "HEAD").data["t.csv"]
    assert (lost.shape, lost.digest.size) == (None, 7)


def test_only_tables_that_differ_are_read(root):
    write_tree(root, {"dvc.yaml": PIPELINE % UNCACHED + "  b:\n    cmd: touch x.csv y.csv\n    outs: [x.csv, y.csv]\n"})
    write_tree(root, {"x.csv": "a\n1\n", "y.csv": "a\n"})
    project = projects.find(root)
    revisions = Revisions(project)
    workspace = revisions.workspace
    one, other = collect_both(revisions.commit(revisions.head, name="HEAD"), workspace)
    assert other.data["x.csv"].shape == Shape(1, ("a",))
    assert {path for path, each in one.data.items() if each.shape} == set()
    assert all(each.shape is None for each in collect_both(workspace, workspace)[0].data.values())


def test_every_format_of_tables_has_rows_and_columns(tmp_path):
    root = repository(
        tmp_path / "project", {"dvc.yaml": "stages:\n  a:\n    cmd: x\n    outs: [t.parquet, t.json, t.csv.gz, m.json]\n"}
    )
    frame = pd.DataFrame({"a": [1, 2, 3], "b": list("xyz")})
    frame.to_parquet(root / "t.parquet")
    frame.to_json(root / "t.json", orient="records")
    frame.to_csv(root / "t.csv.gz", index=False)
    write_tree(root, {"m.json": '{"a": 1}'})
    found = at(root).data
    assert [found[path].shape for path in ("t.parquet", "t.json", "t.csv.gz")] == [Shape(3, ("a", "b"))] * 3
    assert found["m.json"].shape is None
    write_tree(root, {"t.parquet": "bytes"})
    assert at(root).data["t.parquet"].shape is None


def test_folder_in_git_that_a_stage_reads_has_a_digest_without_a_lock(tmp_path):
    files = {"dvc.yaml": "stages:\n  a:\n    cmd: x\n    deps: [src]\n    outs: [o]\n", "src/a.py": "1", "src/b/c.py": "2"}
    root = repository(tmp_path / "project", files)
    there, here = at(root, "HEAD").stages["a"].deps, at(root).stages["a"].deps
    assert there == here
    assert there["src"].nfiles == 2


def test_links_and_lfs_pointers_in_git_do_not_pass_for_the_content(root):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"
    write_tree(root, {"train.sh": pointer})
    os.remove(root / "data/raw.csv")
    os.symlink("elsewhere.csv", root / "data/raw.csv")
    commit(root)
    before, there = at(root, "HEAD~1"), at(root, "HEAD")
    assert there.stages["train"].deps == before.stages["train"].deps
    assert there.stale == ()


def test_nothing_is_written_that_git_sees(root):
    before = states(root)
    at(root)
    at(root, "HEAD")
    assert states(root) == before
    assert git(root, "status", "--porcelain") == ""


def states(root):
    """The stat of every file but mlgit's own, disposable ones; reading them changes nothing either."""
    found = {}
    for folder, _, names in os.walk(root):
        if not folder.startswith(str(root / ".dvc" / "tmp")):
            found |= {f"{folder}/{name}": os.stat(f"{folder}/{name}").st_mtime_ns for name in names}
    return found | {"index": (root / ".git" / "index").read_bytes()}
