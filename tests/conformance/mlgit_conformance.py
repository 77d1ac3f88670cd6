"""A pytest plugin (`-p mlgit_conformance`): `Repo.reproduce` of DVC runs mlgit's engine.

What mlgit has no word for (interactive, downstream, glob, recursive, single item, no-commit, ...) is left to DVC, and counted.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from typing import Any

from dvc.exceptions import ReproductionError
from dvc.repo import Repo

from mlgit.commands.open_project import open_project
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.pipeline import run, scheduler
from mlgit.pipeline.graph import select
from mlgit.pipeline.scheduler import Result

_OURS = {"targets", "force", "on_error", "jobs", "all_pipelines", "run_cache", "pull", "interactive", "dry"}
_DEFAULTS = {"interactive": False, "pull": False, "run_cache": True, "dry": False}
_original = Repo.reproduce
counts: Counter[str] = Counter()


class _Quiet:
    def started(self, stage: Any, reasons: Any) -> None: ...

    def ended(self, result: Result) -> None: ...

    def retried(self, stage: Any, attempt: int, delay: float) -> None: ...

    def tick(self) -> None: ...


def reproduce(self: Repo, targets: Any = None, **options: Any) -> list[Any]:
    """`Repo.reproduce` by mlgit's scheduler and ledger; the stages that were not up to date, in running order."""
    asked = {key: value for key, value in options.items() if value not in (None, False)}
    beyond = [key for key, value in asked.items() if key not in _OURS or (key in _DEFAULTS and value != _DEFAULTS[key])]
    if beyond or options.get("run_cache") is False or options.get("on_error") == "ignore" or self.root_dir != _root():
        counts["left to DVC"] += 1
        return list(_original(self, targets, **options))
    counts["run by mlgit"] += 1
    self.close()  # what mlgit changes has to be read again
    if not os.path.isdir(f"{self.root_dir}/.git"):  # many of DVC's tests do without Git; mlgit does not
        subprocess.run(["git", "init", "-q"], cwd=self.root_dir, check=True)
    results = _run(targets, options)
    self._reset()
    failed = [result for result in results if result.state == "failed"]
    if failed:
        names = ", ".join(f"'{result.stage.address}'" for result in failed)
        raise ReproductionError(f"failed to reproduce {names}")
    done = [result.stage for result in results if result.state in ("ran", "restored", "verified")]
    return [self.stage.load_one(os.path.relpath(stage.file), stage.name or None) for stage in done]


def _root() -> str:
    folder = os.getcwd()
    while not os.path.isdir(f"{folder}/.dvc") and folder != "/":
        folder = os.path.dirname(folder)
    return folder


def _run(targets: Any, options: dict[str, Any]) -> list[Result]:
    named = [targets] if isinstance(targets, str) else list(targets or [])
    try:
        opened = open_project()
        graph = opened.pipeline.graph
        own_file = f"{opened.here}/dvc.yaml" if opened.here else "dvc.yaml"
        if not named and not options.get("all_pipelines"):
            chosen = {number for number, stage in enumerate(graph.stages) if stage.file == own_file}
        else:
            chosen = select(graph, named, here=opened.here)
        plan = scheduler.plan(graph, chosen, seconds={})
        stages = [graph.stages[number] for number in sorted(plan.chosen)]
        opened.ledger.check_inputs(stages)
        opened.ledger.expect(stages)
        try:
            return run.execute(
                opened.project.root,
                plan,
                keeper=opened.ledger,
                executor=table.make("local", jobs=2),
                busy=opened.busy,
                reporter=_Quiet(),
                force=bool(options.get("force")),
                keep_going=options.get("on_error") == "keep-going",
            )
        finally:
            opened.ledger.close()
    except MlgitError as error:
        raise ReproductionError(f"{error.message} {error.hint}") from error


def pytest_configure() -> None:
    """Put mlgit's engine in DVC's place."""
    Repo.reproduce = reproduce


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many calls reached which engine."""
    terminalreporter.write_line(f"reproduce: {dict(counts)}")
