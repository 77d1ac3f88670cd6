"""What the writing commands of `mlgit model` share: the registry as it is, the way of a tag, and what is said of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from mlgit import errors
from mlgit.adapters.git import remote_tags
from mlgit.cli.error_boundary import use_color
from mlgit.commands import places
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.registry import body, grammar, publish, read, state
from mlgit.registry.plan import Plan
from mlgit.registry.policy import Check, verdict
from mlgit.registry.publish import NotTrustedError, Published, Rebuild
from mlgit.registry.state import Artifact, Registry, Version
from mlgit.render.terminal import paint
from mlgit.render.text import plain

Option = Callable[[Callable[..., Any]], Callable[..., Any]]


class RefusedError(Exception):
    """The answer is no, or cannot be given: with every check that was made."""

    def __init__(self, checks: Sequence[Check], what: str) -> None:
        super().__init__(what)
        self.checks, self.what = tuple(checks), what


@dataclass(frozen=True, slots=True)
class Wish:
    """How a tag is to be written: pushed or not and where, only shown, and how it is told.

    `is_shared` says that the repository has a remote at all; with `after_future_date` it may follow a tag whose date is yet
    to come.
    """

    push: bool = False
    remote: str = "origin"
    dry_run: bool = False
    as_json: bool = False
    is_shared: bool = True
    after_future_date: bool = False


def options(*, sign: bool = True) -> Option:
    """The options that every writing command has; they arrive under their names, `--json` as `as_json`."""
    found = [
        click.option("--push", is_flag=True, help="Push the tag at once, together with those before it that were not."),
        click.option("--remote", default="origin", show_default=True, metavar="NAME", help="The Git remote to push to."),
        click.option("--sign", is_flag=True, help="Sign the tag with the key of Git's configuration."),
        click.option("--dry-run", is_flag=True, help="Print the tag that would be written, and write nothing."),
        click.option("--after-future-date", is_flag=True, help="Follow a tag dated more than a day ahead, a second later."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    ]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for each in reversed(found if sign else [*found[:2], *found[3:]]):
            function = each(function)
        return function

    return decorate


def registry(project: Project) -> Registry:
    """The registry as the tags of this clone say."""
    return state.fold(read.load(project.git_root))


def resolve(root: Path, found: Registry, text: str) -> Version:
    """The version that a word means; a name seen from the current folder will do.

    Raises MlgitError where there is none, and for one without a tag of its own.
    """
    wanted = grammar.reference(text)
    artifact = places.full_name(root, found.artifacts, wanted.artifact)
    version = found.resolve(grammar.Reference(artifact, wanted.version, wanted.environment))
    if not version.is_registered:
        raise MlgitError(
            f"'{text}': commit {version.commit[:10]} is no registered version",
            f"`mlgit model register {artifact} {version.commit[:10]}`",
        )
    return version


def full_name(project: Project, found: Registry, name: str) -> str:
    """The name of an artifact as tags have it: seen from the repository's root."""
    return places.full_name(project.git_root, found.artifacts, name)


def artifact_of(found: Registry, name: str) -> Artifact:
    """The artifact, an empty one if nothing of it is registered yet."""
    return found.artifacts.get(name) or Artifact(name)


def carry_out(project: Project, rebuild: Rebuild, wish: Wish, *, tell: Callable[[Plan], tuple[str, str]]) -> int:
    """Write the tag as wished and say so; returns the exit code.

    `tell` gives the sentence about a plan that was carried out (or stood already), and the next command.
    """
    root = project.git_root

    def dated() -> Plan:
        planned = rebuild()
        publish.require_past(planned, after_future_date=wish.after_future_date)
        return planned

    try:
        if wish.dry_run:
            planned = publish.preview(root, dated, remote=wish.remote, push=wish.push)
            return _show_plan(planned, wish, tell)
        wish = replace(wish, is_shared=bool(remote_tags.remotes(root)))
        send_or_keep = publish.send if wish.push else publish.keep
        done = send_or_keep(root, dated, remote=wish.remote)
    except RefusedError as refused:
        return _show_refusal(refused, wish)
    except NotTrustedError as error:
        return _show_refusal(RefusedError([Check("signature", False, error.message, error.hint)], "not written"), wish)
    return _show_done(done, wish, tell)


