"""Every order and subset of link types leaves the files that DVC leaves: by run, by restoring, and by add."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.kit import FULL
from tests.pipeline import links

SOME = ["reflink", "symlink", "hardlink,copy", *links.drawn(1, 2)]
MEMORY = Path("/dev/shm")  # another file system than that of temporary folders, on most machines


@pytest.fixture
def far(tmp_path):
    """Two places for caches, on another file system than the projects."""
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev or not os.access(MEMORY, os.W_OK):
        pytest.skip("only one file system here")
    place = Path(tempfile.mkdtemp(dir=MEMORY))
    yield place / "a", place / "b"
    shutil.rmtree(place)


@pytest.mark.slow
@pytest.mark.parametrize("types", links.CONFIGURATIONS if FULL else SOME)
def test_runs_and_restored_results_are_linked_as_by_dvc(tmp_path, types):

    links.run(*(links.project(tmp_path / name, types=types) for name in "ab"), refused=types == "reflink")


@pytest.mark.slow
@pytest.mark.parametrize("types", links.CONFIGURATIONS if FULL else SOME)
def test_added_data_are_linked_as_by_dvc(tmp_path, types):
    links.add(*(links.project(tmp_path / name, types=types) for name in "ab"))


@pytest.mark.slow
@pytest.mark.parametrize("types", links.CONFIGURATIONS if FULL else ["hardlink", "reflink,hardlink", "hardlink,symlink,copy"])
def test_cache_on_another_file_system_is_linked_as_by_dvc(tmp_path, far, types):
    made = [links.project(tmp_path / cache.name, types=types, cache=cache) for cache in far]
    links.run(*made, caches=far, refused=set(types.split(",")) <= {"reflink", "hardlink"})


@pytest.mark.slow
@pytest.mark.parametrize("types", links.CONFIGURATIONS if FULL else ["reflink", "hardlink", "hardlink,symlink"])
def test_data_are_added_to_a_cache_on_another_file_system_as_by_dvc(tmp_path, far, types):
    links.add(*(links.project(tmp_path / cache.name, types=types, cache=cache) for cache in far), caches=far)
