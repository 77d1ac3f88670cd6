"""How many models a test set has judged, counted from what `dvc.lock` says in every commit, and from the run cache."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections import ChainMap
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.evaluation.model_results import test_digest
from mlgit.model_settings import Model, is_pattern
from mlgit.pipeline.graph import Pipeline
from mlgit.revision.revision import Revision

# As DVC writes an item of a lock; versions before 3 have no line about the hash.
_ITEM = re.compile(r"^ *- path: (.+)\n(?: +hash: md5\n)? +md5: ([0-9a-f]{32}(?:\.dir)?)$", re.MULTILINE)
_OID = re.compile(r"[0-9a-f]{40,64}")
_MOST_STATES = 5000
_MOST_RUNS = 20_000


@dataclass(frozen=True, slots=True)
class TestSetReuse:
    """By model: the digests of other results on the same test data. `at_least` are the models of which there may be more, and
    `unknown` says why nothing can be counted of one.
    """

    judged: Mapping[str, frozenset[str]]
    at_least: frozenset[str] = frozenset()
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Where a lock tells of a model: paths as they stand in lock files, by role."""

    output: frozenset[tuple[str, str]]
    test: tuple[frozenset[tuple[str, str]], ...]


def count(head: Revision, models: Mapping[str, Model], *, test: Mapping[str, str]) -> TestSetReuse:
    """The results that this clone knows of each model on the test data with the digest `test[name]`.

    Every state of the locks counts that any ref or `head` (a commit) has in its history, and every run that the run cache
    remembers, committed or not.
    """
    known = {name: model for name, model in models.items() if test.get(name)}
    unknown = {name: _why_unknown(model) for name, model in models.items() if name not in known}
    if not known:
        return TestSetReuse({}, unknown=unknown)
    wanted = {name: _wanted(head.pipeline, model, head.artifact_path(model.name)) for name, model in known.items()}
    files = sorted({file for each in wanted.values() for places in (each.output, *each.test) for file, _ in places})
    states, missing = _states(head, files)
    runs, are_all_runs = _runs(head, files)
    found: dict[str, set[str]] = {name: set() for name in known}
    for state in (*states, *runs):
        for name, places in wanted.items():
            output = next((state[each] for each in places.output if each in state), "")
            if output and _digest(state, places.test) == test[name]:
                found[name].add(output)
    cut = {name for name, places in wanted.items() if missing or not are_all_runs or _has_untold(runs, places, found[name])}
    if missing:
        unknown |= {name: missing for name, seen in found.items() if not seen}
    return TestSetReuse({name: frozenset(each) for name, each in found.items()}, frozenset(cut), unknown)


def _why_unknown(model: Model) -> str:
    return f"no digest of {' or '.join(model.test)} is recorded" if model.test else f"{model.where}.test is not declared"


def _has_untold(runs: Iterable[Mapping[tuple[str, str], str]], places: _Wanted, found: Collection[str]) -> bool:
    """Whether a run made results without saying of which test data: a stage before it read them."""
    for run in runs:
        output = next((run[each] for each in places.output if each in run), "")
        if output and output not in found and not any(run.keys() & test for test in places.test):
            return True
    return False


def _wanted(pipeline: Pipeline, model: Model, artifact: str) -> _Wanted:
    first = next((each for each in (model.files or (model.predictions,)) if not (model.files and is_pattern(each))), "")
    result = next((posixpath.normpath(path) for path in (first, artifact, model.metrics) if path), "")
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


def _states(head: Revision, files: list[str]) -> tuple[list[Mapping[tuple[str, str], str]], str]:
    """What these locks say in each commit that changed one, on every ref, and why there may be more such commits ('': none)."""
    if not files:
        return [], ""
    project, root = head.project, head.project.git_root
    where = [f":(top,literal){project.prefix}{file}" for file in files]
    args = ["--no-show-signature", "--format=%H", "--full-history", f"--max-count={_MOST_STATES}", "--all", head.commit]
    commits = git.run(root, "log", *args, "--", *where).text.split()
    asked = [(commit, file) for commit in commits for file in files]
    named = "".join(f"{commit}:{project.prefix}{file}\n" for commit, file in asked).encode()
    # Git would fetch each blob of a partial clone, one after the other
    done = git.run(root, "cat-file", "--batch-check=%(objectname)", stdin=named, env={"GIT_NO_LAZY_FETCH": "1"})
    blobs = [row if _OID.fullmatch(row) else "" for row in done.text.splitlines()]
    contents = head.objects.blobs(blob for blob in blobs if blob)
    read = {
        (blob, file): _items(file, contents.get(blob, b"")) for blob, file in zip(blobs, (f for _, f in asked), strict=True)
    }
    rows = list(zip(asked, blobs, strict=True))
    states: list[Mapping[tuple[str, str], str]] = [
        ChainMap(*(read[blob, file] for (_, file), blob in rows[start : start + len(files)]))
        for start in range(0, len(rows), len(files))
    ]
    return states, _why_missing(root, is_full=len(commits) >= _MOST_STATES, has_gaps=not all(blobs))


def _why_missing(root: Path, *, is_full: bool, has_gaps: bool) -> str:
    """Why this clone may lack commits or locks of the repository, and what would bring them; '' where it lacks none."""
    if git.line(root, "rev-parse", "--is-shallow-repository") == "true":
        return "this clone is shallow (`git fetch --unshallow`)"
    done = git.run(root, "config", "--get-regexp", r"^remote\..*\.(fetch|promisor)$", check=False)
    settings = [row.partition(" ") for row in done.text.splitlines()]
    if has_gaps and any(key.endswith(".promisor") and value == "true" for key, _, value in settings):
        return "this clone is partial, and some of its locks are not here"
    fetched = [value for key, _, value in settings if key.endswith(".fetch") and "refs/heads/" in value]
    if fetched and not any("refs/heads/*" in value for value in fetched):
        return "this clone has a single branch (`git remote set-branches origin '*' && git fetch`)"
    return f"more than {_MOST_STATES} commits changed the locks" if is_full else ""


def _runs(head: Revision, files: list[str]) -> tuple[list[Mapping[tuple[str, str], str]], bool]:
    """What the run cache remembers of every run, under the name of each lock, and whether that is all."""
    texts = list(itertools.islice(head.cache.runs(), _MOST_RUNS + 1))
    runs = [ChainMap(*(_items(file, text) for file in files)) for text in texts[:_MOST_RUNS]]
    return list(runs), len(texts) <= _MOST_RUNS


def _items(file: str, content: bytes) -> dict[tuple[str, str], str]:
    return {(file, _plain(name)): md5 for name, md5 in _ITEM.findall(content.decode(errors="replace"))}


def _plain(name: str) -> str:
    """A path without the quotes of YAML."""
    return name[1:-1].replace("''", "'") if len(name) > 1 and name[0] == name[-1] == "'" else name
