"""The first `mlgit.yaml` of a project that was there before: what its files say, and the lines people may add.

What one name or one file can only mean is written; all else stands behind a `#`. Taking `# ` away from any one line
leaves the file valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlgit.render.yaml_text import key
from mlgit.scaffold import metric_names

# A name that YAML takes for text without quotes; true, false, null, yes and numbers are not among them.
_MOST_RULES = 5
_MOST_CONTRACTS = 5

_HEAD = """\
# yaml-language-server: $schema=./.mlgit.schema.json
mlgit: 1
"""

_NO_METRICS = """
# No metric could be read yet. Once there are any, `mlgit init` fills this file in, as long as nobody has changed it.
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What could be read of a project: its models, its metrics by file, and the columns of the tables its stages make.

    `name` is what its model is called when no artifact is declared; `others` are artifacts that are no models; `data` are the
    tables that no stage makes.
    """

    artifacts: tuple[str, ...] = ()
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = "model"
    others: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


def draft(known: Known) -> str:
    """The text of mlgit.yaml; it is valid as it stands."""
    if not any(known.metrics.values()) and not known.artifacts:
        return _HEAD + _NO_METRICS + _data(known)
    chosen = {name: _chosen_file(name, known) for name in known.artifacts or (known.name,)}
    gates = _gates(known, [file for file in chosen.values() if file])
    return _HEAD + _metrics(known) + _models(known, chosen) + gates + _data(known)


def rules_in(known: Known) -> int:
    """How many rules the draft holds: without any, there is nothing to judge by yet."""
    files = [file for file in (_chosen_file(name, known) for name in known.artifacts or (known.name,)) if file]
    return len(_judged(known, files))


def contracts(known: Known) -> dict[str, str]:
    """The file of a contract for each table that comes in, none of them written yet; of two with one name, for the first."""
    found: dict[str, str] = {}
    for path in known.data:
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.rpartition("/")[2].partition(".")[0]).strip("-") or "data"
        if f"schemas/{name}.odcs.yaml" not in found.values():
            found[path] = f"schemas/{name}.odcs.yaml"
    return found


def _data(known: Known) -> str:
    offered = [*contracts(known).items()][:_MOST_CONTRACTS]
    if not offered:
        return ""
    listed = ", ".join(f"{key(path)}: {key(file)}" for path, file in offered)
    why = "# What data must be: `mlgit data infer PATH -o FILE` drafts it, and `mlgit data check` judges by it."
    return f"\n{why}\n# data: {{{listed}}}\n"


def _metrics(known: Known) -> str:
    names = sorted({name for names in known.metrics.values() for name in names})
    if not names:
        return _NO_METRICS
    sure = [name for name in names if metric_names.direction(name)]
    doubtful = [name for name in names if name not in sure]
    lines = [] if not sure else ["", "# Which way is better.", "metrics:"]
    lines += [f"  {key(name)}: {{direction: {metric_names.direction(name)}}}" for name in sure]
    if doubtful:
        lines += [] if sure else ["", "metrics:"]
        lines += ["  # Their names do not tell; write the right word, and take the `# ` away:"]
        lines += [f"  # {key(name)}: {{direction: higher}}  # or lower" for name in doubtful]
    return "\n".join(lines) + "\n"


def _models(known: Known, chosen: Mapping[str, str]) -> str:
    why = "`artifacts:` of dvc.yaml" if known.artifacts else "the folder; an artifact in dvc.yaml gives it a path to register"
    blocks = "".join(_model(name, file, known) for name, file in chosen.items())
    others = f"# No models: {_one_line(', '.join(known.others))}.\n" if known.others else ""
    return f"\n# What belongs to each model. Its name is from {why}.\n{others}models:\n{blocks}"


def _model(name: str, file: str, known: Known) -> str:
    lines = [f"  {key(name)}:"]
    if file:
        lines.append(f"    metrics: {key(file)}")
    else:
        choice = ", ".join(known.metrics) or "none could be read yet"
        lines.append(f"    # metrics: {key(next(iter(known.metrics), 'METRICS-FILE'))}  # of: {_one_line(choice)}")
    tables = [path for path, columns in known.tables.items() if {"label", "prediction"} <= set(columns)]
    if len(tables) == 1 and len(known.artifacts) < 2:
        lines.append(f"    predictions: {key(tables[0])}")
        has_id = "id" in known.tables[tables[0]]
        lines.append("    id: id" if has_id else "    # id: COLUMN  # that names a row")
    else:
        lines.append("    # predictions: TABLE  # an output with one row per test row: id, label, prediction, score")
        lines.append("    # id: COLUMN  # that names a row")
    lines += ["    # train: [TABLE]  # what it learnt from", "    # test: [TABLE]  # what it is judged on"]
    if not any(line.startswith("    ") and not line.startswith("    #") for line in lines):
        path = name.replace(":", "/")
        lines.append(f"    card: {{notes: {key(f'cards/{path}.yaml')}, out: {key(f'cards/{path}.md')}}}")
    return "\n".join(lines) + "\n"


def _chosen_file(name: str, known: Known) -> str:
    """The metrics of a model: the only file below its dvc.yaml, or with a clear direction, or of these not of training."""
    folder = name.rpartition(":")[0]
    rivals = [each for each in known.artifacts if each != name and each.rpartition(":")[0] == folder]
    near = [path for path in known.metrics if not folder or path.startswith(f"{folder}/")]
    if rivals or (not folder and len(known.artifacts) > 1):
        return ""
    told = [path for path in near if any(map(metric_names.direction, known.metrics[path]))]
    tested = next((one for one in (near, told) if len(one) == 1), [path for path in told if not metric_names.of_training(path)])
    return tested[0] if len(tested) == 1 else ""


def _judged(known: Known, files: list[str]) -> list[str]:
    names = sorted({name for file in files for name in known.metrics[file] if metric_names.direction(name)})
    tested = [name for name in names if not metric_names.of_training(name)]
    return (tested or names)[:_MOST_RULES]


def _gates(known: Known, files: list[str]) -> str:
    rules = _rules(_judged(known, files))
    if rules:
        return (
            "\n# When a change may be merged. How much may be lost is yours to say: 2% of the value is a start;\n"
            f"# `mlgit gate suggest` says what the test rows can support.\ngates:\n  rules:\n{''.join(rules)}"
        )
    return (
        "\n# When a change may be merged; `mlgit gate suggest` says which margins the test rows can support.\ngates:\n"
        "  baseline: {ref: merge-base}  # what a change is compared with\n"
        "  # rules: [{id: no-worse, kind: no_worse, metric: METRIC, margin: 2%}]\n"
    )


def _rules(names: list[str]) -> list[str]:
    """A line for each metric; of names that differ in signs only, each has an id of its own."""
    rules: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "metric"
        identity = f"{plain}-no-worse" if f"{plain}-no-worse" not in rules else f"{plain}-no-worse-{len(rules) + 1}"
        rules[identity] = f"    - {{id: {key(identity)}, kind: no_worse, metric: {key(name)}, margin: 2%}}\n"
    return [*rules.values()]


def _one_line(text: str) -> str:
    """Paths for a comment: nothing in them may end it."""
    return "".join(char if char.isprintable() else "?" for char in text)
