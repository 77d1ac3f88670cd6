"""`mlgit model`: the registry, in a repository's tags."""

from __future__ import annotations

import click

from mlgit.cli import other_tools
from mlgit.cli.group import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("mlgit.cli.model.list", "All models, their latest version, and what is where."),
    "show": ("mlgit.cli.model.show", "One model, version or environment, now or at a moment."),
    "history": ("mlgit.cli.model.history", "Every event of a model: who did what, when and why."),
    "verify": ("mlgit.cli.model.verify", "Find moved, deleted, forked, backdated and unsigned tags."),
    "event": ("mlgit.cli.model.event", "What one tag says, refused if it is forged."),
    "register": ("mlgit.cli.model.register", "Make a commit's model a version."),
    "promote": ("mlgit.cli.model.promote", "Put a version into an environment, if its policy lets it."),
    "rollback": ("mlgit.cli.model.rollback", "Go back to the last good version of an environment."),
    "approve": ("mlgit.cli.model.approve", "Approve a version."),
    "retire": ("mlgit.cli.model.retire", "Withdraw a version, or a whole model."),
    "unassign": ("mlgit.cli.model.unassign", "Take out what is in an environment."),
    "get": ("mlgit.cli.model.get", "Bring the bytes of a version, digest checked."),
    "audit": ("mlgit.cli.model.audit", "Tell where a model comes from, and what of it is proven."),
    "reproduce": ("mlgit.cli.model.reproduce", "Make a version again from its commit, and compare."),
    "stamp": ("mlgit.cli.model.stamp", "One JSON line for a service to log with each decision."),
}


class _Commands(LazyGroup):
    table = COMMANDS
    elsewhere = other_tools.OF_MODELS


@click.group(
    cls=_Commands,
    short_help="Versions of models, and where they are.",
    epilog="Examples: `mlgit model register tumor --bump minor`, `mlgit model promote tumor@v1.2.0 staging`.",
)
def command() -> None:
    """The registry of models: annotated tags in GTO's grammar, read and written by GTO and DVC as well."""
