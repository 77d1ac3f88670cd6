"""How many models a test set has judged, counted from what `dvc.lock` said over the history of a commit."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlgit.adapters.git import git
from mlgit.config import Model
from mlgit.evaluation.model_results import test_digest
from mlgit.pipeline.graph import Pipeline
from mlgit.revision.revision import Revision

# As DVC writes an item of a lock; versions before 3 have no line about the hash.
_ITEM = re.compile(r"^ *- path: (.+)\n(?: +hash: md5\n)? +md5: ([0-9a-f]{32}(?:\.dir)?)$", re.MULTILINE)
_CHANGED = re.compile(r"\n*:\d{6} \d{6} [0-9a-f]+ ([0-9a-f]+) [AM]$")
_MOST_STATES = 5000


@dataclass(frozen=True, slots=True)
class TestSetReuse:
    """By model: the digests of other results on the same test data. `is_at_least`: the history here is not the whole one."""

    judged: Mapping[str, frozenset[str]]
    is_at_least: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Where a lock tells of a model: paths as they stand in lock files, by role."""

    output: frozenset[tuple[str, str]]
    test: tuple[frozenset[tuple[str, str]], ...]


def count(head: Revision, models: Mapping[str, Model], *, test: Mapping[str, str]) -> TestSetReuse:
    """The results that the history of `head` (a commit) has for each model on the test data with the digest `test[name]`.

    Every state of the locks counts once. Models whose test data is not declared are left out.
    """
    known = {name: model for name, model in models.items() if test.get(name)}
    if not known:
        return TestSetReuse({})
    wanted = {name: _wanted(head.pipeline, model, head.artifact_path(name)) for name, model in known.items()}
    files = {file for each in wanted.values() for places in (each.output, *each.test) for file, _ in places}
    states, is_cut = _states(head, sorted(files))
    found: dict[str, set[str]] = {name: set() for name in known}
    for state in states:
        for name, places in wanted.items():
            output = next((state[each] for each in places.output if each in state), "")
            if output and _digest(state, places.test) == test[name]:
                found[name].add(output)
    return TestSetReuse({name: frozenset(each) for name, each in found.items()}, is_cut)


def _wanted(pipeline: Pipeline, model: Model, artifact: str) -> _Wanted:
    result = next((posixpath.normpath(path) for path in (model.predictions, artifact, model.metrics) if path), "")
    return _Wanted(_places(pipeline, result), tuple(_places(pipeline, posixpath.normpath(path)) for path in model.test))


def _places(pipeline: Pipeline, target: str) -> frozenset[tuple[str, str]]:
    """Every lock file with the path under which it names a target."""
    found = set()
    for stage in pipeline.graph.stages:
        paths = [each.path for each in stage.outs if each.target == target]
        paths += [each.path for each in stage.deps if each.target == target]
        found |= {(stage.lock_file, path) for path in paths}
    return frozenset(found)


def _digest(state: Mapping[tuple[str, str], str], test: Iterable[frozenset[tuple[str, str]]]) -> str:
    """The digest of the test data in a state of the locks."""
    return test_digest(next((state[place] for place in places if place in state), "") for places in test)


def _states(head: Revision, files: list[str]) -> tuple[list[Mapping[tuple[str, str], str]], bool]:
    """What these locks said after each commit that changed one, and whether there were more of them than are here."""
    if not files:
        return [], False
    project = head.project
    where = [f":(top,literal){project.prefix}{file}" for file in files]
    args = ["--no-show-signature", "--format=", "--raw", "--no-abbrev", "-z", "-m", "--diff-filter=AM", "--no-renames"]
    done = git.run(project.git_root, "log", *args, f"--max-count={_MOST_STATES}", head.commit, "--", *where)
    rows = list(reversed(_rows(done.text)))
    contents = head.objects.blobs(blob for blob, _ in rows)
    read = {each: _items(each[1].removeprefix(project.prefix), contents.get(each[0], b"")) for each in dict.fromkeys(rows)}
    now: dict[str, dict[tuple[str, str], str]] = {}
    states: list[Mapping[tuple[str, str], str]] = []
    for blob, path in rows:  # from the first to the last: other locks stay as they were
        now[path] = read[blob, path]
        states.append(ChainMap(*now.values()))
    is_shallow = git.line(project.git_root, "rev-parse", "--is-shallow-repository") == "true"
    return states, is_shallow or len(rows) >= _MOST_STATES


def _rows(raw: str) -> list[tuple[str, str]]:
    """The new blob and the path of every line of `git log --raw -z`."""
    found = ((_CHANGED.match(field), path) for field, path in itertools.pairwise(raw.split("\0")))
    return [(match[1], path) for match, path in found if match]


def _items(file: str, content: bytes) -> dict[tuple[str, str], str]:
    return {(file, _plain(name)): md5 for name, md5 in _ITEM.findall(content.decode(errors="replace"))}


def _plain(name: str) -> str:
    """A path without the quotes of YAML."""
    return name[1:-1].replace("''", "'") if len(name) > 1 and name[0] == name[-1] == "'" else name
