"""Snapshots of real repositories."""

import json
import os
import shutil
import sys
import types

import pytest

from mlgit import project as projects
from mlgit.adapters import git as git_adapter
from mlgit.compare.collect import Point, collect, collect_both
from mlgit.compare.snapshot import Shape
from mlgit.errors import MlgitError
from tests.kit import commit, git, repository, write_tree

TRAIN = """\
depth=$(sed -n 's/^depth: //p' params.yaml)
echo "model of depth $depth" > model.txt
printf '{"auc": 0.%s, "nested": {"loss": %s.5}}' $depth $depth > metrics.json
"""
PIPELINE = """\
stages:
  train:
    cmd: sh train.sh
    deps: [train.sh, data/raw.csv]
    params: [depth]
    outs: [model.txt]
    metrics:
    - metrics.json%s
"""
UNCACHED = ": {cache: false}"


@pytest.fixture
def root(tmp_path, cli):
    """A project that was run and committed."""
    return made(tmp_path / "project", cli, UNCACHED)


def made(root, cli, flags, files=None):
    texts = {"train.sh": TRAIN, "dvc.yaml": PIPELINE % flags, "params.yaml": "depth: 3\n", "data/raw.csv": "a,b\n1,2\n"}
    write_tree(repository(root), {**texts, **(files or {})})
    ran(root, cli)
    return root


def ran(root, cli):
    done = cli(root, "run")
    assert done.code == 0, done.said
    return commit(root)


def at(root, revision=""):
    project = projects.find(root)
    if not revision:
        return collect(project, Point())
    return collect(project, Point(revision, git_adapter.resolve(project.git_root, revision)))


def messages(snapshot):
    return [note.message for note in snapshot.notes]


def test_revision_and_workspace_hold_the_same_after_a_run(root):
    there, here = at(root, "HEAD"), at(root)
    assert there.metrics == here.metrics == {"metrics.json": {"auc": 0.3, "nested.loss": 3.5}}
    assert there.parameters == here.parameters == {"params.yaml": {"depth": 3}}
    assert there.data == here.data
    assert there.stages == here.stages
    assert (there.stale, here.stale, there.notes, here.notes) == ((), (), (), ())


def test_old_revision_is_read_as_it_was(root, cli):
    write_tree(root, {"params.yaml": "depth: 5\n"})
    ran(root, cli)
    assert at(root, "HEAD~1").metrics["metrics.json"]["auc"] == 0.3
    assert at(root, "HEAD").metrics["metrics.json"]["auc"] == 0.5


def test_workspace_is_read_as_it_lies(root):
    write_tree(root, {"metrics.json": '{"auc": 0.9}', "params.yaml": "depth: 4\n", "data/raw.csv": "a,b\n1,2\n3,4\n"})
    here = at(root)
    assert here.metrics == {"metrics.json": {"auc": 0.9}}
    assert here.stages["train"].params == {"depth": 4}
    assert here.stages["train"].deps["data/raw.csv"] != at(root, "HEAD").stages["train"].deps["data/raw.csv"]
    assert here.stale == ("train",)


def test_commit_whose_lock_is_older_than_its_files_is_stale(root):
    write_tree(root, {"train.sh": TRAIN + "# changed\n"})
    commit(root)
    there = at(root, "HEAD")
    assert there.stale == ("train",)
    assert messages(there) == ["stale, so results may not belong to what is declared: train"]


def test_cached_metric_of_an_old_revision_comes_from_the_cache(tmp_path, cli):
    root = made(tmp_path / "project", cli, "")
    write_tree(root, {"params.yaml": "depth: 5\n"})
    ran(root, cli)
    assert at(root, "HEAD~1").metrics == {"metrics.json": {"auc": 0.3, "nested.loss": 3.5}}
    assert at(root).metrics["metrics.json"]["auc"] == 0.5


def test_cache_in_another_place_is_found(tmp_path, cli):
    root = made(tmp_path / "project", cli, "", {".dvc/config": f"[cache]\n    dir = {tmp_path}/elsewhere\n"})
    assert not (root / ".dvc" / "cache" / "files" / "md5").exists()
    assert at(root, "HEAD").metrics["metrics.json"]["auc"] == 0.3


def test_cached_metric_that_the_cache_lost_is_noted(tmp_path, cli):
    root = made(tmp_path / "project", cli, "")
    shutil.rmtree(root / ".dvc" / "cache")
    there = at(root, "HEAD")
    assert (there.metrics, there.unread) == ({}, {"metrics.json"})
    note = there.notes[0]
    assert (note.message, note.hint) == ("metrics.json: not in the cache", "`dvc fetch --all-commits metrics.json` fetches it")
    (root / "metrics.json").unlink()
    assert [note.hint for note in at(root).notes if "cache" in note.message] == ["`dvc pull metrics.json` fetches it"]


