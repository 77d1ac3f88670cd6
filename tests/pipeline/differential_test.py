"""`mlgit run` and `dvc repro` leave the same bytes, whatever the pipeline and whatever happens to it."""

from __future__ import annotations

import pytest

from tests.conftest import FULL
from tests.pipeline.differential import compare, prepare, steps

pytestmark = pytest.mark.slow  # real repositories, many times

SEEDS = range(300) if FULL else [14]


def check(folder, seed, count=None):
    """Hold both programs against each other over the steps of a seed."""
    made, ours, theirs = prepare(folder, seed)
    always = "always_changed: true" in "".join(made.files.values())
    for name, change in steps(made, seed)[:count]:
        change(ours)
        change(theirs)
        try:
            if not compare(ours, theirs, always=always):
                return
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step '{name}': {error}") from error


@pytest.mark.parametrize("seed", [1001, 1002])
def test_run_leaves_what_dvc_repro_leaves(tmp_path, seed):
    check(tmp_path, seed, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_run_leaves_what_dvc_repro_leaves_after_every_change(tmp_path, seed):
    check(tmp_path, seed)
