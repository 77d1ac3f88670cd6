"""`--json`: every reading command has it, and prints what its schema in docs/schemas says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import jsonschema
import pytest

from mlgit.cli import names
from mlgit.cli.group import group
from tests.kit.json_documents import IN_MADE_PROJECT, IN_TRIALS, LINES, SCHEMAS, documents

# What prints a script, or has another program for its reader.
WITHOUT = {"completion", "ci publish", "template diff"}
# What writes tags or files: the document says what was done, and its schema is that of a command in the list where one is.
WRITING = {
    *("add", "init", "ci propose", "monitor export", "model rollback", "model approve", "model retire", "model unassign"),
    *(f"exp {name}" for name in ("run", "apply", "promote", "remove", "push", "pull", "import", "export", "gc")),
    *("model reproduce", "push", "pull", "remote add", "serve", "template add", "template remove", "template abort"),
}


def leaves(command: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its name, as it is typed after `mlgit`."""
    context = names.context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from leaves(found, f"{above}{name} ")
        else:
            yield f"{above}{name}", found


def test_every_command_has_the_same_flag():
    lacking = {name for name, each in leaves(group) if not any("--json" in option.opts for option in each.params)}
    assert lacking <= WITHOUT


def test_every_reading_command_has_a_schema():
    reading = {name for name, _ in leaves(group)} - WITHOUT - WRITING
    shown = {*LINES, *IN_MADE_PROJECT, *IN_TRIALS}
    assert reading == shown
    assert {path.stem for path in SCHEMAS.glob("*.json")} >= {name.replace(" ", "-") for name in (*shown, "error")}


@pytest.mark.slow
def test_what_is_printed_is_what_the_schemas_say(tmp_path):
    for name, document in documents(tmp_path).items():
        schema = json.loads((SCHEMAS / f"{name.replace(' ', '-')}.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(document, schema)
        assert document.get("schema") or name == "model stamp", "a line that services log has its own form"
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({}, schema)


@pytest.mark.parametrize("line", ["diff --format md --json", "gate --json --format table", "report --json --format html"])
def test_two_forms_at_once_are_refused(tmp_path, cli, line):
    done = cli(tmp_path, *line.split())
    assert done.code == 2
    assert "exclude each other" in done.err
    assert json.loads(done.out)["error"]["message"] in done.err


def test_error_is_a_document_with_format_json_too(tmp_path, cli):
    for words in (("--json",), ("--format", "json"), ("--format=json",)):
        assert set(json.loads(cli(tmp_path, "gate", *words).out)["error"]) == {"message", "hint"}
