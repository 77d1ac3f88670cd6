"""A checkout that cannot be written to: questions are answered, without notes; what has to write says where it cannot."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from tests.kit import Completed, lock, mlgit, repository

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's capabilities")]
FILES = {
    "dvc.yaml": "stages:\n  a:\n    cmd: mkdir -p d && cp in d/x\n    deps: [in]\n    outs: [d]\n",
    "in": "1\n",
    "mlgit.yaml": "mlgit: 1\n",
}
ANSWERS = {("status",): 1, ("dag",): 0, ("diff",): 0, ("run", "--dry-run"): 0, ("model", "list"): 0, ("doctor",): 0}


def heed_modes():
    """Let even root be refused what the modes of files refuse (prctl PR_CAPBSET_DROP: CAP_DAC_OVERRIDE and two more)."""
    for capability in (1, 2, 3):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def ask(root, *args):
    argv = [sys.executable, "-B", "-m", "mlgit", *args]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, preexec_fn=heed_modes)
    return Completed(done.returncode, done.stdout, done.stderr)


def set_modes(root, *, folders, files):
    for at, _, names in os.walk(root, topdown=folders & 0o200 != 0):
        os.chmod(at, folders)
        for name in names:
            os.chmod(f"{at}/{name}", files)
        os.chmod(at, folders)


@pytest.fixture
def root(tmp_path):
    """A project in which one stage is stale, and nothing can be written."""
    root = repository(tmp_path / "p", FILES)
    assert mlgit(root, "run").code == 0
    (root / "in").write_text("2\n")
    set_modes(root, folders=0o555, files=0o444)
    yield root
    set_modes(root, folders=0o755, files=0o644)


def test_questions_are_answered(root):
    for args, code in ANSWERS.items():
        done = ask(root, *args)
        assert (done.code, "denied" in done.said) == (code, False), done.said
    done = ask(root, "gate")
    assert (done.code, "nothing was judged: no gate rules are declared" in done.said) == (2, True)
    done = ask(root, "run")
    assert (done.code, "run.lock: cannot be opened: Permission denied" in done.err) == (2, True)


def test_damaged_object_that_cannot_be_removed_is_not_believed(root):
    md5 = lock(root)["stages"]["a"]["outs"][0]["md5"]
    path = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    os.chmod(path, 0o644)
    path.write_bytes(b"[]")
    done = ask(root, "status")
    assert (done.code, "denied" in done.said) == (1, False), done.said