def _show_plan(planned: Plan, wish: Wish, tell: Callable[[Plan], tuple[str, str]]) -> int:
    if wish.as_json:
        _print_json({"dry_run": True, **_document(planned)})
    elif not planned.ref:
        click.echo(plain(tell(planned)[0]))
    else:
        click.echo(f"would write {plain(planned.ref)} at {planned.target[:10]}{' and push it' if wish.push else ''}:\n")
        click.echo("\n".join(plain(line) for line in planned.message.rstrip("\n").split("\n")))
    return errors.EXIT_YES


def _document(planned: Plan) -> dict[str, Any]:
    facts = body.parse(planned.message).facts
    return {
        "artifact": planned.artifact,
        "event": facts.get("event"),
        "version": facts.get("version"),
        "tag": planned.ref or None,
        "target": planned.target or None,
        "body": planned.message,
    }


def _show_done(done: Published, wish: Wish, tell: Callable[[Plan], tuple[str, str]]) -> int:
    sentence, following = tell(done.plan)
    if wish.as_json:
        _print_json(
            {
                "dry_run": False,
                **_document(done.plan),
                "oid": done.oid or None,
                "pushed": list(done.pushed),
                "remote": done.remote or None,
                "attempts": done.attempts,
                "notes": list(done.notes),
            }
        )
        return errors.EXIT_YES
    tag = f" ({done.plan.ref})" if done.plan.ref else ""
    click.echo(f"{plain(sentence)}{plain(tag)}")
    if done.pushed:
        click.echo(f"pushed to {plain(done.remote)}: {plain(', '.join(done.pushed))}")
    for note in done.notes:
        click.echo(f"note: {plain(note)}")
    if done.plan.ref and not wish.push and wish.is_shared:
        remote = "" if wish.remote == "origin" else f" --remote {plain(wish.remote)}"
        click.echo(f"only in this clone so far: `mlgit model push {plain(done.plan.artifact)}{remote}` publishes it")
    if following:
        click.echo(f"next: {plain(following)}")
    return errors.EXIT_YES


def _show_refusal(refused: RefusedError, wish: Wish) -> int:
    outcome = verdict(refused.checks)
    if wish.as_json:
        rows = [
            {"name": each.name, "ok": each.ok, "detail": each.detail, "hint": each.hint, "warning": each.is_warning}
            for each in refused.checks
        ]
        _print_json({"dry_run": wish.dry_run, "tag": None, "refused": refused.what, "verdict": outcome, "checks": rows})
    else:
        show_checks(refused.checks)
        click.echo(plain(refused.what))
    return errors.EXIT_NO if outcome == "fail" else errors.EXIT_CANNOT_ANSWER


def show_checks(found: Sequence[Check]) -> None:
    """One line for every check, and below it what to do about one that is not met."""
    color = use_color(sys.stdout)
    words: dict[bool | None, tuple[str, str]] = {True: ("ok", "green"), False: ("no", "red"), None: ("??", "yellow")}
    for each in found:
        word, style = ("warn", "yellow") if each.is_warning else words[each.ok]
        click.echo(f"  {paint(word, style, color=color)}  {plain(each.name)}{': ' if each.detail else ''}{plain(each.detail)}")
        if each.hint and (not each.ok or each.is_warning):
            click.echo(f"      {plain(each.hint)}")


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps({"schema": 1, **document}, indent=2))


def project(word: str) -> Project:
    """The project that a model's name, or a reference to it, is about."""
    return places.place(word).project