def test_cached_metric_with_other_bytes_than_its_name_says_is_not_believed(tmp_path, cli):
    root = made(tmp_path / "project", cli, "")
    md5 = at(root, "HEAD").data["metrics.json"].digest.md5
    path = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    path.chmod(0o644)
    path.write_text('{"auc": 0.99}')
    there = at(root, "HEAD")
    assert there.metrics == {}
    assert messages(there) == ["metrics.json: damaged in the cache"]


def test_metric_that_was_never_made_is_noted(tmp_path):
    root = repository(tmp_path / "project", {"dvc.yaml": "metrics: [reports/m.json]\n"})
    for side in (at(root), at(root, "HEAD")):
        assert (side.metrics, side.unread) == ({}, frozenset())
        assert messages(side) == ["reports/m.json: there is no such file"]


def test_uncached_output_that_was_removed_is_gone_from_the_workspace(root):
    (root / "metrics.json").unlink()
    here = at(root)
    assert ("metrics.json" in here.data, here.metrics, here.stale) == (False, {}, ("train",))
    assert messages(here)[0] == "metrics.json: there is no such file"


def test_uncached_output_that_git_does_not_have_is_known_by_the_lock(root):
    before = at(root, "HEAD")
    git(root, "rm", "--quiet", "--cached", "metrics.json")
    git(root, "commit", "--quiet", "--message", "Forget the metrics")
    there = at(root, "HEAD")
    assert (there.metrics, there.data) == ({}, before.data)


def test_file_too_large_for_metrics_or_parameters_is_noted(root, monkeypatch):
    monkeypatch.setattr("mlgit.adapters.contents.LARGEST_DOCUMENT", 1)
    here = at(root)
    assert here.unread == {"metrics.json", "params.yaml"}
    assert "metrics.json: larger than 0 MiB" in messages(here)


def test_large_blob_is_known_by_the_lock_only(root, monkeypatch):
    whole = at(root, "HEAD")
    for module in ("adapters.contents", "compare.collect"):
        monkeypatch.setattr(f"mlgit.{module}.LARGEST_BLOB", 1)
    assert at(root, "HEAD").stages == whole.stages


def test_what_is_neither_file_nor_folder_is_noted(root):
    (root / "model.txt").unlink()
    os.mkfifo(root / "model.txt")
    assert "model.txt: neither a file nor a folder" in messages(at(root))


def test_dependency_outside_the_project_has_no_digest(tmp_path):
    pipeline = "stages:\n  a:\n    cmd: x\n    deps: [../x, s3://bucket/y]\n    outs: [o]\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline})
    assert set(at(root).stages["a"].deps.values()) == {None}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("m.json", "{", "line 1, column 2"),
        ("m.json", '{"a": ' + "9" * 5000 + "}", "digits"),
        ("m.json", "[" * 100_000, "m.json: "),
        ("m.yaml", "a: &a {b: *a}", "m.yaml: "),
        ("m.yaml", "[" * 5_000 + "]" * 5_000, "m.yaml: "),
        ("m.yaml", "a: [", "line "),
        ("m.toml", "a", "m.toml"),
        ("m.yaml", "a: \xff".encode("latin-1"), "not UTF-8"),
    ],
)
def test_metrics_file_that_cannot_be_read_is_noted(tmp_path, name, text, said):
    root = repository(
        tmp_path / "project", {"dvc.yaml": f"metrics: [{name}]\nparams: [ok.yaml]\n", name: text, "ok.yaml": "a: 1"}
    )
    for side in (at(root), at(root, "HEAD")):
        assert (side.metrics, side.unread, side.parameters) == ({}, {name}, {"ok.yaml": {"a": 1}})
        assert said in messages(side)[0]


def test_aliases_that_multiply_are_refused(tmp_path):
    rows = ["a0: &a0 {x: 1, y: 2}"] + [f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 40)]
    root = repository(tmp_path / "project", {"dvc.yaml": "metrics: [m.yaml]\n", "m.yaml": "\n".join(rows)})
    assert messages(at(root)) == ["m.yaml: cannot be read: more than 100000 values"]


