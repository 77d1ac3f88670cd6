"""What users install: the wheel holds every template, and `mlgit new` finds them there."""

import os
import sys
import zipfile
from pathlib import Path

import pytest

from tests.kit import git, program

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = program(folder, argv)
    assert done.code == 0, done.said
    (found,) = folder.glob("*.whl")
    return found


def test_wheel_holds_every_file_of_every_template(wheel):
    held = {name.removeprefix("mlgit/") for name in zipfile.ZipFile(wheel).namelist() if name.startswith("mlgit/templates/")}
    assert held == set(git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "templates").splitlines())


@pytest.mark.full
def test_installed_mlgit_makes_the_same_project(wheel, tmp_path):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel]
    assert program(tmp_path, pip).code == 0
    for name, path in (("installed", site), ("checkout", ROOT)):
        call = [sys.executable, "-m", "mlgit", "new", name, "--set", "project_name=x"]
        done = program(tmp_path, call, env={"PYTHONPATH": os.fspath(path)})
        assert done.code == 0, done.said
    one, other = (git(tmp_path / name, "rev-parse", "refs/mlgit/template") for name in ("installed", "checkout"))
    assert one == other
