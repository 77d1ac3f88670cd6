"""What `mlgit run --executor dask` needs beside a run on one machine: the snapshot that travels, and what stages declare."""

from __future__ import annotations

import os
from collections.abc import Callable

from mlgit import __version__
from mlgit.adapters.git import bundle
from mlgit.adapters.system import machine, transfers
from mlgit.commands.open_project import Opened
from mlgit.executors import table
from mlgit.executors.dask.messages import Declared, Site, Target
from mlgit.executors.dask.project import DaskProject
from mlgit.executors.protocol import Executor
from mlgit.pipeline.model import Stage
from mlgit.pipeline.scheduler import Plan
from mlgit.render.text import count, few


def make_executor(
    opened: Opened, plan: Plan, name: str, *, scheduler: str | None, jobs: int | None, note: Callable[[str], None]
) -> Executor:
    """The executor of this name. For other machines the state of the working tree is taken now, and noted if it is not HEAD."""
    assert opened.remote_outputs is not None
    there, project = opened.remote_outputs, opened.project
    cached = {out.target for stage in plan.graph.stages for out in stage.outs if out.cache}
    left_out = [f"{project.prefix}{path}" for path in sorted(cached) if os.path.lexists(project.root / path)]
    snapshot = bundle.snapshot(project.git_root, leave_out=left_out)
    if snapshot.changed:
        what = f"{count(len(snapshot.changed), 'path')} not committed: {few(snapshot.changed)}"
        note(f"the workers get the working tree as commit {snapshot.commit[:10]} ({what})")
    remotes = tuple((address.name, address.url) for address in there.remote.addresses)
    travelling = DaskProject(
        root=project.root,
        git_root=project.git_root,
        site=Site(snapshot.commit, project.prefix, remotes, opened.ignores, __version__, transfers.limit.get()),
        declared={plan.graph.stages[number].address: _declared(plan.graph.stages[number]) for number in plan.chosen},
        digest=there.awaited.digest,
        objects=there.awaited.objects,
        cache=opened.cache,
        remote=there.remote,
        address=scheduler or "",
        limit=jobs,
    )
    return table.make(name, jobs=jobs or machine.cpus(), project=travelling)


def _declared(stage: Stage) -> Declared:
    reads = tuple(dict.fromkeys(target for _, target in stage.inputs()))
    writes = tuple(Target(out.target, out.cache, out.persist, out.remote) for out in stage.outs)
    return Declared(reads, writes, portable=not stage.exotic)
