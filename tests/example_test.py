"""The committed example project is what mlgit makes today, and it works where it lies."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.kit import example, git, mlgit
from tests.kit.once import copied

pytestmark = pytest.mark.slow

# Other processors round the last digit of a matrix product differently; all that is trained then has other bytes.
TRAINED = ("models/model.skops", "reports/predictions.csv", "reports/metrics.json", "reports/roc.csv")
# The card is made of them.
CARD = ("cards/tumor.md", "cards/tumor/calibration.svg", "cards/tumor/confusion.svg", "cards/tumor/roc.svg")


def _without_trained_digests(lock: str) -> str:
    for path in TRAINED:
        lock = re.sub(rf"(- path: {re.escape(path)}\n      hash: md5\n)      md5: \w+\n      size: \d+\n", r"\1", lock)
    return lock


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, example_that_ran: Path) -> dict[str, bytes]:
    return example.files(example.add_card(copied(example_that_ran, tmp_path_factory.mktemp("example") / "copy")))


def _committed() -> dict[str, bytes]:
    tracked = git(example.COMMITTED, "ls-files", "-z").split("\0")
    return {path: (example.COMMITTED / path).read_bytes() for path in tracked if path}


def test_example_holds_the_files_that_mlgit_makes(made):
    assert sorted(_committed()) == sorted(made)


def test_every_file_that_is_not_trained_is_identical(made):
    committed = _committed()
    trained = (*TRAINED, *CARD, "dvc.lock")
    differing = [path for path in made if path not in trained and committed[path] != made[path]]
    assert differing == []


def test_lock_is_identical_up_to_what_is_trained(made):
    committed = _committed()["dvc.lock"].decode()
    assert _without_trained_digests(committed) == _without_trained_digests(made["dvc.lock"].decode())


def test_card_is_identical_where_the_model_is(made):
    committed = _committed()
    same = committed["dvc.lock"] == made["dvc.lock"]
    assert [path for path in CARD if not committed[path]] == []
    assert [path for path in CARD if same and committed[path] != made[path]] == []


def test_metrics_are_those_of_today(made):
    committed = json.loads(_committed()["reports/metrics.json"])
    assert json.loads(made["reports/metrics.json"]) == pytest.approx(committed, abs=1e-4)


def test_run_works_in_place_in_a_subfolder_of_a_repository(tmp_path: Path, example_that_ran: Path):
    git(tmp_path, "init", "--quiet")
    for path, content in _committed().items():
        target = tmp_path / "example-project" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    git(tmp_path, "add", "--all")
    # of a cache that has all but the first result, so that one stage runs here
    shutil.copytree(example_that_ran / ".dvc/cache", tmp_path / "example-project/.dvc/cache")
    shutil.copy(example_that_ran / "dvc.lock", tmp_path / "example-project")
    example.forget(tmp_path / "example-project", "data/raw.csv")
    done = mlgit(tmp_path / "example-project", "run", "--json", env=example.environment())
    counts = done.json["counts"]
    # the validation report is committed and still right
    assert (done.code, counts["ran"], counts["restored"], counts["unchanged"]) == (0, 1, 3, 1)
    same = (tmp_path / "example-project" / "dvc.lock").read_bytes() == _committed()["dvc.lock"]
    checked = mlgit(tmp_path / "example-project", "card", "check", env=example.environment())
    assert checked.code == (0 if same else 1), checked.said
