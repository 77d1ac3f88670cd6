"""A project that has rules about data only has a baseline all the same."""

from __future__ import annotations

import pytest

from tests.gate.reviews import judged, only
from tests.kit import commit, git, repository, write_tree

pytestmark = pytest.mark.slow  # a repository each

CONFIG = "mlgit: 1\ngates: {rules: [{id: rows, kind: data, path: data/train.csv, schema: same, rows: [-5%, 50%]}]}\n"
MODELS = "models: {churn: {metrics: reports/metrics.json}}\nmetrics: {accuracy: {direction: higher}}\n"


def table(rows):
    return "a,b\n" + "1,2\n" * rows


def started(folder, config=CONFIG, files=None):
    root = repository(folder, {"mlgit.yaml": config, **({"data/train.csv": table(100)} if files is None else files)})
    git(root, "checkout", "--quiet", "-b", "change")
    return root


@pytest.mark.parametrize("more", ["", MODELS])
def test_rows_that_are_lost_are_no_first_result(tmp_path, cli, more):
    root = started(tmp_path / "project", CONFIG + more)
    write_tree(root, {"data/train.csv": table(90)})
    found = judged(root, cli)
    assert (only(found)["outcome"], found["code"], found["baseline"]["name"]) == ("fail", 1, "main")
    commit(root)
    assert cli(root, "ci", "run", "--no-run", "--base", "main").code == 1
    write_tree(root, {"data/train.csv": table(99)})
    assert only(judged(root, cli))["outcome"] == "pass"


def test_table_that_dvc_tracks_has_a_baseline_too(tmp_path, cli):
    root = started(tmp_path / "project", files={"data/train.csv": table(100)})
    git(root, "rm", "--quiet", "--cached", "data/train.csv")
    assert cli(root, "add", "data/train.csv").code == 0
    commit(root)
    git(root, "branch", "--force", "main", "HEAD")
    write_tree(root, {"data/train.csv": table(50)})
    assert (only(judged(root, cli))["outcome"], judged(root, cli)["code"]) == ("fail", 1)


def test_without_the_table_before_it_is_the_first(tmp_path, cli):
    root = started(tmp_path / "project", files={})
    write_tree(root, {"data/train.csv": table(90)})
    assert (only(judged(root, cli))["outcome"], judged(root, cli)["code"]) == ("first", 0)
