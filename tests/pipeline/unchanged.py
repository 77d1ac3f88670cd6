"""A project of two stages, and what the answer "nothing changed" says of it."""

from __future__ import annotations

import subprocess
import sys
import time

from mlgit.adapters.system.stat_signature import RACY_NS
from mlgit.pipeline import noop

PIPELINE = """\
stages:
  clean:
    cmd: mkdir -p parts/in && cat raw.txt > parts/one && echo 2 > parts/in/two
    deps: [raw.txt]
    outs: [parts]
  train:
    cmd: cat parts/one > model.txt
    deps: [parts]
    params: [depth]
    outs: [model.txt]
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "params.yaml": "depth: 3\n",
    "raw.txt": "raw\n",
    "sub/notes.txt": "notes\n",
    ".gitignore": "/x\n",
}
# What brings in the long way: none of it may be imported for the short answer.
SLOW = {"yaml", "ruamel", "dvc", "git", "click", "rich", "numpy", "subprocess", "json", "dataclasses", "typing", "inspect"}


def answer(root):
    """The number of stages, and of frozen ones, if nothing changed; else None."""
    kept = noop.compare(root)
    return (kept.stages, kept.frozen) if kept and not kept.changed else None


def known(root, cli):
    """Ask for the status until the project's stamps are old enough to be trusted."""
    deadline = time.monotonic() + 10
    while answer(str(root)) is None:
        assert cli(root, "status").code == 0
        assert time.monotonic() < deadline
    return answer(str(root))


def edit(path, text):
    return lambda root: (root / path).write_text(text)


def age(root):
    """Wait until nothing in the project is too young for its stamp to be trusted."""
    newest = max(path.stat().st_ctime_ns for path in [root, *root.rglob("*")])
    while time.time_ns() < newest + 3 * RACY_NS:
        pass


def imported(folder, *args):
    code = (
        "import sys; from mlgit.cli.main import main; main(); print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], cwd=folder, capture_output=True, text=True, check=True)
    *said, modules = done.stdout.splitlines()
    return said, set(modules.split())
