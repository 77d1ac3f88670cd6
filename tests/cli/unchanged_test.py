"""A change that leaves the predictions as they are: every rule that compares passes, and the comment warns of nothing."""

from __future__ import annotations

import pytest

from tests.gate.reviews import MODELS, comment, judged, ran, rows, sources, started
from tests.kit import commit, git, write_tree

pytestmark = pytest.mark.slow  # stages run

KINDS = """\
gates:
  stats: {resamples: 199}
  rules:
  - {id: kept, kind: no_worse, metric: accuracy, margin: 0}
  - {id: ranks, kind: no_worse, metric: roc_auc, margin: 0}
  - {id: better, kind: better, metric: accuracy, by: 0.01}
  - {id: alike, kind: same, metric: roc_auc, margin: 0}
  - {id: regions, kind: no_harm, metric: accuracy, margin: 0, slices: {by: [region]}}
  - {id: fast, kind: no_worse, metric: latency, margin: 0}
"""
RECORDED = MODELS.replace("    predictions: reports/predictions.csv\n    id: id\n", "")


@pytest.fixture
def project(tmp_path, cli):
    return started(tmp_path / "project", cli, config=MODELS + KINDS)


def reasons(found):
    return {each["reason"] for each in found["rules"]}


def test_a_change_of_the_readme_warns_of_nothing(project, cli):
    write_tree(project, {"README.md": "# Churn\n"})
    commit(project)
    found = judged(project, cli, "main")
    assert (found["code"], found["verdict"]) == (0, "pass")
    assert reasons(found) == {"same predictions", "same recorded number, and nothing on the way to it changed"}
    now, before = (git(project, "rev-parse", "--short=7", each) for each in ("HEAD", "main"))
    assert comment(project, cli, 0, "--base", "main") == [
        "### mlgit: ✅ nothing changed: no metric, parameter, data or stage differs",
        "",
        f"`{now}` vs main `{before}` · same test set (400 rows, paired by id)",
        "",
        "`churn`: leakage was not looked for: mlgit.yaml does not declare models.churn.train.",
    ]


def test_rows_that_change_their_place_are_the_same_predictions(project, cli):
    ran(project, cli, sources(rows(order=-1)))
    found = judged(project, cli, "main")
    assert [each["reason"] for each in found["rules"][:5]] == ["same predictions"] * 5


def test_the_same_file_needs_neither_cache_nor_key(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=MODELS.replace("    id: id\n", "") + KINDS)
    git(project, "clean", "--quiet", "-fdx", ".dvc/cache")
    found = judged(project, cli, "main")
    assert (found["code"], found["verdict"]) == (0, "pass")


def test_the_same_number_of_another_model_is_not_the_same(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=RECORDED + KINDS.replace("accuracy", "latency"))
    write_tree(project, {"README.md": "# Churn\n"})
    assert judged(project, cli, "main")["rules"][0]["reason"] == "same recorded number, and nothing on the way to it changed"
    ran(project, cli, {"source/model.bin": "another"})
    assert judged(project, cli, "main")["rules"][0]["reason"] != "same recorded number, and nothing on the way to it changed"
