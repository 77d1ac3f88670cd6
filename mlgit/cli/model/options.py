"""The options that every writing command of `mlgit model` has, and what they come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mlgit.commands.model.write_tag import WriteOptions


F = TypeVar("F", bound=Callable[..., Any])
_KEY = "mlgit.model.options"


def writing_options() -> Callable[[F], F]:
    """The options of a command that writes a tag; the command asks for them with `written_as`."""
    found: list[Callable[[F], F]] = [
        _flag("--push", "Push the tag at once, together with those before it that were not."),
        click.option(
            *("--remote", "remote"),
            default="origin",
            show_default=True,
            metavar="NAME",
            expose_value=False,
            callback=_keep,
            help="The Git remote to push to.",
        ),
        _flag("--sign", "Sign the tag with the key of Git's configuration."),
        _flag("--dry-run", "Print the tag that would be written, and write nothing."),
        _flag("--after-future-date", "Follow a tag dated more than a day ahead, a second later."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    ]

    def decorate(function: F) -> F:
        for each in reversed(found):
            function = each(function)
        return function

    return decorate


def _flag(name: str, text: str) -> Callable[[F], F]:
    return click.option(name, is_flag=True, expose_value=False, callback=_keep, help=text)


def _keep(context: click.Context, option: click.Parameter, value: Any) -> None:
    context.meta.setdefault(_KEY, {})[option.name] = value


def written_as() -> WriteOptions:
    """How the tag is to be written, by the options of the current command line."""
    from mlgit.commands.model.write_tag import WriteOptions

    return WriteOptions(**click.get_current_context().meta[_KEY])
