"""`mlgit doctor`: look a project over for damage, and mend what can be mended."""

from __future__ import annotations

import functools
import json
import sys
from contextlib import nullcontext

import click

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.dvc import dvc_stages, internals, settings
from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.dvc.protected_paths import Protected
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.system import locks
from mlgit.cli.bar import progress
from mlgit.cli.error_boundary import use_color
from mlgit.commands import registry_problems
from mlgit.errors import MlgitError
from mlgit.pipeline import sources
from mlgit.pipeline.checkup import Checkup, Finding
from mlgit.pipeline.outputs import Outputs
from mlgit.project import Project
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain


@click.command(
    epilog="Examples: `mlgit doctor`, `mlgit doctor --deep --fix`, `mlgit doctor --cache --deep --fix` (a restored cache).",
    short_help="Look for damage in cache, locks and pipeline files.",
)
@click.option("--cache", "only_cache", is_flag=True, help="Look at the objects of the cache and at nothing else.")
@click.option("--deep", is_flag=True, help="Read every object of the cache and compare it with its name.")
@click.option("--fix", is_flag=True, help="Remove damaged objects, leftovers and the entries of dead processes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, only_cache: bool, deep: bool, fix: bool, as_json: bool) -> int:
    """Look for damage: objects that are not what their name says, folders that lack files, what killed processes left,
    pipeline files that cannot be read, outputs whose content is nowhere, and tags of models that were moved, deleted,
    forked or backdated.

    Without --deep, objects that are read-only are believed, as DVC does. Exit code 0 when all is well (after --fix: when
    nothing is left to do), 1 when something was found.
    """
    project = projects.find()
    configured = settings.load(project.dvc_folder)
    source = sources.WorkspaceFiles(project.root, parsing=configured.parsing)
    source.pipeline_files()  # finds the folders
    ignored = internals.ignore_filter(project.root) if sources.has_ignore_patterns(project.root, source.folders) else None
    fingerprints = Fingerprints(project.root, project.own_folder, ignored=ignored)
    outputs = Outputs(
        project.root,
        kept=Protected(project.root, project.git_root, configured.cache_folder),
        dvcignored=internals.output_filter(project.root) if ignored else None,
    )
    lock = locks.held(project.own_folder / "run.lock", timeout=0, busy="an `mlgit run` is at work in this clone")
    with lock if fix else nullcontext(), progress(shown=not as_json and use_color(sys.stdout)) as watch:
        checkup = Checkup(
            project.root,
            source=sources.WorkspaceFiles(project.root, parsing=configured.parsing),
            fingerprints=fingerprints,
            cache=Cache(configured),
            approve=outputs.refuse_declared,
            borrowed=dvc_stages.BorrowedStages(project.root),
            tick=functools.partial(watch, "objects") if watch else None,
        )
        findings = checkup.objects(deep=deep) if only_cache else checkup.run(deep=deep) + _of_project(project)
        if fix:
            findings = checkup.fix(findings)
    fingerprints.save()
    _show(findings, deep=deep, as_json=as_json)
    return errors.EXIT_NO if any(not each.fixed for each in findings) else errors.EXIT_YES


def _of_project(project: Project) -> list[Finding]:
    """Faults of mlgit.yaml and of the registry's tags. None is mended: what is right, people have to say."""
    found = []
    try:
        projects.load_config(project)
    except MlgitError as error:
        found.append(Finding("config", projects.CONFIG, error.message.removeprefix(f"{projects.CONFIG}: "), error.hint))
    return found + [Finding("tag", each.ref, each.message, each.hint) for each in registry_problems.find(project.git_root)]


def _show(findings: list[Finding], *, deep: bool, as_json: bool) -> None:
    healthy = all(each.fixed for each in findings)
    if as_json:
        rows = [
            {"kind": each.kind, "path": each.path, "message": each.message, "hint": each.hint, "fixed": each.fixed}
            for each in findings
        ]
        click.echo(json.dumps({"schema": 1, "healthy": healthy, "findings": rows}, indent=2))
        return
    color = use_color(sys.stdout)
    for each in findings:
        click.echo(f"{paint(plain(each.path), 'bold', color=color)}: {plain(each.message)}")
        click.echo("  fixed" if each.fixed else f"  {plain(each.hint)}")
    if not findings:
        click.echo("nothing wrong" if deep else "nothing wrong; `mlgit doctor --deep` reads every object of the cache")
    else:
        left = sum(not each.fixed for each in findings)
        click.echo(f"{count(len(findings), 'finding')}, {left} left" if left < len(findings) else count(left, "finding"))
