"""Where the predictions that a model declares lie in a revision: one file, or all that are listed or match its patterns."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Sequence

from mlgit.errors import MlgitError
from mlgit.model_settings import Model, folder_of, is_pattern
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision


def find(revision: Revision, model: Model) -> tuple[str, ...]:
    """The paths of a model's files of predictions, those of a pattern in the order of the numbers in their names."""
    if not model.files:
        return (posixpath.normpath(model.predictions),) if model.predictions else ()
    found: list[str] = []
    for each in map(posixpath.normpath, model.files):
        found += _matching(revision, each) if is_pattern(each) else [each]
    return tuple(dict.fromkeys(found))


def _matching(revision: Revision, pattern: str) -> list[str]:
    """The files that match a pattern, whose `*` stands for no `/`."""
    folder = folder_of(pattern)
    made = [out.target for stage in revision.pipeline.graph.stages for out in stage.outs]
    near = [each for each in made if not folder or f"{each}/".startswith(f"{folder}/")]
    try:
        known = [*near, *(revision.contents.files(folder) if folder and recorded_paths.is_inside(folder) else ())]
    except MlgitError:
        known = near
    except OSError as error:  # a link that leads nowhere, or to itself
        raise MlgitError(f"{folder}: cannot be listed: {error.filename}: {error.strerror}", "take it out") from error
    parts = pattern.split("/")
    return sorted({each for each in known if _is_like(each.split("/"), parts)}, key=_in_order)


def _is_like(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    return len(parts) == len(pattern) and all(map(fnmatch.fnmatchcase, parts, pattern))


def _in_order(path: str) -> list[tuple[bool, int, str]]:
    """Numbers by size, what is between them by letter: seed 10 comes after seed 9."""
    return [(each.isdecimal(), int(each) if each.isdecimal() else 0, each) for each in re.split(r"([0-9]+)", path)]
