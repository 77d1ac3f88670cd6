"""What a running trial has written so far."""

from __future__ import annotations

import os

from mlgit.experiments import live_values
from tests.kit import write_tree


def metrics(folder, recorded=None):
    return live_values.metrics(str(folder), recorded=recorded or {})


def test_metrics_that_are_no_longer_those_of_the_baseline_are_shown(tmp_path):
    write_tree(tmp_path, {"m.json": '{"auc": 0.9}', "n.json": '{"loss": 1}'})
    assert metrics(tmp_path, {"m.json": {"auc": 0.8}, "n.json": {"loss": 1}, "gone.json": {"a": 1}}) == {"auc": 0.9}


def test_metrics_of_dvclive_are_found_though_nothing_names_them(tmp_path):
    write_tree(tmp_path, {"dvclive/metrics.json": '{"auc": 0.5, "step": 3}', "dvclive/plots/metrics/auc.tsv": "step\tauc\n"})
    write_tree(tmp_path, {"other/metrics.json": '{"x": 1}'})
    assert metrics(tmp_path) == {"auc": 0.5, "step": 3}


def test_name_that_another_file_of_the_baseline_has_is_told_with_its_file(tmp_path):
    write_tree(tmp_path, {"n.json": '{"auc": 0.9}'})
    assert metrics(tmp_path, {"m.json": {"auc": 0.8}, "n.json": {"auc": 0.7}}) == {"n.json:auc": 0.9}


def test_file_that_is_half_written_or_no_file_is_passed_over(tmp_path):
    write_tree(tmp_path, {"m.json": '{"auc": 0.', "dvclive/plots/x": ""})
    os.mkfifo(tmp_path / "n.json")
    (tmp_path / "dvclive/metrics.json").symlink_to("/dev/zero")
    assert metrics(tmp_path, {"m.json": {"auc": 0.8}, "n.json": {"auc": 1}}) == {}
    assert metrics(tmp_path / "nowhere", {"m.json": {"auc": 0.8}}) == {}
