"""The import law: who may import whom, as a table, and proof that breaking it is noticed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mlgit
from tests.kit import write_tree
from tests.kit.imports import Law, imports, modules, violations

pytestmark = pytest.mark.slow  # all of the source is read

# Each room, from the bottom up, and the rooms below it whose modules it may import.
SYSTEM, GIT, FORMATS, DVC = "adapters.system", "adapters.git", "adapters.formats", "adapters.dvc"
DUCKDB = "adapters.duckdb"
ADAPTERS = {SYSTEM, GIT, FORMATS, DVC, DUCKDB, "adapters.modelscan", "adapters.forge"}
ROOMS = {
    SYSTEM: set(),
    GIT: {SYSTEM},
    FORMATS: {SYSTEM},
    DVC: {SYSTEM, GIT, FORMATS},
    "adapters.modelscan": {SYSTEM},
    "adapters.forge": {SYSTEM},
    DUCKDB: {SYSTEM},
    "statistics": set(),
    "tables": {"statistics"},
    "validation": {"tables"},
    "executors": set(),
    "scaffold": set(),
    "pipeline": {"executors"},
    "revision": {"pipeline", "tables"},
    "evaluation": {"pipeline", "revision", "statistics", "tables"},
    "diff": {"evaluation", "pipeline", "revision", "tables", "validation"},
    "gate": {"evaluation", "pipeline", "revision", "statistics", "tables", "validation"},
    "registry": {"gate", "pipeline", "revision", "tables"},
    "serving": {"evaluation", "pipeline", "registry", "revision", "statistics", "tables", "validation"},
    "monitoring": {"evaluation", "gate", "registry", "revision", "serving", "statistics", "tables", "validation"},
    "experiments": {"evaluation", "pipeline", "revision", "statistics", "tables"},
    "tracking": {"experiments", "registry"},
    "report": {"diff", "evaluation", "experiments", "gate", "monitoring", "pipeline", "revision", "tables", "validation"},
    "cards": {"evaluation", "experiments", "pipeline", "registry", "revision", "statistics", "tables"},
    "commands": {
        *("cards", "diff", "evaluation", "executors", "gate", "pipeline", "registry", "report", "revision", "scaffold"),
        *("experiments", "monitoring", "serving", "statistics", "tables", "tracking", "validation"),
    },
}

# The modules that touch files, Git, processes, network, clock or random numbers. Every other module of a room is pure.
DOORS = {
    "pipeline": {
        *("lock_writer", "checkup", "ledger", "noop", "outputs", "resolved", "run", "searched", "sources", "storing"),
        *("timings", "track"),
    },
    "executors": {
        *("dask.client", "dask.executor", "dask.local_cluster", "dask.project", "dask.stage_process", "dask.worker"),
        *("followed", "forked", "local"),
    },
    "tables": {
        *("candidates", "chunks", "digests", "outline", "overlap", "parquet", "profile", "selection", "small"),
        *("textcolumns", "arrow_columns", "arrow_csv", "whole"),
    },
    "revision": {
        *("baselines", "collect", "comparison_start", "contents", "data_files", "data_tables", "fetching", "revision"),
        "revisions",
    },
    "evaluation": {"judging_code", "leakage", "predictions", "reevaluate", "test_set_reuse"},
    "cards": {"write"},
    "registry": {
        *("approvals", "counterpart", "deliver", "commit_facts", "event_cache", "leakage", "policies", "problems", "publish"),
        *("read", "rebuild", "substitutes", "locations", "git_provenance"),
    },
    "report": {"post", "proposal"},
    "tracking": {
        *(
            "addresses",
            "artifact_repository",
            "experiment_methods",
            "model_methods",
            "opened_runs",
            "registry_store",
            "released_files",
        ),
        "tracking_store",
    },
    "serving": {
        *(
            "function_predictor",
            "access_log",
            "admin",
            "app",
            "batching",
            "connection",
            "control",
            "exchange",
            "lanes",
            "listening",
            "metrics",
        ),
        *("faults", "recording", "server", "supervisor", "worker", "worker_process"),
        *("load", "log_index", "log_packing", "log_reader", "log_tail", "log_writer", "follow", "followed_remote"),
        "package.layout_file",
        "release_code",
        "release_folder",
        "release_store",
        "released_rows",
    },
    "monitoring": {
        *("labels", "last_run", "pushgateway", "verdict_refs", "verdict_sync"),
        *("reference_data", "reference_versions", "window_files", "window_log", "window_paths", "window_query", "windows"),
    },
    "validation": {"judge", "profiling", "samples", "source"},
    "experiments": {
        *("trial_workers", "links", "queue", "runner", "trial_commits", "worktrees"),
        *("samplers", "tpe", "trial_refs", "trial_values"),
        *(
            "live_runs",
            "logged_models",
            "record_refs",
            "run_artifacts",
            "run_code",
            "run_experiments",
            "run_sealing",
            "run_spool",
        ),
        "runs",
    },
    "scaffold": {
        "adopt",
        "create",
        "kept_form",
        "library",
        "neighbours",
        "pristine",
        "sources",
        "surroundings",
        "switch",
        "update",
    },
}

LAW = Law(
    rooms=ROOMS,
    doors=DOORS,
    leaves={
        "errors": set(),
        "lazy_numpy": set(),
        "render": {"errors"},
        "schema": {"errors"},
        # the grammar of gates: read with mlgit.yaml, and known to every room that judges
        "rules": {"errors", "schema"},
        "serving_settings": {"errors", "schema"},
        "monitoring_settings": {"errors", "schema"},
        "config": {"errors", "schema", "rules", "monitoring_settings", "serving_settings"},
        "project": {"errors", "schema", "render", "config", *ADAPTERS},
    },
    for_pure={"errors", "lazy_numpy", "schema", "render", "rules", "config", "monitoring_settings", "serving_settings"},
    for_doors={"project"},
    # The way in and the end of every error: they answer before a command is imported, or where none can.
    starts={"cli.main", "cli.error_boundary"},
    lazy={
        "adapters.formats.documents",
        # what judges rows and reads tables, for where there are some
        *("evaluation.leakage", "evaluation.metric_evidence", "evaluation.model_pair", "gate.judge", "lazy_numpy"),
        "statistics.distributions",
        *(
            "serving.estimator",
            "serving.function_predictor",
            "serving.text_patterns",
        ),  # the libraries that a model is made of, and RE2
        "adapters.system.installation",  # asks the metadata of the installed package
        "commands.diff",
        "commands.review",
        "commands.plots",
        "cli.error_boundary",
        "cli.group",
        "cli.main",
        "commands.candidates",
        *("commands.contract_data", "commands.window_contract"),
        "experiments.trial_refs",  # opens commits that nobody has read yet
        "commands.open_project",
        "commands.policy_inputs",
        "commands.run",
        "executors.table",
        "commands.serve",  # a server is made of an extra
        "project",
        "tracking.plugin",  # loaded by every process that imports MLflow
        "tables.selection",  # numpy and Arrow for tables that are large
        "serving.table_bodies",  # Arrow for requests in Parquet
    },
    late={
        # slow to import, so a command that does without pays nothing
        *("sqlite3", "getpass", "difflib"),
        *("_duckdb", "duckdb"),
        *("dvc", "dvc_data", "dvc_objects", "dulwich", "git", "gitdb", "logging", "ruamel", "rich", "tomlkit"),
        *("numpy", "pandas", "scipy", "sklearn", "skops", "shutil", "tempfile", "tomllib", "traceback"),
        # optional
        *(
            "dask",
            "distributed",
            "fastapi",
            "uvicorn",
            "starlette",
            "uvicorn",
            "uvloop",
            "orjson",
            "prometheus_client",
            *("mlflow", "optuna"),
            "cryptography",
            "pyarrow",
        ),
        *("requests", "sqlalchemy", "asyncio", "ctypes"),
    },
    outside={
        *("subprocess", "socket", "shutil", "tempfile", "random", "secrets", "uuid", "urllib", "http", "fcntl", "signal"),
        *(
            "ctypes",
            "multiprocessing",
            "threading",
            "asyncio",
            "getpass",
            "platform",
            "glob",
            "fileinput",
            "sqlite3",
            "logging",
        ),
        *("git", "gitdb", "dvc", "dvc_data", "dvc_objects", "requests", "dask", "distributed", "fastapi", "uvicorn", "psutil"),
    },
    tolerated=set(),
)

# A small house that keeps the law; each test below adds the one file that breaks it.
HOUSE = {
    "__init__.py": "",
    "errors.py": "",
    "schema.py": "from mlgit.errors import MlgitError\n",
    "project.py": "from mlgit.adapters.system import files\n",
    "render/text.py": "from mlgit.errors import MlgitError\n",
    "render/table.py": "from mlgit.render.text import plain\n",
    "adapters/system/files.py": "from mlgit.errors import MlgitError\n",
    "adapters/dvc/internals.py": "from mlgit.adapters.system import files\n\ndef f():\n    import dvc.repo\n",
    "executors/protocol.py": "from pathlib import Path\n",
    "executors/local.py": "from mlgit.adapters.system import files\n",
    "executors/table.py": "def make():\n    from mlgit.executors.local import Local\n",
    "pipeline/graph.py": "import os\nfrom mlgit.schema import check\n\nNAME = os.path.join('a', 'b')\n",
    "pipeline/run.py": "from mlgit import project\nfrom mlgit.executors import protocol\nfrom mlgit.pipeline import graph\n",
    "gate/table.py": "from mlgit.render import text\n",
    "statistics/bootstrap.py": "import math\n",
    "gate/judge.py": "from mlgit.statistics.bootstrap import interval\nfrom mlgit.pipeline.graph import Graph\n",
    "gate/review.py": "",
    "commands/run.py": "from mlgit import project\nfrom mlgit.pipeline.run import execute\n",
    "cli/run.py": "import click\nfrom mlgit.commands import run\nfrom mlgit.pipeline.graph import Graph\nprint('done')\n",
    "cli/main.py": "from mlgit.pipeline import run\n",
}
SMALL = Law(
    rooms=ROOMS,
    doors={"pipeline": {"run", "other"}, "executors": {"local"}},
    leaves=LAW.leaves,
    for_pure=LAW.for_pure,
    for_doors=LAW.for_doors,
    lazy=LAW.lazy,
    late=LAW.late,
    outside=LAW.outside,
    starts=LAW.starts,
)
SMALL_WITHOUT_OTHER = "door pipeline.other of the table does not exist"


def test_mlgit_keeps_the_law():
    assert violations(Path(mlgit.__file__).parent, LAW) == []


def test_every_tolerated_breach_still_exists():
    found = {(each.importer, each.imported.removeprefix("mlgit.")) for each in imports(modules(Path(mlgit.__file__).parent))}
    assert found >= LAW.tolerated


def test_drawing_of_the_rooms_has_each_above_those_it_may_import():
    page = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawing = page.partition("## The rooms")[2].partition("```text\n")[2].partition("```")[0]
    floors = {room: floor for floor, line in enumerate(drawing.splitlines()) for room in line.split()}
    assert floors.keys() == ROOMS.keys() | LAW.leaves.keys() | {"cli"}
    assert [(room, below) for room, lower in ROOMS.items() for below in lower if floors[below] <= floors[room]] == []


def test_house_of_this_test_keeps_the_law(tmp_path):
    assert violations(write_tree(tmp_path / "mlgit", HOUSE), SMALL) == [SMALL_WITHOUT_OTHER]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("adapters/system/files.py", "from mlgit.schema import check\n", "adapters import errors and the adapters below them"),
        ("adapters/system/files.py", "from mlgit.adapters.dvc import internals\n", "adapters.dvc is not below adapters.system"),
        ("cli/run.py", "from mlgit.pipeline import run\n", "the command line opens no door"),
        ("cli/run.py", "from mlgit.adapters.system.files import read\n", "the command line opens no door"),
        ("cli/run.py", "from mlgit import project\n", "the command line opens no door"),
        ("cli/model/show.py", "def f():\n    from mlgit.executors.local import Local\n", "the command line opens no door"),
        ("commands/run.py", "import click\n", "only cli speaks to the user"),
        ("adapters/files.py", "", "no room or top-level module of the table"),
        ("adapters/system/files.py", "from mlgit.cli import run\n", "nothing imports cli"),
        ("pipeline/graph.py", "from mlgit.adapters.system import files\n", "only a door imports adapters"),
        ("pipeline/graph.py", "from mlgit.adapters.system.files import read\n", "only a door imports adapters"),
        ("pipeline/graph.py", "import mlgit.adapters.system.files\n", "only a door imports adapters"),
        ("pipeline/graph.py", "from ..adapters.system import files\n", "only a door imports adapters"),
        ("pipeline/graph.py", "from .run import execute\n", "a door, which no pure module opens"),
        ("pipeline/graph.py", "from mlgit.project import Project\n", "not for this kind of module"),
        ("pipeline/graph.py", "from mlgit.gate.review import Review\n", "gate is not below pipeline"),
        ("pipeline/graph.py", "from mlgit.executors.local import Local\n", "a door, which no pure module opens"),
        (
            "pipeline/graph.py",
            "if TYPE_CHECKING:\n    from mlgit.pipeline.run import execute\n",
            "a door, which no pure module opens",
        ),
        ("pipeline/graph.py", "def f():\n    from mlgit.schema import check\n", "inside a function"),
        ("pipeline/graph.py", "class A:\n    def f(self):\n        import mlgit.schema\n", "inside a function"),
        ("pipeline/graph.py", "def f():\n    import pandas\n", "not in the list of slow packages"),
        ("pipeline/run.py", "def f():\n    import json\n", "not in the list of slow packages"),
        ("pipeline/graph.py", "import importlib\n", "imports are written down"),
        ("pipeline/graph.py", "import subprocess\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "text = open('a').read()\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "import time\nnow = time.time()\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "import os\nfound = os.environ.get('A')\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "import os\nfound = os.path.exists('A')\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "from datetime import date\nnow = date.today()\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "print('a')\n", "nothing below cli prints"),
        ("adapters/system/files.py", "import sys\nsys.stdout.write('a')\n", "nothing below cli prints"),
        ("adapters/system/files.py", "import click\n", "only cli speaks to the user"),
        ("adapters/system/files.py", "def f():\n    from rich import console\n", "only cli speaks to the user"),
        ("schema.py", "from mlgit.pipeline.graph import Graph\n", "above its place"),
        ("errors.py", "from mlgit.schema import check\n", "above its place"),
        ("render/text.py", "from mlgit.schema import check\n", "above its place"),
        ("render/text.py", "from mlgit.pipeline.graph import Graph\n", "above its place"),
        ("schema.py", "from mlgit.render.text import plain\n", "above its place"),
        (
            "adapters/system/files.py",
            "from mlgit.render.text import plain\n",
            "adapters import errors and the adapters below them",
        ),
        ("render/text.py", "print('a')\n", "nothing below cli prints"),
        ("helpers/text.py", "", "no room or top-level module of the table"),
        ("text.py", "", "no room or top-level module of the table"),
    ],
)
def test_breach_is_reported(tmp_path, path, text, said):
    house = write_tree(tmp_path / "mlgit", {**HOUSE, path: text})
    found = violations(house, SMALL)
    assert [line for line in found if path.removesuffix(".py") in line and said in line], found


def test_cycle_is_reported_once(tmp_path):
    files = {
        "__init__.py": "",
        **{f"pipeline/{one}.py": f"from mlgit.pipeline import {other}\n" for one, other in ("ab", "bc", "ca")},
    }
    house = write_tree(tmp_path / "mlgit", {**files, "pipeline/run.py": "", "pipeline/other.py": ""})
    assert violations(house, SMALL) == ["import cycle: pipeline.a -> pipeline.b -> pipeline.c -> pipeline.a"]


def test_module_named_like_a_member_counts_as_the_module(tmp_path):
    house = write_tree(tmp_path / "mlgit", {"pipeline/graph.py": "from mlgit.pipeline import model\n", "pipeline/model.py": ""})
    assert [each.imported for each in imports(modules(house))] == ["mlgit.pipeline.model"]


# Who may open a pipeline or the contents of a revision: all others are given a `Revision`.
OPENERS = {"revision.revision", "pipeline.checkup", "commands.open_project", "commands.add", "commands.doctor"}
_OPENING = {"WorkspaceFiles", "CommitFiles", "Contents", "load"}


def openers(trees):
    """The modules that call what opens pipelines and contents, imported from where it is defined."""
    found = set()
    for name, tree in trees.items():
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and node.module in ("mlgit.pipeline.load", "mlgit.pipeline.sources", "mlgit.revision.contents")
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                is_ours = called in imported or (
                    isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "sources"
                )
                found |= {name} if called in _OPENING and is_ours else set()
    return found


def test_revisions_are_opened_in_one_place():
    assert openers(modules(Path(mlgit.__file__).parent)) == OPENERS


def test_private_opening_is_noticed():
    text = "from mlgit.pipeline.load import load\nfrom mlgit.pipeline import sources\n"
    assert openers({"gate.judge": ast.parse(text + "load(1)")}) == {"gate.judge"}
    assert openers({"gate.judge": ast.parse(text + "sources.CommitFiles(1)")}) == {"gate.judge"}
    assert openers({"gate.judge": ast.parse("json.load(1)\nmarshal.load(2)")}) == set()
