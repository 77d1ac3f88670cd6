"""Rows in the order of time, from the file of predictions to the verdict."""

from __future__ import annotations

import pytest

from tests.gate.reviews import MODELS, RULES, judged, only, ran, rows, sources, started

pytestmark = pytest.mark.slow  # the test runs a pipeline

BY_TIME = MODELS.replace("    id: id\n", "    id: id\n    order: at\n")


def scattered(first):
    """Forty rows all over the file."""
    return {number * 89 % 400 for number in range(first, first + 40)}


def with_groups(text):
    """The same rows with the hour of each, and the patient whom five of them share."""
    head, *lines = text.splitlines()
    found = [f"{head},patient_id,at"]
    for line in lines:
        key = int(line.partition(",")[0].removeprefix("r"))
        found.append(f"{line},p{key // 5},2026-01-{1 + key // 24:02}T{key % 24:02}:00:00+01:00")
    return "\n".join(found) + "\n"


def test_time_is_read_from_the_predictions(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=BY_TIME + RULES, predictions=with_groups(rows(wrong=scattered(0))))
    ran(project, cli, sources(with_groups(rows(wrong=scattered(5), order=-1))))
    found = judged(project, cli)
    assert found["metrics"][0]["method"].startswith("block bootstrap, blocks of ")
    assert (found["tested"][0]["order"], only(found)["outcome"]) == ("at", "pass")
