"""`mlgit model reproduce`: what it says, and its exit codes."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.model.get_test import tag
from tests.kit import write_tree
from tests.registry.projects import FILES, made, ran

pytestmark = pytest.mark.slow  # real repositories, many times


@pytest.fixture
def root(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    tag(root, "churn@v1.0.0")
    return root


def test_same_bytes_are_a_yes(root, cli):
    done = cli(root, "model", "reproduce", "churn@v1.0.0")
    assert (done.code, done.out) == (0, "churn@v1.0.0 made again: every byte is as recorded\n")


@pytest.mark.slow
def test_other_metrics_are_a_no_and_listed(root, cli, tmp_path):
    (tmp_path / "depth").write_text("4")
    write_tree(root, {"src/train.sh": FILES["src/train.sh"].replace("depth=$(", "depth=$(cat ../depth 2> /dev/null || ")})
    ran(root, cli)
    tag(root, "churn@v2.0.0")
    done = cli(root, "model", "reproduce", "churn", "--json")
    assert (done.code, done.json["outcome"], done.json["name"]) == (1, "different", "churn@v2.0.0")
    assert done.json["differing"][-2:] == ["auc: 0.4 → 0.3", "nested.loss: 4.0 → 3.0"]
    assert done.json["made"]["md5"] != done.json["recorded"]["md5"]


@pytest.mark.slow
def test_data_that_is_nowhere_cannot_be_answered(root, cli):
    shutil.rmtree(root / ".dvc" / "cache")
    done = cli(root, "model", "reproduce", "churn")
    assert (done.code, "neither in the cache nor in a DVC remote" in done.err) == (2, True)
