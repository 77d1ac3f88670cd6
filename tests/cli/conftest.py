"""Projects that the tests of commands share."""

from __future__ import annotations

import pytest

from tests.pipeline.counting import Pipeline


@pytest.fixture
def pipeline(tmp_path, cli):
    return Pipeline(tmp_path, cli)


@pytest.fixture
def done(pipeline):
    """The pipeline after a first run."""
    assert pipeline("run").code == 0
    assert pipeline.ran() == ["prepare", "train", "evaluate", "report"]
    return pipeline
