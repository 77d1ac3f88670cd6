"""Runs, experiments and logged models as the files of their commits: canonical JSON, a line for each field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any, TypeVar

from mlgit.errors import MlgitError
from mlgit.experiments.run import (
    MODEL_STATUSES,
    STATUSES,
    ApiExperiment,
    LoggedRun,
    MetricPoint,
    ModelOutput,
    ModelRecord,
    RunDataset,
    checked_path,
    is_experiment_id,
    is_model_id,
    is_run_id,
)

RUN_FILE, METRICS_FILE, FILES_FILE = "run.json", "metrics.jsonl", "artifacts.json"
EXPERIMENT_FILE, MODEL_FILE = "experiment.json", "model.json"
ARTIFACTS, CODE = "artifacts", "code"
Value = TypeVar("Value")
_MD5 = re.compile(r"[0-9a-f]{32}")
_LAST_TIME = 1 << 62
_RUN_TEXTS = ("id", "experiment", "name", "user", "status", "baseline", "code")
_MODEL_TEXTS = ("id", "experiment", "name", "status", "model_type", "source_run")
LoggedFiles = dict[str, tuple[int, str]]  # path -> bytes, md5
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_FOREIGN = "a newer mlgit may have written it; `git log -p` of its ref shows what is there"


def compact(value: Any) -> str:
    """JSON on one line, keys sorted. Raises ValueError for NaN and infinity, which JSON does not have."""
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True, check_circular=False)


def document(fields: Mapping[str, Any]) -> bytes:
    """A JSON object with a line for each field, so that `git diff` shows what changed."""
    text = "{\n" + ",\n".join([f'"{key}": {_compact(fields[key])}' for key in sorted(fields)]) + "\n}\n"
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character, as a broken reader of files makes them
        return json.dumps(fields, ensure_ascii=True, allow_nan=False, sort_keys=True, indent=0).encode() + b"\n"


def _compact(value: Any) -> str:
    """As `compact`, without an encoder for what needs none."""
    if value is None or value == "" or (isinstance(value, (dict, list, tuple)) and not value):
        return "null" if value is None else '""' if value == "" else "{}" if isinstance(value, dict) else "[]"
    return str(value) if type(value) is int else compact(value)


def number_out(value: float) -> float | str:
    """A number for JSON: NaN and infinity as words."""
    if value - value == 0:
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def number_in(value: Any) -> float:
    """A number from JSON. Raises ValueError for what is none."""
    if isinstance(value, str):
        if value in _WORDS:
            return _WORDS[value]
        raise ValueError(value)
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError("too large") from error


def point_out(point: MetricPoint) -> list[Any]:
    """A point of a metric as a row: key, value, time, step, and what it was measured of where that is told."""
    row = [point.key, number_out(float(point.value)), int(point.timestamp), int(point.step)]
    if point.model_id or point.dataset_name or point.dataset_digest:
        row += [point.model_id, point.dataset_name, point.dataset_digest]
    return row


def point_line(row: list[Any]) -> str:
    """What `compact` makes of `["m", *point_out(point)]`, for thousands of them a second."""
    if len(row) == 5 and type(row[2]) is float:
        return f'["m",{encode_basestring(row[1])},{row[2]!r},{row[3]},{row[4]}]'
    return compact(row)


def point_in(row: list[Any]) -> MetricPoint:
    """A point of a metric from its row. Raises ValueError and the like for what is none."""
    key, value, when, step, *rest = row
    if type(value) is not float:
        value = number_in(value)
    if not (type(key) is str and type(when) is int and type(step) is int):
        raise ValueError("not a point")
    if not rest:
        return MetricPoint(key, value, when, step)
    model_id, name, digest = _texts(rest)
    return MetricPoint(key, value, when, step, model_id, name, digest)


def decode_points(content: bytes, *, where: str) -> list[MetricPoint]:
    """The history of metrics. Raises MlgitError for what is none."""
    return _checked(lambda: [point_in(row) for row in rows_in(content.splitlines())], where)


def rows_in(lines: Iterable[bytes]) -> list[Any]:
    """Rows that are a line each, read at once. Raises ValueError where one is none."""
    return list(json.loads(b"[" + b",".join(lines) + b"]"))


def encode_files(files: LoggedFiles) -> bytes:
    """The list of what files a run or logged model keeps."""
    rows = ",\n".join(f"{compact(path)}: {compact(files[path])}" for path in sorted(files))
    return f'{{"schema": 1, "files": {{\n{rows}\n}}}}\n'.encode("utf-8", "surrogatepass")


def decode_files(content: bytes, *, where: str) -> LoggedFiles:
    """The list of files. Raises MlgitError for what is none."""
    text = content.decode("utf-8", "surrogatepass")
    return _checked(lambda: dict(_file(*row) for row in _object(text)["files"].items()), where)


def _file(path: str, row: list[Any]) -> tuple[str, tuple[int, str]]:
    size, md5 = row
    if type(size) is not int or size < 0 or not _MD5.fullmatch(md5) or checked_path(path) != path:
        raise ValueError("not a file")
    return path, (size, md5)


def dataset_out(each: RunDataset) -> list[Any]:
    """A dataset as a row."""
    return [each.name, each.digest, each.source_type, each.source, each.schema, each.profile, dict(each.tags)]


def dataset_in(row: list[Any]) -> RunDataset:
    """A dataset from its row. Raises ValueError and the like for what is none."""
    *texts, schema, profile, tags = row
    name, digest, source_type, source = _texts(texts)
    return RunDataset(name, digest, source_type, source, _text_or_none(schema), _text_or_none(profile), _mapping(tags))


def encode_run(run: LoggedRun) -> bytes:
    """The file of a run."""
    return document(run_fields(run))


def run_fields(run: LoggedRun) -> dict[str, Any]:
    """A run as a JSON object."""
    return {
        "schema": 1,
        "id": run.id,
        "experiment": run.experiment_id,
        "name": run.name,
        "user": run.user,
        "status": run.status,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "deleted": run.deleted,
        "params": run.params,
        "tags": run.tags,
        "metrics": {key: point_out(each)[1:] for key, each in run.metrics.items()},
        "datasets": [dataset_out(each) for each in run.datasets],
        "model_inputs": run.model_inputs,
        "model_outputs": [(each.model_id, each.step) for each in run.model_outputs],
        "model_metrics": [point_out(each) for each in run.model_metrics],
        "baseline": run.baseline,
        "code": run.code,
        "untracked": run.untracked,
    }


def decode_run(content: bytes, *, where: str, commit: str = "") -> LoggedRun:
    """A run from its file. Raises MlgitError for what is none."""
    return _checked(lambda: run_of(_object(content), commit), where)


def run_of(found: dict[str, Any], commit: str) -> LoggedRun:
    """A run from a JSON object. Raises ValueError and the like for what is none."""
    run_id, experiment, name, user, status, baseline, code = _texts([found[each] for each in _RUN_TEXTS])
    if status not in STATUSES or not is_run_id(run_id) or not is_experiment_id(experiment):
        raise ValueError("no run")
    return LoggedRun(
        run_id,
        experiment,
        name,
        user,
        status,
        _time(found["start_time"]),
        _time_or_none(found["end_time"]),
        _time_or_none(found["deleted"]),
        _mapping(found["params"]),
        _mapping(found["tags"]),
        {key: point_in([key, *row]) for key, row in found["metrics"].items()},
        tuple(map(dataset_in, found["datasets"])),
        tuple(_texts(found["model_inputs"])),
        tuple(ModelOutput(_texts([model])[0], _time(step)) for model, step in found["model_outputs"]),
        tuple(map(point_in, found["model_metrics"])),
        commit,
        baseline,
        code,
        tuple(_texts(found["untracked"])),
    )


def encode_experiment(each: ApiExperiment) -> bytes:
    """The file of an experiment."""
    fields = {"id": each.id, "name": each.name, "tags": dict(each.tags)}
    return document({"schema": 1, **fields, "created": each.created, "updated": each.updated, "deleted": each.deleted})


def decode_experiment(content: bytes, *, where: str, commit: str = "") -> ApiExperiment:
    """An experiment from its file. Raises MlgitError for what is none."""
    return _checked(lambda: _experiment(_object(content), commit), where)


def _experiment(found: dict[str, Any], commit: str) -> ApiExperiment:
    experiment_id, name = _texts([found["id"], found["name"]])
    created, updated, deleted = (_time_or_none(found[each]) for each in ("created", "updated", "deleted"))
    if not is_experiment_id(experiment_id):
        raise ValueError("no experiment")
    return ApiExperiment(experiment_id, name, _mapping(found["tags"]), created, updated, deleted, commit)


def encode_model(each: ModelRecord) -> bytes:
    """The file of a logged model; its metrics stand in those of the runs that measured it."""
    return document(
        {
            "schema": 1,
            "id": each.id,
            "experiment": each.experiment_id,
            "name": each.name,
            "status": each.status,
            "created": each.created,
            "updated": each.updated,
            "model_type": each.model_type,
            "source_run": each.source_run_id,
            "params": dict(each.params),
            "tags": dict(each.tags),
            "metric_runs": list(each.metric_runs),
            "deleted": each.deleted,
        }
    )


def decode_model(content: bytes, *, where: str, commit: str = "") -> ModelRecord:
    """A logged model from its file, without metrics. Raises MlgitError for what is none."""
    return _checked(lambda: _model(_object(content), commit), where)


def _model(found: dict[str, Any], commit: str) -> ModelRecord:
    model_id, experiment, name, status, kind, source = _texts([found[each] for each in _MODEL_TEXTS])
    if not is_model_id(model_id) or status not in MODEL_STATUSES:
        raise ValueError("no logged model")
    return ModelRecord(
        model_id,
        experiment,
        name,
        status,
        _time(found["created"]),
        _time(found["updated"]),
        kind,
        source,
        _mapping(found["params"]),
        _mapping(found["tags"]),
        metric_runs=tuple(_texts(found["metric_runs"])),
        deleted=_time_or_none(found["deleted"]),
        commit=commit,
    )


def _texts(values: list[Any]) -> list[str]:
    for each in values:
        if type(each) is not str:
            raise ValueError("not a text")
    return values


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _texts([value])[0]


def _mapping(value: dict[str, Any]) -> dict[str, str]:
    for each in value.values():
        if type(each) is not str:
            raise ValueError("not a text")
    return value


def _time(value: Any) -> int:
    if type(value) is not int or abs(value) > _LAST_TIME:
        raise ValueError("not a time")
    return value


def _time_or_none(value: Any) -> int | None:
    return None if value is None else _time(value)


def _object(content: bytes | str) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict) or found.get("schema") != 1:
        raise ValueError("another schema")
    return found


def _checked(read: Callable[[], Value], where: str) -> Value:
    try:
        return read()
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, MlgitError) as error:
        raise MlgitError(f"{where} is not what mlgit writes: {str(error)[:200]}", _FOREIGN) from error
