"""What a run logged from code is, with all that belongs to it: points of metrics, datasets, logged models, experiments.

Times are milliseconds since 1970, as MLflow's are. Nothing here holds a path of a machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from mlgit.errors import MlgitError

STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
MODEL_STATUSES = ("UNSPECIFIED", "PENDING", "READY", "FAILED")
ENDED = ("FINISHED", "FAILED", "KILLED")

RUNS = "refs/mlgit/runs/"
EXPERIMENTS = "refs/mlgit/experiments/"
MODELS = "refs/mlgit/models/"
DEFAULT_ID, DEFAULT_NAME = "0", "Default"
TRIAL_TAG, STAGE_TAG, NAME_TAG = "mlgit.trial", "mlgit.stage", "mlflow.runName"

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
_EXPERIMENT_ID = re.compile(r"0|[1-9][0-9]{0,19}")


class MissingRecordError(MlgitError):
    """There is no run, experiment or logged model with this id here."""


class ExistingRecordError(MlgitError):
    """An experiment of this name is there, perhaps deleted."""


class DeletedRecordError(MlgitError):
    """A run, experiment or logged model that was deleted, and takes nothing but to be restored."""


class ChangedParamError(MlgitError):
    """A parameter of a run was logged with another value before."""

    def __init__(self, run_id: str, *, key: str, before: str, after: str) -> None:
        super().__init__(
            f"run {run_id}: the parameter '{key}' was logged as '{before}' before, and is '{after}' now",
            "parameters do not change within a run: begin another one, or log a metric or a tag",
        )
        self.run_id, self.key, self.before, self.after = run_id, key, before, after


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of a metric. `model_id` and the dataset are '' unless it was measured of a logged model, on a dataset."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""
    run_id: str = ""  # told for the metrics of a logged model, which can come from several runs

    @property
    def order(self) -> tuple[int, int, float]:
        """What makes one point later than another: step, time, value, with NaN as 0."""
        return (self.step, self.timestamp, self.value if self.value == self.value else 0.0)


@dataclass(frozen=True, slots=True)
class RunDataset:
    """A dataset that a run used. `schema` and `profile` are None where nobody told them; `tags` are those of this use."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """A logged model that a run made, and at which step."""

    model_id: str
    step: int = 0


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run as it is now. `metrics` holds the latest point of each key, `model_metrics` those that speak of logged models.

    `commit` is the newest commit of its ref ('' while it is only in the spool), `baseline` the commit that was checked out
    when it began, `code` the tree of tracked files as they were then, changes and all ('' where it is not known), and
    `untracked` what lay beside them and was not kept.
    """

    id: str
    experiment_id: str
    name: str
    user: str
    status: str
    start_time: int
    end_time: int | None = None
    deleted: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, MetricPoint] = field(default_factory=dict)
    datasets: tuple[RunDataset, ...] = ()
    model_inputs: tuple[str, ...] = ()
    model_outputs: tuple[ModelOutput, ...] = ()
    model_metrics: tuple[MetricPoint, ...] = ()
    commit: str = ""
    baseline: str = ""
    code: str = ""
    untracked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiExperiment:
    """An experiment of runs logged from code: a name that runs stand under. `commit` is '' for Default until it is edited."""

    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    created: int | None = None
    updated: int | None = None
    deleted: int | None = None
    commit: str = ""


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model that code logged, before it is anything in the registry."""

    id: str
    experiment_id: str
    name: str
    status: str
    created: int
    updated: int
    model_type: str = ""
    source_run_id: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[MetricPoint, ...] = ()
    metric_runs: tuple[str, ...] = ()  # the runs that measured it
    deleted: int | None = None
    commit: str = ""


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """A file or folder that was logged: its path from the top of the artifacts, and the bytes (None for a folder)."""

    path: str
    size: int | None = None

    @property
    def is_folder(self) -> bool:
        return self.size is None


def is_run_id(text: str) -> bool:
    """Whether a text is the id of a run."""
    return _RUN_ID.fullmatch(text) is not None


def is_model_id(text: str) -> bool:
    """Whether a text is the id of a logged model."""
    return _MODEL_ID.fullmatch(text) is not None


def is_experiment_id(text: str) -> bool:
    """Whether a text is the id of an experiment."""
    return _EXPERIMENT_ID.fullmatch(text) is not None


def experiment_id_of(name: str, *, number: int = 1) -> str:
    """The id of an experiment called so, the same in every clone; a `number` from 2 where the first ones were renamed."""
    if name == DEFAULT_NAME and number == 1:
        return DEFAULT_ID
    text = name if number == 1 else f"{name}\0{number}"
    return str((int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 4) or 1)


def checked_path(path: str) -> str:
    """A path below the artifacts as it is kept. Raises MlgitError for one that leads out of them."""
    parts = [each for each in path.split("/") if each not in ("", ".")]
    is_odd = any(ord(each) < 32 or ord(each) == 127 or each == "\\" for each in path)
    if path.startswith("/") or not parts or ".." in parts or is_odd or len(path) > 1000:
        raise MlgitError(f"'{path[:200]}' is no path of a logged file", "give one below the artifacts, without '..'")
    return "/".join(parts)
