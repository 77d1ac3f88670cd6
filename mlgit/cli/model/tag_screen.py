"""How the result of a writing command of `mlgit model` is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from mlgit.cli.preferences import use_color
from mlgit.commands.model.write_tag import WriteResult
from mlgit.registry.plan import TagPlan
from mlgit.registry.policy import Check
from mlgit.render.terminal import paint
from mlgit.render.text import plain


def conclude(result: WriteResult, *, as_json: bool) -> int:
    """Show what became of the tag; the exit code."""
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    elif result.plan is None:
        show_checks(result.checks)
        click.echo(plain(result.refusal))
    elif result.published is None:
        _show_plan(result.plan, push=result.options.push)
    else:
        _show_done(result, result.plan)
    return result.exit_code


def _show_plan(planned: TagPlan, *, push: bool) -> None:
    if not planned.ref:
        click.echo(plain(planned.done))
        return
    click.echo(f"would write {plain(planned.ref)} at {planned.target[:10]}{' and push it' if push else ''}:\n")
    click.echo("\n".join(plain(line) for line in planned.message.rstrip("\n").split("\n")))


def _show_done(result: WriteResult, planned: TagPlan) -> None:
    tag = f" ({planned.ref})" if planned.ref else ""
    click.echo(f"{plain(planned.done)}{plain(tag)}")
    if result.pushed:
        click.echo(f"pushed to {plain(result.remote)}: {plain(', '.join(result.pushed))}")
    for note in result.notes:
        click.echo(f"note: {plain(note)}")
    if planned.ref and not result.options.push and result.is_shared:
        remote = "" if result.options.remote == "origin" else f" --remote {plain(result.options.remote)}"
        click.echo(f"only in this clone so far: `mlgit push --tags-only{remote}` publishes it")
    if planned.following:
        click.echo(f"next: {plain(planned.following)}")


def show_checks(found: Sequence[Check]) -> None:
    """One line for every check, and below it what to do about one that is not met."""
    color = use_color(sys.stdout)
    words: dict[bool | None, tuple[str, str]] = {True: ("ok", "green"), False: ("no", "red"), None: ("??", "yellow")}
    for each in found:
        word, style = ("warn", "yellow") if each.is_warning else words[each.ok]
        click.echo(f"  {paint(word, style, color=color)}  {plain(each.name)}{': ' if each.detail else ''}{plain(each.detail)}")
        if each.hint and (not each.ok or each.is_warning):
            click.echo(f"      {plain(each.hint)}")
