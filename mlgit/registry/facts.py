"""What a commit proves about a model: files with digests, the stages that made them, parameters, metrics, environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["train", "test", "source", "other"]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file or folder that was read on the way to the model; digest and size as DVC records them.

    `role` is what mlgit.yaml declares (train, test), `source` for what no stage makes, else `other`. `rows` is None where
    the bytes are not at hand or are no table. `test_set` names a further test set that test data is of, '' for the main one.
    """

    path: str
    md5: str
    size: int | None = None
    n_files: int | None = None
    role: Role = "other"
    rows: int | None = None
    test_set: str = ""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The model's file or folder, described without being loaded.

    `sha256` is empty when the bytes are not at hand (for a folder: of its list of files, each with its sha256). `format`
    is what the bytes are (skops, pickle, joblib, onnx, safetensors, json, unknown ...); `executes_code` says that loading
    it can run code that is not on the allow-list, and `findings` what was found; `loader` is what reads it without that.
    """

    path: str
    md5: str
    size: int | None = None
    sha256: str = ""
    format: str = ""
    executes_code: bool | None = None
    findings: tuple[str, ...] = ()
    loader: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A stage upstream of the model, as dvc.lock records it; digests by path, parameters by dotted name."""

    name: str
    cmd: str
    deps: Mapping[str, str] = field(default_factory=dict)
    outs: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FurtherTestSet:
    """A test set beside the main one: its test data, and the predictions for it."""

    name: str
    test: tuple[DataFile, ...] = ()
    predictions: tuple[DataFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a commit says about one model.

    `metrics` are those of the model's metrics file (`metrics_file`) by dotted name; `params` those its stages read; `steps` are
    in the order they run, `evaluation` the further ones that lead to metrics and predictions; `environment` are the files that
    pin what runs (requirements, lock files) with sha256 by path; `stale` names stages whose record does not match what is
    declared, `missing` outputs that are neither in cache nor in Git; `keys` are the columns that name a row of a table, alone
    or together. `predictions` is the file of predictions, or the first of several, and `other_predictions` are the others;
    `tests` are further test sets, whose test data is among `data` too. Paths are relative to the project's root.
    """

    artifact: str
    commit: str
    model: ModelFile
    type: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()
    data: tuple[DataFile, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    predictions: DataFile | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    metrics_file: str = ""
    evaluation: tuple[Step, ...] = ()
    keys: tuple[str, ...] = ()
    other_predictions: tuple[DataFile, ...] = ()
    tests: tuple[FurtherTestSet, ...] = ()

    def with_role(self, role: Role) -> tuple[DataFile, ...]:
        """The data files of one role; as test data, those of the main test set."""
        return tuple(each for each in self.data if each.role == role and not each.test_set)

    @property
    def prediction_files(self) -> tuple[DataFile, ...]:
        """All files of predictions: of each seed or fold, and of each test set."""
        further = [each for one in self.tests for each in one.predictions]
        return (*([self.predictions] if self.predictions else []), *self.other_predictions, *further)
