"""Names for completion, as a notebook would ask for them."""

from __future__ import annotations

from mlgit.commands.candidates import candidates
from mlgit.commands.model_cards import models_index
from mlgit.experiments import trial
from tests.kit import git, repository


def test_names_of_each_kind_are_found(tmp_path, monkeypatch):
    root = repository(tmp_path / "p", {"dvc.yaml": "stages:\n  train: {cmd: echo}\n"})
    git(root, "tag", "churn@v1.0.0")
    monkeypatch.chdir(root)
    assert candidates("stage", "") == ["train"]
    assert candidates("model", "") == ["churn"]
    assert "minimal" in candidates("template", "")
    assert {"HEAD", "churn@v1.0.0"} <= {*candidates("revision", "")}
    head = git(root, "rev-parse", "HEAD")
    git(root, "update-ref", trial.ref_of(head, "lr-0.1-abcdef"), "HEAD")
    assert candidates("trial", "lr") == ["lr-0.1-abcdef"]


def test_index_of_models_has_each_with_its_card(tmp_path, monkeypatch):
    root = repository(tmp_path / "p", {"mlgit.yaml": "mlgit: 1\n", "cards/churn.md": "# churn\n"})
    git(root, "tag", "churn@v1.0.0")
    monkeypatch.chdir(root)
    assert [(each["name"], each["card"]) for each in models_index().document()["models"]] == [("churn", "cards/churn.md")]
