"""The first `mlgit.yaml` of a project that was there before: what its dvc.yaml says, and the lines people have to fill in.

Nothing is guessed: what is not declared or read stands behind a `#`, as the line to write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlgit.scaffold.filters import yaml

# A name that YAML takes for text without quotes; true, false, null and numbers are not among them.
_PLAIN = re.compile(r"(?!(?:true|false|null)$)[A-Za-z_][\w./-]*", re.IGNORECASE | re.ASCII)

_HEAD = """\
# yaml-language-server: $schema=./.mlgit.schema.json
mlgit: 1
"""

_NO_METRICS = """
# Which way is better? Nothing is guessed from a name. Metrics of dvc.yaml, once there are any:
# metrics:
#   accuracy: {direction: higher}
"""

_NO_MODELS = """
# No artifact is declared in dvc.yaml. With `artifacts: {NAME: {path: PATH-OF-THE-MODEL, type: model}}` there:
# models:
#   NAME: {metrics: METRICS-FILE, predictions: TABLE, id: COLUMN}
"""

_GATES = """
# When a change is good enough; `mlgit gate suggest` says which margins the test rows can support.
# gates:
#   rules:
#     - {id: no-worse, kind: no_worse, metric: METRIC, margin: MARGIN}
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What could be read of a project: its artifacts, its metrics by file, and the columns of the tables its stages make."""

    artifacts: tuple[str, ...] = ()
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def draft(known: Known) -> str:
    """The text of mlgit.yaml; it is valid as it stands."""
    return _HEAD + _metrics(known) + _models(known) + _GATES


def _metrics(known: Known) -> str:
    names = sorted({name for names in known.metrics.values() for name in names})
    if not names:
        return _NO_METRICS
    lines = "".join(f"#   {_text(name)}: {{direction: higher}}  # or lower\n" for name in names)
    return (
        "\n# Which way is better? Nothing is guessed from a name: write the right word, and take the `#` away.\n"
        f"# metrics:\n{lines}"
    )


def _models(known: Known) -> str:
    if not known.artifacts:
        return _NO_MODELS
    blocks = "".join(_model(name, known) for name in known.artifacts)
    return f"\n# What belongs to the models that dvc.yaml names under `artifacts:`.\nmodels:\n{blocks}"


def _model(name: str, known: Known) -> str:
    lines = [f"  {_text(name)}:"]
    found = 0
    if len(known.metrics) == 1 and len(known.artifacts) == 1:
        lines.append(f"    metrics: {_text(next(iter(known.metrics)))}")
        found += 1
    else:
        choice = ", ".join(known.metrics) or "none in dvc.yaml yet"
        lines.append(f"    # metrics: METRICS-FILE  # of: {_one_line(choice)}")
    tables = [path for path, columns in known.tables.items() if {"label", "prediction"} <= set(columns)]
    if len(tables) == 1 and len(known.artifacts) == 1:
        lines.append(f"    predictions: {_text(tables[0])}")
        has_id = "id" in known.tables[tables[0]]
        lines.append("    id: id" if has_id else "    # id: COLUMN  # that names a row")
        found += 1
    else:
        lines.append("    # predictions: TABLE  # an output with one row per test row: id, label, prediction, score")
        lines.append("    # id: COLUMN  # that names a row")
    if not found:
        lines[0] += " {}"
    lines += ["    # train: [TABLE]  # what it learnt from", "    # test: [TABLE]  # what it is judged on"]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    """Paths for a comment: nothing in them may end it."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _text(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else yaml(value)
