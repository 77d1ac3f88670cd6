"""Parameters and metrics of trials are those that `dvc exp show` finds, whatever shape the project has."""

from __future__ import annotations

import json
import time

import pytest

from mlgit import project
from mlgit.adapters.git import git as adapter
from mlgit.experiments import trial, trial_refs, trial_values
from mlgit.revision.revisions import Revisions
from mlgit.revision.values import flatten
from tests.kit import dvc, git, repository

STAGE = "stages:\n  train:\n    cmd: python t.py\n"
UNCACHED = "{cache: false}"
SHAPES = {
    "uncached": {
        "dvc.yaml": f"{STAGE}    params: [train]\n    metrics: [{{m.json: {{cache: false}}}}]\n",
        "params.yaml": "train: {lr: 0.1, layers: [1, 2]}\nother: x\n",
        "m.json": '{"auc": 0.8, "val": {"loss": 0.5, "n": null}, "words": "a", "list": [1], "flag": true}',
    },
    "top level": {
        "dvc.yaml": "params: [p/a.toml, b.json]\nmetrics: [out/m.yaml, n.toml]\n",
        "p/a.toml": "[train]\nlr = 0.1\n",
        "b.json": '{"train": {"lr": 3}, "z": [1, {"a": 2}]}',
        "out/m.yaml": "auc: 0.7\n",
        "n.toml": "loss = 1.5\n",
    },
    "python parameters": {
        "dvc.yaml": f"{STAGE}    params:\n    - p.py:\n      - LR\n      - Train.depth\n    - params.yaml:\n",
        "params.yaml": "a: 1\n",
        "p.py": "LR = 0.1\nOTHER = 2\nclass Train:\n    depth = 3\n",
    },
    "templated command": {
        "dvc.yaml": STAGE.rstrip() + " ${train.lr}\n    params: [train.lr]\n    metrics: [{m.json: {cache: false}}]\n",
        "params.yaml": "train: {lr: 0.1}\n",
        "m.json": '{"auc": 0.8}',
    },
    "templated paths": {
        "dvc.yaml": f"vars: [v.yaml]\n{STAGE}    params: [train.lr]\n    metrics: [{{'${{folder}}/m.json': {UNCACHED}}}]\n",
        "params.yaml": "train: {lr: 0.1}\n",
        "v.yaml": "folder: out\n",
        "out/m.json": '{"auc": 0.8}',
    },
    "templated by parameters": {
        "dvc.yaml": "stages:\n  train:\n    foreach: ${models}\n    do:\n      cmd: x\n      params: [train.lr]\n"
        "      metrics: [{'${out.folder}/${item}.json': {cache: false}}]\n",
        "params.yaml": "train: {lr: 0.1}\nmodels: [a, b]\nout: {folder: o}\n",
        "o/a.json": '{"auc": 0.8}',
        "o/b.json": '{"auc": 0.85}',
    },
    "foreach": {
        "dvc.yaml": "stages: {fit: {foreach: [a, b], do: {cmd: x, metrics: [{'${item}.json': {cache: false}}]}}}\n",
        "params.yaml": "x: 1\n",
        "a.json": '{"auc": 0.8}',
        "b.json": '{"auc": 0.9}',
    },
    "other folder": {
        "sub/dvc.yaml": f"{STAGE}    wdir: ..\n    params: [{{sub/p.yaml: [lr]}}]\n    metrics: [{{sub/m.json: {UNCACHED}}}]\n",
        "params.yaml": "x: 1\n",
        "sub/p.yaml": "lr: 2\nno: 3\n",
        "sub/m.json": '{"auc": 0.8}',
    },
    "folder of metrics": {
        "dvc.yaml": f"{STAGE}    metrics: [{{ms: {{cache: false}}}}]\n",
        "ms/a.json": '{"auc": 0.8}',
        "ms/deep/b.yaml": "loss: 1\n",
    },
    "dvclive": {
        "dvc.yaml": "metrics: [dvclive/metrics.json]\nparams: [dvclive/params.yaml]\n",
        "dvclive/metrics.json": '{"auc": 0.8, "step": 3, "train": {"loss": 1}}',
        "dvclive/params.yaml": "lr: 0.1\n",
        "dvclive/plots/metrics/auc.tsv": "step\tauc\n0\t0.5\n1\t0.8\n",
    },
    "old spelling": {"params.yaml": "a: 1\nb: {c: on, d: 012}\n", "dvc.yaml": "stages: {}\n"},
}


def record(root, name, files):
    """A trial in which these files are others than in HEAD; None takes one away."""
    contents = {}
    for row in git(root, "ls-tree", "-r", "HEAD").splitlines():
        head, path = row.split("\t")
        oid = head.split()[2]
        contents[path] = (head.split()[0], adapter.read_objects(root, [oid])[oid][1])
    contents |= {path: ("100644", text.encode()) for path, text in files.items() if text is not None}
    tree = adapter.write_tree(root, {path: each for path, each in contents.items() if files.get(path, "") is not None})
    base = git(root, "rev-parse", "HEAD")
    message = f"dvc: commit experiment {'0' * 64}"
    commit = adapter.write_commit(root, tree, message=message, signature="A <a@b.c> 1700000000 +0000", parents=[base])
    git(root, "update-ref", trial.ref_of(base, name), commit)
    return commit


def ours(root, commit):
    found = project.find(root)
    with Revisions(found) as revisions:
        return trial_values.read(revisions, {commit: git(root, "rev-parse", f"{commit}^{{tree}}")})[commit]


