"""Snapshots of real repositories: metrics, parameters, stages, and what is said when something is missing."""

import shutil

import pytest

from mlgit import project as projects
from mlgit.errors import MlgitError
from mlgit.revision.collect import collect_both
from mlgit.revision.revisions import Revisions
from tests.kit import commit, repository, write_tree
from tests.revision.projects import PIPELINE, TRAIN, UNCACHED, at, made, messages, opened, ran

pytestmark = pytest.mark.slow  # real processes, many of them


@pytest.fixture
def root(tmp_path, cli):
    """A project that was run and committed."""
    return made(tmp_path / "project", cli, UNCACHED)


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


@pytest.mark.parametrize(
    "change",
    [
        {"README.md": "x\n"},
        {"params.yaml": "depth: 4\n"},
        {"params.yaml": "other: 4\n"},
        {"params.yaml": None},
        {"params.yaml": "[broken\n"},
        {"metrics.json": '{"auc": 0.9}'},
        {"metrics.json": None},
        {"data/raw.csv": "a,b\n1,2\n3,4\n"},
        {"data/raw.csv": None},
        {"train.sh": TRAIN + "# changed\n"},
        {"dvc.lock": None},
        {"dvc.yaml": (PIPELINE % UNCACHED).replace("train:", "learn:")},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_committed", [False, True])
def test_side_that_takes_stages_over_from_the_other_is_what_it_is_by_itself(root, change, is_committed):
    for name, text in change.items():
        write_tree(root, {name: text}) if text is not None else (root / name).unlink()
    if is_committed:
        commit(root)
    first, second = ("HEAD~1", "HEAD") if is_committed else ("HEAD", "")
    revisions = Revisions(projects.find(root))
    beside = collect_both(opened(revisions, first), opened(revisions, second))[1]
    alone = at(root, second)
    assert (beside.stages, beside.stale, beside.notes) == (alone.stages, alone.stale, alone.notes)


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
    assert (note.message, note.hint) == (
        "metrics.json: not in the cache",
        "--pull fetches it, as does `dvc fetch --all-commits metrics.json`",
    )
    (root / "metrics.json").unlink()
    assert [note.hint for note in at(root).notes if "cache" in note.message] == [
        "--pull fetches it, as does `dvc pull metrics.json`"
    ]


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
        assert messages(side) == ["reports/m.json: no such file"]


def test_file_too_large_for_metrics_or_parameters_is_noted(root, monkeypatch):
    monkeypatch.setattr("mlgit.revision.contents.LARGEST_DOCUMENT", 1)
    here = at(root)
    assert here.unread == {"metrics.json", "params.yaml"}
    assert "metrics.json: larger than 0 MiB" in messages(here)


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


def test_broken_parameters_leave_the_rest_comparable(root):
    write_tree(root, {"params.yaml": "depth: ["})
    here = at(root)
    assert (here.parameters, here.unread, here.stages["train"].params) == ({}, {"params.yaml"}, {})
    assert here.metrics["metrics.json"]["auc"] == 0.3


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
    assert messages(at(root, "HEAD"))[0].endswith(":mlgit.yaml: mlgit: '2' is not one of 1")
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
