"""No answer breaks a file: what a filter writes is read back as the same text."""

import ast
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.registry import grammar
from mlgit.render import yaml_text
from mlgit.scaffold import filters

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))


@pytest.mark.parametrize("value", [True, 3, "1e-5", "on", "012", (), ("a", 'b"')])
def test_every_answer_keeps_its_type_in_yaml_toml_and_python(value):
    expected = list(value) if isinstance(value, tuple) else value
    assert parse_yaml(filters.yaml(value), name="y") == expected
    assert tomllib.loads(f"a = {filters.yaml(value)}") == {"a": expected}
    assert ast.literal_eval(filters.python(value)) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my-model", "my_model"),
        ("Größe 2", "groe_2"),
        ("2024 churn", "project_2024_churn"),
        ("日本", "project"),
        ("class", "class_project"),
        ("statistics", "statistics_project"),
        ("a" * 99, "a" * 31),
        ("../../etc", "etc"),
    ],
)
def test_identifier_is_a_package_name_that_hides_nothing(text, name):
    assert filters.identifier(text) == name


@given(TEXTS)
def test_every_identifier_can_name_a_package(text):
    name = filters.identifier(text)
    assert name.isidentifier()
    assert name.isascii()
    assert len(name) <= 40


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tumor", "tumor"),
        ("Tumor_2", "Tumor_2"),
        ("my model", "my-model"),
        ("v1.2", "v1-2"),
        ("Größe--2-", "Groe--2"),
        ("日本", "model"),
        ("2024", "2024"),
        ("a" * 59 + "-b", "a" * 59),
        ("true", "true"),
    ],
)
def test_model_name_is_one_that_tags_take(text, name):
    assert filters.model_name(text) == name
    grammar.check_name(name)
    assert parse_yaml(f"{yaml_text.key(name)}: 1", name="y") == {name: 1}


@given(TEXTS)
def test_every_text_has_a_model_name(text):
    assert grammar.parse(f"{filters.model_name(text)}@v1.0.0")