def test_top_level_metrics_and_params_of_a_subfolder_are_relative_to_it(tmp_path):
    files = {
        "sub/dvc.yaml": "metrics: [m.toml, all]\nparams: [p.toml]\nvars: ['v.yaml:a,b', w.yaml, {x: 1}]\n",
        "sub/m.toml": "auc = 0.5\n",
        "sub/all/one.yaml": "f1: 0.25\n",
        "sub/all/plot.tsv": "step\tf1\n",
        "sub/p.toml": "[train]\ndepth = 3\n",
        "sub/v.yaml": "a: 1\nb: {c: 2}\nd: 3\n",
        "sub/w.yaml": "e: 4\n",
    }
    root = repository(tmp_path / "project", files)
    for side in (at(root), at(root, "HEAD")):
        assert side.metrics == {"sub/m.toml": {"auc": 0.5}, "sub/all/one.yaml": {"f1": 0.25}}
        expected = {"sub/p.toml": {"train.depth": 3}, "sub/v.yaml": {"a": 1, "b.c": 2}, "sub/w.yaml": {"e": 4}}
        assert side.parameters == expected


def test_metric_inside_a_cached_folder_is_found(tmp_path, cli):
    pipeline = "stages:\n  a:\n    cmd: mkdir live; echo 0.5 > live/m.json\n    outs: [live]\nmetrics: [live/m.json]\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline})
    ran(root, cli)
    assert at(root, "HEAD").metrics == {"live/m.json": {"": 0.5}}
    shutil.rmtree(root / "live")
    here = at(root)
    assert here.metrics == {"live/m.json": {"": 0.5}}
    assert here.data["live"].digest.nfiles == 1
    assert messages(here) == ["not there, so compared as recorded: live"]


def test_folder_of_cached_metrics_is_read_file_by_file(tmp_path, cli):
    pipeline = "stages:\n  a:\n    cmd: mkdir live; echo 0.5 > live/m.yaml\n    metrics: [live]\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline})
    ran(root, cli)
    assert at(root, "HEAD").metrics == {"live/m.yaml": {"": 0.5}}
    shutil.rmtree(root / ".dvc" / "cache")
    assert (at(root, "HEAD").unread, at(root).metrics) == ({"live"}, {"live/m.yaml": {"": 0.5}})


def test_templated_pipeline_is_resolved_with_the_parameters_of_its_revision(tmp_path, cli):
    repeated = "do:\n      cmd: echo ${item} ${depth} > ${item}.txt\n      outs: ['${item}.txt']\n"
    pipeline = f"stages:\n  train:\n    foreach: ${{kinds}}\n    {repeated}"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline, "params.yaml": "kinds: [a, b]\ndepth: 3\n"})
    ran(root, cli)
    write_tree(root, {"params.yaml": "kinds: [b, c]\ndepth: 4\n"})
    assert {name: step.cmd for name, step in at(root, "HEAD").stages.items()} == {
        "train@a": "echo a 3 > a.txt",
        "train@b": "echo b 3 > b.txt",
    }
    assert list(at(root).stages) == ["train@b", "train@c"]


def test_only_the_keys_that_stages_read_count_in_other_files(tmp_path):
    pipeline = (
        "stages:\n  a:\n    cmd: echo\n    params: [lr, {conf.py: [DEPTH, Net.width]}, {all.json: null}]\n    outs: [o]\n"
    )
    files = {
        "dvc.yaml": pipeline,
        "conf.py": "DEPTH = 3\nOTHER = 4\nclass Net:\n    width = (1, 2)\n",
        "all.json": '{"x": {"y": 1}}',
    }
    root = repository(tmp_path / "project", {**files, "params.yaml": "lr: 0.1\nunread: 1\n"})
    here = at(root)
    assert here.parameters == {
        "params.yaml": {"lr": 0.1, "unread": 1},
        "conf.py": {"DEPTH": 3, "Net.width": [1, 2]},
        "all.json": {"x.y": 1},
    }
    assert here.stages["a"].params == {"lr": 0.1, "conf.py:DEPTH": 3, "conf.py:Net.width": [1, 2], "all.json:x.y": 1}


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
        "old.csv": ("data", None),
        "images": ("data", "c"),
    }
    assert messages(there) == ["only DVC knows the content of old.csv"]
    assert there.stages == {}


def test_tables_have_rows_and_columns_wherever_their_bytes_are(root, cli, tmp_path):
    flags = f"{UNCACHED}\n    plots: [{{plot.tsv: {{cache: false}}}}]"
    more = {"train.sh": TRAIN + "printf 'x\\ty\\n1\\t2\\n' > plot.tsv\n", "tracked.csv": 'a,b\n"1\n2",3\n'}
    root = made(tmp_path / "tables", cli, flags, more)
    assert cli(root, "add", "tracked.csv").code in (0, 2)
    for side in (at(root), at(root, "HEAD")):
        assert side.data["plot.tsv"].shape == Shape(1, ("x", "y"))
        assert side.data["model.txt"].shape is None


