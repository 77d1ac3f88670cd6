"""The import law: who may import whom, as a table. That breaking it is noticed shows `import_breaches_test`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mlgit
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
        *("baselines", "collect", "comparison_start", "contents", "data_files", "data_tables", "fetching", "prediction_paths"),
        *("revision", "revisions"),
    },
    "evaluation": {"judging_code", "leakage", "predictions", "reevaluate", "test_set_reuse"},
    "cards": {"write"},
    "registry": {
        *("approvals", "counterpart", "deliver", "commit_facts", "event_cache", "leakage", "policies", "problems", "publish"),
        *("read", "rebuild", "substitutes", "locations", "git_provenance"),
    },
    "report": {"post", "proposal"},
    "tracking": {
        *("addresses", "artifact_repository", "experiment_methods", "model_methods", "opened_runs", "registry_store"),
        *("released_files",),
        "tracking_store",
    },
    "serving": {
        *("function_predictor", "access_log", "admin", "app", "batching", "connection", "control", "exchange", "lanes"),
        *("listening", "metrics"),
        *("faults", "recording", "server", "supervisor", "worker", "worker_process"),
        *("load", "log_index", "log_packing", "log_reader", "log_tail", "log_writer", "follow", "followed_remote"),
        *("package.layout_file", "release_code", "release_folder", "release_store", "released_rows"),
    },
    "monitoring": {
        *("labels", "last_run", "pushgateway", "verdict_refs", "verdict_sync"),
        *("reference_data", "reference_versions", "window_files", "window_log", "window_paths", "window_query", "windows"),
    },
    "validation": {"judge", "profiling", "samples", "source"},
    "experiments": {
        *("trial_workers", "links", "queue", "runner", "trial_commits", "worktrees"),
        *("live_values", "runs_of_trials", "samplers", "tpe", "trial_refs", "trial_values"),
        *(
            "live_runs",
            "logged_models",
            "record_index",
            "record_refs",
            "run_artifacts",
            "run_code",
            "run_experiments",
            "run_sealing",
        ),
        *("run_spool", "run_sync", "run_transfer", "runs"),
        *("local_artifacts", "mlflow_files", "mlflow_rest", "mlflow_server", "mlflow_sqlite", "run_import"),
        *("dvclive_runs", "mlflow_export", "trial_import", "trial_exchange"),
    },
    "scaffold": {
        *("adopt", "create", "kept_form", "library", "neighbours", "pristine", "sources", "surroundings", "switch", "update"),
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
        "gate_tables": {"schema"},
        "rules": {"errors", "gate_tables", "schema"},
        "metric_settings": {"errors", "schema"},
        "model_settings": {"errors", "schema", "metric_settings", "monitoring_settings"},
        "serving_settings": {"errors", "schema"},
        "monitoring_settings": {"errors", "schema"},
        "config": {
            *("errors", "schema", "gate_tables", "rules", "metric_settings", "model_settings"),
            *("monitoring_settings", "serving_settings"),
        },
        "project": {"errors", "schema", "render", "config", *ADAPTERS},
    },
    for_pure={
        *("errors", "lazy_numpy", "schema", "render", "gate_tables", "rules", "config"),
        *("metric_settings", "model_settings", "monitoring_settings", "serving_settings"),
    },
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
        "commands.exp_trials",  # reads runs only where a trial runs
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
        *("dask", "distributed", "fastapi", "uvicorn", "starlette", "uvicorn", "uvloop", "orjson", "prometheus_client"),
        *("mlflow", "optuna", "cryptography", "pyarrow"),
        *("requests", "sqlalchemy", "asyncio", "ctypes"),
    },
    outside={
        *("subprocess", "socket", "shutil", "tempfile", "random", "secrets", "uuid", "urllib", "http", "fcntl", "signal"),
        *("ctypes", "multiprocessing", "threading", "asyncio", "getpass", "platform", "glob", "fileinput", "sqlite3"),
        *("logging",),
        *("git", "gitdb", "dvc", "dvc_data", "dvc_objects", "requests", "dask", "distributed", "fastapi", "uvicorn", "psutil"),
    },
    tolerated=set(),
)


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
