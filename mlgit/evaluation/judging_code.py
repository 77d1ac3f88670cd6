"""Whether two revisions judge a model alike: the code, commands and parameters of the stages between test data and results."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from mlgit.errors import MlgitError
from mlgit.evaluation.stages_to_rerun import overlaps, reading
from mlgit.model_settings import Model
from mlgit.pipeline import params
from mlgit.pipeline.model import Stage
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision

_SETTINGS = (".yaml", ".yml", ".toml", ".json", ".ini", ".cfg")


def differences(then: Revision, now: Revision, before: Model, model: Model) -> tuple[str, ...]:
    """What judges otherwise: programs and settings by path, then commands and parameters; `before` is the model of `then`.

    Of a stage that makes the model as well, only programs count: what else it reads is for training.
    """
    old, new = _stages(then, before), _stages(now, model)
    addresses = [*new, *(each for each in old if each not in new)]
    paths: dict[str, None] = {}
    others: list[str] = []
    for address in addresses:
        one, other = old.get(address), new.get(address)
        for revision, declared, stage in ((then, before, one), (now, model, other)):
            paths |= dict.fromkeys(_programs(revision, declared, stage) if stage else ())
        if one is None or other is None:
            others.append(f"stage {address} ({'removed' if other is None else 'added'})")
        elif not any(_makes_model(*side) for side in ((then, before, one), (now, model, other))):
            others += [f"command of {address}"] if one.commands != other.commands else []
            others += _parameters(then, now, one, other)
    changed = [path for path in paths if then.digest_or_none(path) != now.digest_or_none(path)]
    return (*changed, *dict.fromkeys(others))


def _stages(revision: Revision, model: Model) -> dict[str, Stage]:
    """The stages that judge: from the test data on, else from the model on, else those that make the results."""
    results = [posixpath.normpath(path) for path in (*model.prediction_paths, model.metrics) if path]
    upstream = [each for each in revision.makers.upstream(results) if not each.is_source]
    artifact = revision.artifact_path(model.name)
    found = reading(upstream, model.test) or reading(upstream, [artifact] if artifact else [])
    found = found or [stage for path in results for stage in revision.makers.of(path) if not stage.is_source]
    return {stage.address: stage for stage in found}


def _makes_model(revision: Revision, model: Model, stage: Stage) -> bool:
    """Whether a stage trains: it makes the model, or, of several seeds or folds, one that it judges itself."""
    artifact = revision.artifact_path(model.name)
    trains = any(overlaps(target, path) for _, target in stage.inputs() for path in model.train)
    if not artifact or (model.repeats and trains):
        return trains
    return any(overlaps(out.target, artifact) for out in stage.outs)


def _programs(revision: Revision, model: Model, stage: Stage) -> Iterator[str]:
    """What people wrote that a stage reads: no data, and nothing that a stage makes."""
    data = (*model.train, *model.test)
    for dep in stage.deps:
        path = dep.target
        is_data = any(overlaps(path, each) for each in data) or recorded_paths.covering(revision.recorded, path)
        if recorded_paths.is_inside(path) and not is_data and not revision.makers.of(path):
            yield from _inside(revision, path)
    for command in stage.commands:
        yield from (path for path in _named(command, stage.wdir) if revision.files.size(path) is not None)


def _inside(revision: Revision, path: str) -> Iterator[str]:
    """The path itself, or those of its folder, that are programs or settings of one."""
    below = revision.files.below(path) if revision.files.size(path) is None else []
    yield from (each for each in below or [path] if recorded_paths.is_program(each) or each.lower().endswith(_SETTINGS))


def _named(command: str, folder: str) -> Iterator[str]:
    """The programs that a command names: by path, or as a module of Python."""
    with suppress(ValueError):  # a quote that is not closed
        words = shlex.split(command)
        for before, word in zip(["", *words], words, strict=False):
            module = word.replace(".", "/")
            known = [f"{module}.py", f"{module}/__main__.py", f"src/{module}.py", f"src/{module}/__main__.py"]
            for each in known if before == "-m" else [word]:
                path = posixpath.normpath(posixpath.join(folder, each))
                if recorded_paths.is_program(path) and recorded_paths.is_inside(path):
                    yield path


def _parameters(then: Revision, now: Revision, before: Stage, stage: Stage) -> list[str]:
    old, new = _values(then, before), _values(now, stage)
    return [f"parameter {name}" for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]


def _values(revision: Revision, stage: Stage) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for each in stage.params:
        with suppress(MlgitError):
            document = revision.document(each.target)
            prefix = "" if each.target == recorded_paths.PARAMETERS else f"{each.target}: "
            found |= {f"{prefix}{key}": value for key, value in params.pick(document or {}, each).items()}
    return found