def test_broken_parameters_leave_the_rest_comparable(root):
    write_tree(root, {"params.yaml": "depth: ["})
    here = at(root)
    assert (here.parameters, here.unread, here.stages["train"].params) == ({}, {"params.yaml"}, {})
    assert here.metrics["metrics.json"]["auc"] == 0.3


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
    one, other = collect_both(project, Point("HEAD", git(root, "rev-parse", "HEAD")), Point())
    assert other.data["x.csv"].shape == Shape(1, ("a",))
    assert {path for path, each in one.data.items() if each.shape} == set()
    assert all(each.shape is None for each in collect_both(project, Point(), Point())[0].data.values())


def test_parquet_is_read_where_pyarrow_is_installed(tmp_path, monkeypatch):
    root = repository(tmp_path / "project", {"dvc.yaml": "stages:\n  a:\n    cmd: x\n    outs: [t.parquet]\n"})
    write_tree(root, {"t.parquet": "bytes"})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert at(root).data["t.parquet"].shape is None
    described = types.SimpleNamespace(
        metadata=types.SimpleNamespace(num_rows=3), schema_arrow=types.SimpleNamespace(names=["a", "b"])
    )
    parquet = types.SimpleNamespace(ParquetFile=lambda stream: described)
    monkeypatch.setitem(sys.modules, "pyarrow", types.SimpleNamespace(ArrowException=ValueError, parquet=parquet))
    assert at(root).data["t.parquet"].shape == Shape(3, ("a", "b"))
    monkeypatch.setattr(parquet, "ParquetFile", lambda stream: json.loads("no parquet"))
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


def test_project_in_a_subfolder_and_the_one_nested_in_it(tmp_path, cli):
    git_root = tmp_path / "mono"
    inner = git_root / "team" / "project"
    repository(git_root, {"dvc.yaml": "stages:\n  outer:\n    cmd: x\n    outs: [o]\n", "params.yaml": "outer: 1\n"})
    shutil.copytree(git_root / ".dvc", inner / ".dvc")
    write_tree(
        inner, {"train.sh": TRAIN, "dvc.yaml": PIPELINE % UNCACHED, "params.yaml": "depth: 3\n", "data/raw.csv": "a\n1\n"}
    )
    ran(inner, cli)
    there = at(inner, "HEAD")
    assert (there.metrics["metrics.json"]["auc"], there.parameters) == (0.3, {"params.yaml": {"depth": 3}})
    assert list(at(git_root, "HEAD").stages) == list(at(git_root).stages) == ["outer"]


def test_faults_of_a_revision_name_it(root):
    write_tree(root, {"dvc.yaml": "stages: 1\n"})
    broken = commit(root)
    with pytest.raises(MlgitError, match=rf"HEAD \({broken[:7]}\): dvc.yaml: stages: expected a mapping"):
        at(root, "HEAD")
    with pytest.raises(MlgitError, match=r"^dvc.yaml: stages"):
        at(root)


def test_broken_mlgit_yaml_of_a_revision_is_noted_and_of_the_workspace_refused(root):
    write_tree(root, {"mlgit.yaml": "mlgit: 2\n"})
    commit(root)
    assert messages(at(root, "HEAD"))[0].startswith("mlgit.yaml: mlgit: '2' is not one of 1")
    with pytest.raises(MlgitError, match=r"^mlgit.yaml: mlgit"):
        at(root)


def test_paths_outside_the_project_are_not_read(tmp_path):
    (tmp_path / "secret.yaml").write_text("token: 1\n")
    listed = f"['../secret.yaml', '{tmp_path}/secret.yaml', '${{templated}}.json']"
    root = repository(
        tmp_path / "project", {"dvc.yaml": f"metrics: {listed}\nparams: {listed}\n", "params.yaml": "templated: x\n"}
    )
    here = at(root)
    assert (here.metrics, here.parameters) == ({}, {"params.yaml": {"templated": "x"}})
    assert messages(here)[0] == "../secret.yaml: not read, for it is not a path in the project"


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


def test_checkout_that_cannot_be_written_to_can_be_compared(root, monkeypatch):
    def refuse(self):
        raise PermissionError

    monkeypatch.setattr("mlgit.adapters.hashing.Fingerprints.save", refuse)
    assert at(root).metrics
