"""Which stages have to run again for a model's predictions on other test data: those from the test data on, and no training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from mlgit.config import NAME
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.pipeline.lineage import Makers
from mlgit.pipeline.model import Stage


def stages(declared: Sequence[Stage], model: Model, *, model_path: str = "") -> tuple[Stage, ...]:
    """The stages on the way from the test data of a model to its predictions, in the order they run.

    `model_path` is the model's file, '' where no artifact is declared. Raises MlgitError, with what to declare, where that
    cannot be told, and where one of them would train.
    """
    if not model.predictions or not model.test:
        lacking = "predictions" if not model.predictions else "test"
        raise MlgitError(
            f"{NAME}: {model.where}.{lacking} is not declared, so the model cannot be evaluated again",
            f"add `{lacking}: {'PATH' if lacking == 'predictions' else '[PATH]'}`",
        )
    if model.files:
        raise MlgitError(
            f"{model.predictions}: several files of predictions are not made again by mlgit",
            "change the test set in a pull request of its own",
        )
    upstream = Makers(declared).upstream([model.predictions])
    found = reading([each for each in upstream if not _trains_beside(each, model, model_path)], model.test)
    for path in model.test:
        if not any(overlaps(path, target) for stage in found for _, target in stage.inputs()):
            raise MlgitError(
                f"the test data {path} is not a dependency of a stage that makes {model.predictions}",
                f"add `deps: [{path}]` to that stage of dvc.yaml",
            )
    _refuse_training(found, upstream, model, model_path)
    return tuple(found)


def reading(upstream: Iterable[Stage], paths: Collection[str]) -> list[Stage]:
    """The stages that read one of these paths, or what one of them makes of it."""
    found: list[Stage] = []
    touched = list(paths)
    for stage in upstream:
        if stage.is_source or not any(overlaps(target, path) for _, target in stage.inputs() for path in touched):
            continue
        found.append(stage)
        touched += [out.target for out in stage.outs]
    return found


def _trains_beside(stage: Stage, model: Model, model_path: str) -> bool:
    """Whether a stage makes the model from a folder in which the test data lies beside the training data.

    It may leave the test data alone, and the model that it made is there; what reads model and folder is what judges.
    """
    if not model_path or not any(overlaps(out.target, model_path) for out in stage.outs):
        return False
    read = [target for _, target in stage.inputs() if any(overlaps(target, path) for path in model.test)]
    return bool(read) and all(any(path.startswith(f"{target}/") for path in model.train) for target in read)


def _refuse_training(found: Sequence[Stage], upstream: Sequence[Stage], model: Model, model_path: str) -> None:
    hint = "make the model in a stage of its own, which does not read the test data"
    if not model_path:
        for stage in found:
            if any(overlaps(target, path) for _, target in stage.inputs() for path in model.train):
                raise MlgitError(f"stage '{stage.address}' reads training data and test data, so it would train again", hint)
        return
    for stage in found:
        if any(overlaps(out.target, model_path) for out in stage.outs):
            raise MlgitError(f"stage '{stage.address}' reads the test data and makes the model, so it would train again", hint)
    if not any(overlaps(target, model_path) for stage in upstream for _, target in stage.inputs()):
        raise MlgitError(
            f"no stage that makes {model.predictions} reads the model {model_path}, so one of them may train",
            f"add `deps: [{model_path}]` to the stage of dvc.yaml that makes the predictions",
        )


def inputs(found: Sequence[Stage]) -> list[str]:
    """What these stages read and do not make, as paths from the project's root."""
    made = [out.target for stage in found for out in stage.outs]
    targets = dict.fromkeys(target for stage in found for _, target in stage.inputs())
    return [path for path in targets if not any(path == each or path.startswith(f"{each}/") for each in made)]


def recorded(path: str, known: Iterable[str]) -> list[str]:
    """The recorded paths that hold a path, or parts of it; of those inside one another only the outermost."""
    found = [each for each in known if overlaps(path, each)]
    return [each for each in found if not any(each.startswith(f"{other}/") for other in found)]


def overlaps(one: str, other: str) -> bool:
    """Whether two paths are the same, or one lies inside the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def document(resolved: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> dict[str, Any]:
    """A dvc.yaml of some resolved stages only; text that looks like a template is the outcome of one, and stays as it is.

    A name with the @ of a template is none for a stage of its own.
    """
    plain: dict[str, Any] = {}
    for name in names:
        free = name.replace("@", "-")
        while free in plain or (free != name and free in names):
            free += "-"
        plain[free] = _escaped(resolved[name])
    return {"stages": plain}


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return value.replace("${", "\\${")
        case Mapping():
            return {_escaped(key): _escaped(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_escaped(inner) for inner in value]
        case _:
            return value
