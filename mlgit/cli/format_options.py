"""`--json`, the one flag for programs, and `--format` where there are other forms; the two never say different things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def json_option() -> Callable[[F], F]:
    """`--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def format_options(forms: Sequence[str], *, default: str) -> Callable[[F], F]:
    """`--format FORM` as `form`, and `--json` for the form `json`; both at once only where they agree."""

    def decorate(function: F) -> F:
        function = click.option("--json", is_flag=True, expose_value=False, callback=_json, help="The same as --format json.")(
            function
        )
        function = click.option(
            "--format",
            "form",
            type=click.Choice([*forms]),
            callback=_form,
            is_eager=True,
            show_default=default,
            help="How to print it.",
        )(function)
        return function

    def _form(context: click.Context, option: click.Parameter, value: str | None) -> str:
        context.meta["mlgit.form"] = value
        return value or default

    def _json(context: click.Context, option: click.Parameter, value: bool) -> None:
        if value:
            given = context.meta.get("mlgit.form")
            if given not in (None, "json"):
                raise click.UsageError(f"--json and --format {given} exclude each other", context)
            context.params["form"] = "json"

    return decorate
