"""mlgit's own templates as an earlier version might have been, in a copy of the shelf, and what its users did."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.scaffold import library
from mlgit.scaffold.manifest import FOLDER, NAME

VERSION = "0.9.0"
# It had a file more than today, and lacked one and a feature.
MORE, LESS, LATER = "OLD.md", ".gitattributes", "agents"
CHECKOUT = re.compile(r"actions/checkout@[0-9a-f]{40} # v[\d.]+")
OLD_CHECKOUT = f"actions/checkout@{'0' * 40} # v6.0.0"
COMMENT, OLD_COMMENT = "# A change here reruns", "# What is changed here reruns"
DIRECTION, OLD_DIRECTION = "# Which way is better", "# Whether more is better"
OLD_END, OLD_DOC = "That was the end.", "Formerly: "
TRAINS = {"llm-eval": "grade.py"}  # the module whose text was another one, `train.py` elsewhere

USER_README = "Ask the team before you change anything.\n"
USER_STAGE = "  own:\n    cmd: cp params.yaml own.txt\n    deps: [params.yaml]\n    outs: [own.txt]\n"
# The template `minimal` names no model that could be judged: its users add one.
USER_MODEL = "\nmodels:\n  ridge: {metrics: metrics.json, train: [data/train.csv]}\n"
USER_GATES = "\ngates:\n  rules:\n    - {id: learns, kind: bound, metric: r2, min: 0.3, use: point}\n"
USER_TEST, DELETED = "tests/test_renamed.py", ".github/workflows/retrain.yml"
PARAMETERS = {
    "forecasting": ("max_iter: 100", "max_iter: 80"),
    "llm-eval": ("workers: 8", "workers: 4"),
    "minimal": ("alpha: 1.0", "alpha: 3.0"),
    "tabular-classification": ("C: 1.0", "C: 0.5"),
    "text-classification": ("C: 5.0", "C: 4.0"),
}


def write_today(shelf: Path) -> Path:
    """All templates as they are, in a folder of their own, instead of what was there."""
    shutil.rmtree(shelf, ignore_errors=True)
    return Path(shutil.copytree(library.shelf(), shelf))


def write_older(shelf: Path, name: str) -> Path:
    """The same, but one of the templates, and what it shares with others, is an earlier version; its folder."""
    folder = write_today(shelf) / name
    rendered = folder / FOLDER
    document = parse_yaml((folder / NAME).read_text(), name=NAME) | {"version": VERSION}
    del document["questions"]["features"]["choices"][LATER], document["parts"][LATER]
    document.pop("changes", None)
    (folder / NAME).write_text(json.dumps(document))
    (rendered / MORE).write_text("Nobody reads this.\n")
    (rendered / "dot_gitattributes").unlink()
    readme = rendered / "README.md.jinja"
    *lines, _ = readme.read_text().splitlines()
    readme.write_text("\n".join([*lines, OLD_END, ""]))
    _edit(rendered / "params.yaml", COMMENT, OLD_COMMENT)
    _edit(next(rendered.glob("mlgit.yaml*")), DIRECTION, OLD_DIRECTION)
    for path in (*rendered.glob("tests/test_*"), *rendered.glob(f"src/**/{TRAINS.get(name, 'train.py')}")):
        _edit(path, '"""', f'"""{OLD_DOC}')
    for path in shelf.glob("parts/*/files/dot_github/workflows/*"):
        path.write_text(CHECKOUT.sub(OLD_CHECKOUT, path.read_text()))
    return folder


def work(project: Path, name: str) -> None:
    """What a user does in a project of the earlier version."""
    _edit(project / "params.yaml", *PARAMETERS[name])
    _edit(project / "README.md", "\n\n", f"\n\n{USER_README}\n")
    _edit(project / "dvc.yaml", "stages:\n", f"stages:\n{USER_STAGE}\n")
    min(project.glob("tests/test_*.py")).rename(project / USER_TEST)
    (project / DELETED).unlink()
    if name == "minimal":
        with (project / "mlgit.yaml").open("a") as stream:
            stream.write(USER_MODEL + USER_GATES)


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, path
    path.write_text(text.replace(old, new, 1))
