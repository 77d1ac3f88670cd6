"""What `mlgit monitor trigger` prints."""

from __future__ import annotations

import pytest

from mlgit.monitoring import verdict_refs
from tests.kit import repository
from tests.monitoring import chains
from tests.registry.projects import FILES, made

pytestmark = pytest.mark.slow  # a version is registered

SETTINGS = "environments: [{name: prod}]\nmonitoring: {churn: {triggers: {drift: watch, age: 90d}}}\n"


@pytest.fixture
def root(tmp_path, cli):
    root = made(tmp_path / "project", cli, {"mlgit.yaml": FILES["mlgit.yaml"] + SETTINGS})
    for words in (("register", "churn", "--version", "v1.0.0"), ("promote", "churn@v1.0.0", "prod")):
        assert cli(root, "model", *words).code == 0
    return root


def test_answer_is_told_with_its_reasons_and_as_json(root, cli):
    silent = cli(root, "monitor", "trigger")
    assert (silent.code, silent.out.splitlines()[:2]) == (
        2,
        [
            "churn@v1.0.0 in prod: cannot tell",
            "  drift: no window of this version was judged yet; `mlgit monitor run` judges those that come",
        ],
    )
    verdict_refs.append(root, verdict_refs.load(root, chains.REF), chains.entry(1, word="watch"))
    done = cli(root, "monitor", "trigger", "churn")
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "churn@v1.0.0 in prod: a retraining is due",
            "  drift: 2026-05-02: watch; p = 0.001; most moved: amount (mean +0.31 sd), country",
            "note: the forge was not asked for pull requests: it is not known, or there is no token",
        ],
    )
    document = cli(root, "monitor", "trigger", "--json").json
    assert (document["schema"], document["due"], document["models"][0]["triggers"][0]["kind"]) == (1, True, "drift")


def test_without_triggers_the_answer_is_what_to_add(tmp_path, cli):
    root = repository(tmp_path / "project", {"dvc.yaml": "stages: {}\n", "mlgit.yaml": "mlgit: 1\n"})
    done = cli(root, "monitor", "trigger")
    assert (done.code, "declares no triggers" in done.err, "triggers: {drift: page}" in done.err) == (2, True, True), done.said
