"""The state file and the trailer: written for later commands to read."""

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.errors import MlgitError
from mlgit.scaffold import state
from mlgit.scaffold.state import State

TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize(
    "answers",
    [{}, {"a": 'quote " and \\', "b": "two\nlines", "c": "1e-5", "d": True, "e": 3, "f": ("x", "y"), "g": (), "h": "[[ 1 ]]"}],
)
def test_state_is_read_back_as_it_was_written(answers):
    written = State("demo", "1.2.3", TREE, answers)
    assert state.parse(parse_yaml(state.dump(written), name="s")) == written


@pytest.mark.parametrize("commit", ["", TREE, "0" * 64])
def test_source_is_read_back_as_it_was_written(commit):
    written = State("demo", "1.2.3", "1" * 64, {}, source="https://host/x.git#a: b", ref="v1", commit=commit, folder="a b")
    assert state.parse(parse_yaml(state.dump(written), name="s")) == written


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "template: missing"),
        ({"template": "a", "version": "1", "tree": TREE, "answers": {}}, "version: '1' does not match"),
        ({"template": "a", "version": f"{'9' * 5000}.0.0", "tree": TREE, "answers": {}}, "version: '999"),
        ({"template": "a", "version": "1.2.3", "tree": "x", "answers": {}}, "tree: 'x' does not match"),
        (
            {"template": "a", "version": "1.2.3", "tree": TREE, "answers": {"a": {}}},
            "answers.a: expected text or true or false",
        ),
    ],
)
def test_damaged_state_is_refused(document, said):
    with pytest.raises(MlgitError, match=f"^.mlgit-template.yaml: {said}"):
        state.parse(document)


def test_message_ends_with_the_trailer():
    assert state.message("Render", template="demo", version="1.2.3").splitlines()[-1] == "Mlgit-Template: demo 1.2.3"
