"""Looking a project over, from Python."""

from __future__ import annotations

from mlgit.commands.doctor import doctor
from mlgit.commands.run import run
from mlgit.errors import EXIT_NO, EXIT_YES


def test_healthy_project(notebook):
    notebook()
    run()
    found = doctor(deep=True)
    assert (found.findings, found.exit_code, found.document()["healthy"]) == ((), EXIT_YES, True)


def test_damage_is_found_and_mended(notebook):
    root = notebook()
    run()
    damaged = next(path for path in (root / ".dvc/cache/files/md5").rglob("*") if path.is_file())
    damaged.chmod(0o644)
    damaged.write_text("something else")
    found = doctor(deep=True)
    assert ([each.kind for each in found.left], found.exit_code) == (["object"], EXIT_NO)
    assert doctor(deep=True, fix=True).left == ()
