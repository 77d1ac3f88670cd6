"""`make demo`: the main job, from end to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import FULL
from tests.kit.example import environment

DEMO = Path(__file__).parents[1] / "docs/demo.py"


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="minutes on a busy machine: `make test-full` plays it")
def test_demo_goes_through_and_says_where_its_project_is(tmp_path):
    env = {**environment(), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, DEMO], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    *lines, last = done.stdout.rstrip("\n").splitlines()
    assert last.startswith("Done in ")
    assert f"The project is in {tmp_path}/mlgit-demo-" in last
    assert {"tumor#prod#6", "tumor@v1.0.0", "tumor@v1.1.0"} <= {*lines[-20:]}, lines[-20:]