def of_dvc(root):
    """What DVC shows: by name of the trial ('' for the baseline), parameters and metrics by file."""
    document = json.loads(dvc(root, "exp", "show", "--json").out)
    base = next(each for each in document if each["rev"] != "workspace")
    rows = {"": base["data"], **{each["name"]: each["revs"][0]["data"] for each in base["experiments"] or ()}}
    return {name: (_files(data["params"]), _files(data["metrics"])) for name, data in rows.items()}


def _files(found):
    return {path: dict(flatten(each["data"])) for path, each in found.items() if each.get("data")}


def filled(files):
    return {path: dict(values) for path, values in files.items() if values}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_values_are_those_that_dvc_shows(tmp_path, shape):
    root = repository(tmp_path / "project", SHAPES[shape])
    changed = {
        path: text.replace("0.8", "0.9").replace("1", "7") for path, text in SHAPES[shape].items() if "dvc.yaml" not in path
    }
    commits = {"": git(root, "rev-parse", "HEAD"), "same": record(root, "same", {}), "other": record(root, "other", changed)}
    expected = of_dvc(root)
    assert expected.keys() == commits.keys()
    for name, commit in commits.items():
        found = ours(root, commit)
        assert (filled(found.params), filled(found.metrics)) == expected[name], name


@pytest.mark.slow
def test_metrics_in_the_cache_are_those_that_dvc_shows(tmp_path):
    script = "import json, yaml\njson.dump({'auc': yaml.safe_load(open('params.yaml'))['lr'] * 2}, open('m.json', 'w'))\n"
    root = repository(
        tmp_path / "project",
        {
            "dvc.yaml": "stages: {train: {cmd: python t.py, deps: [t.py], params: [lr], metrics: [m.json]}}\n",
            "params.yaml": "lr: 1\n",
            "t.py": script,
        },
    )
    dvc(root, "repro")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Run")
    dvc(root, "exp", "run", "--set-param", "lr=4", "--name", "four")
    (expected,) = [values for name, values in of_dvc(root).items() if name == "four"]
    (ref,) = trial_refs.listed(root)
    found = ours(root, ref.commit)
    assert (filled(found.params), filled(found.metrics)) == expected == ({"params.yaml": {"lr": 4}}, {"m.json": {"auc": 8}})


def test_parameters_decide_which_files_hold_metrics(tmp_path):
    root = repository(tmp_path / "project", SHAPES["templated by parameters"])
    params = SHAPES["templated by parameters"]["params.yaml"]
    one = record(root, "one", {"params.yaml": params.replace("[a, b]", "[b]")})
    two = record(root, "two", {"params.yaml": params.replace("0.1", "0.2")})
    with Revisions(project.find(root)) as revisions:
        roots = {each: git(root, "rev-parse", f"{each}^{{tree}}") for each in (one, two)}
        found = trial_values.read(revisions, roots)
    assert found[one].metrics == {"o/b.json": {"auc": 0.85}}
    assert found[two].metrics == {"o/a.json": {"auc": 0.8}, "o/b.json": {"auc": 0.85}}


def test_folder_of_dvclive_is_read_though_nothing_declares_it(tmp_path):
    files = {path: text for path, text in SHAPES["dvclive"].items() if path != "dvc.yaml"}
    root = repository(tmp_path / "project", {**files, "dvc.yaml": "stages: {}\n"})
    found = ours(root, git(root, "rev-parse", "HEAD"))
    assert found.metrics == {"dvclive/metrics.json": {"auc": 0.8, "step": 3, "train.loss": 1}}
    assert found.params == {"dvclive/params.yaml": {"lr": 0.1}}


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({"dvc.yaml": "stages: [\n"}, "dvc.yaml"),
        ({"dvc.yaml": "stages: {a: {cmdd: x}}\n"}, "dvc.yaml"),
        ({"m.json": None}, "m.json: no such file"),
        ({"m.json": "{"}, "m.json: line 1"),
        ({"m.json": "[" * 100_000}, "m.json: not JSON: nested too deeply"),
        ({"m.json": "\xff" * 3 + "{}"}, "m.json: line 1"),
        ({"params.yaml": "a: &a [1]\nb: *c\n"}, "params.yaml"),
        ({"params.yaml": "!!python/object:os.system {}\n"}, "params.yaml"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_is_shown(tmp_path, files, note):
    root = repository(tmp_path / "project", SHAPES["uncached"])
    record(root, "odd", files)
    record(root, "good", {"m.json": '{"auc": 0.9}'})
    found = project.find(root)
    shown = {each.name: each for each in trial_refs.load(found, trial_refs.listed(root)).trials}
    assert shown["good"].metrics == {"auc": 0.9}
    assert shown["good"].notes == ()
    assert any(each.startswith(note) for each in shown["odd"].notes), shown["odd"].notes


def test_values_that_aliases_multiply_are_not_written_out(tmp_path):
    lists = "".join(f"l{number}: &l{number} [{', '.join([f'*l{number - 1}'] * 9)}]\n" for number in range(1, 12))
    root = repository(tmp_path / "project", {**SHAPES["uncached"], "params.yaml": f"l0: &l0 [1]\n{lists}"})
    found = ours(root, git(root, "rev-parse", "HEAD"))
    assert found.notes == ("params.yaml: cannot be read: more than 100000 values",)


def test_folders_that_hold_each_other_many_times_are_read_once(tmp_path):
    root = repository(tmp_path / "project", SHAPES["uncached"])
    tree = git(root, "rev-parse", "HEAD^{tree}")
    for _ in range(12):  # 10 ** 12 paths
        rows = "".join(f"040000 tree {tree}\tn{number}\n" for number in range(10))
        tree = adapter.run(root, "mktree", stdin=rows.encode()).text.strip()
    commit = git(root, "commit-tree", tree, "-m", "bomb")
    began = time.process_time()
    found = ours(root, commit)
    assert time.process_time() - began < 60
    assert found.notes
