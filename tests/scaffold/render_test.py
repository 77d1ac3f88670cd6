"""A template and answers in, files out: conditions, names, bytes; and every path that is refused."""

import json

import pytest

from mlgit.config import document_schema
from mlgit.errors import MlgitError
from mlgit.scaffold.render import render
from tests.scaffold.kit import make_template, question

PROGRAM, PLAIN = "100755", "100644"


def test_only_files_that_end_with_jinja_are_rendered():
    template = make_template({"a.md.jinja": "[[ name ]]\n", "b.py": 'frame[["name"]]\n'}, questions={"name": question()})
    assert render(template, {"name": "x"}) == {"a.md": (PLAIN, b"x\n"), "b.py": (PLAIN, b'frame[["name"]]\n')}


def test_text_gets_lf_and_binary_files_stay_as_they_are():
    rendered = render(make_template({"a": b"1\r\n2\n", "b": b"\0\r\n", "c.jinja": b"1\r\n"}), {})
    assert [content for _, content in rendered.values()] == [b"1\n2\n", b"\0\r\n", b"1\n"]


def test_paths_come_sorted_whatever_the_order_of_the_files():
    assert list(render(make_template({"z": "", "dot_a": "", "m/b": ""}), {})) == [".a", "m/b", "z"]


def test_condition_leaves_files_and_whole_folders_out():
    questions = {"features": question("multichoice", choices={"web": "w", "docs": "d"})}
    files = {"web/": {"when": "web"}, "docs.md": {"when": "docs"}}
    template = make_template({"web/a": "", "web/b/c": "", "docs.md": "", "x": ""}, questions=questions, files=files)
    assert list(render(template, {"features": ("web",)})) == ["web/a", "web/b/c", "x"]
    assert list(render(template, {"features": ("docs",)})) == ["docs.md", "x"]


def test_file_under_a_condition_is_not_rendered_without_it():
    template = make_template({"a.jinja": "[[ nope ]]"}, questions={"a": question("bool")}, files={"a": {"when": "a"}})
    assert render(template, {"a": False}) == {}


def test_name_may_depend_on_an_answer_and_the_longest_rule_decides():
    files = {"src/": {"to": "lib/"}, "src/package/": {"to": "src/[[ name ]]/"}}
    template = make_template({"src/package/a.py": "", "src/b.py": ""}, questions={"name": question()}, files=files)
    assert list(render(template, {"name": "x"})) == ["lib/b.py", "src/x/a.py"]


def test_program_is_declared_in_the_manifest():
    template = make_template(
        {"run": "", "bin/a": "", "b": ""}, files={"run": {"executable": True}, "bin/": {"executable": True}}
    )
    assert {path: mode for path, (mode, _) in render(template, {}).items()} == {"run": PROGRAM, "bin/a": PROGRAM, "b": PLAIN}


def test_schema_of_mlgit_yaml_is_generated():
    rendered = render(make_template(generated={".mlgit.schema.json": "mlgit-schema"}), {})
    assert json.loads(rendered[".mlgit.schema.json"][1]) == document_schema()


def test_same_inputs_render_to_the_same_bytes():
    template = make_template(
        {"a.jinja": "[[ f | yaml ]]"}, questions={"f": question("multichoice", choices={"a": "", "b": ""})}
    )
    assert render(template, {"f": ("a", "b")}) == render(template, {"f": ("a", "b")})


def test_fault_names_the_stored_file_and_its_line():
    with pytest.raises(MlgitError, match=r"^demo/files/a/dot_b.jinja: line 2: 'nope' is undefined$"):
        render(make_template({"a/dot_b.jinja": "x\n[[ nope ]]"}), {})


def test_template_that_is_not_text_names_its_line():
    with pytest.raises(MlgitError, match=r"^demo/files/a.jinja: line 2: not UTF-8 text$"):
        render(make_template({"a.jinja": b"x\n\xff"}), {})


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/etc/passwd", "an absolute path"),
        ("../x", "not a plain path"),
        ("a/../../x", "not a plain path"),
        ("a/./b", "not a plain path"),
        ("a//b", "not a plain path"),
        ("", "not a plain path"),
        (".git/hooks/pre-commit", "inside a `.git`"),
        ("a/.GIT/config", "inside a `.git`"),
        ("GIT~1/config", "inside a `.git`"),
        (".git /config", "ends with a space or a dot"),
        (".git./config", "ends with a space or a dot"),
        (".git::$INDEX_ALLOCATION/config", "not every file system takes"),
        (".g\u200cit/config", "not every file system takes"),
        ("a\\..\\b", "not every file system takes"),
        ("C:/x", "not every file system takes"),
        ("a\nb", "not every file system takes"),
        (".dvc/config", "mlgit writes that itself"),
        (".DVC/config", "mlgit writes that itself"),
        (".mlgit-template.yaml", "mlgit writes that itself"),
    ],
)
def test_path_that_leads_elsewhere_is_refused(path, said):
    template = make_template({"a": ""}, questions={"to": question()}, files={"a": {"to": "[[ to ]]"}})
    with pytest.raises(MlgitError, match=r"^demo/files/a: would be written to ") as caught:
        render(template, {"to": path})
    assert said in caught.value.message


def test_stored_path_that_leads_elsewhere_is_refused():
    with pytest.raises(MlgitError, match="not a plain path below the project"):
        render(make_template({"../dot_bashrc": ""}), {})


def test_two_files_of_one_name_are_refused_even_when_only_case_differs():
    with pytest.raises(MlgitError, match=r"demo/files/readme.md: would be written to 'readme.md', and so would another"):
        render(make_template({"README.md": "", "readme.md": ""}), {})


def test_two_stored_files_with_one_written_name_are_refused():
    with pytest.raises(MlgitError, match="and so would another file"):
        render(make_template({"dot_a": "", ".a": ""}), {})


def test_file_that_is_also_a_folder_is_refused():
    with pytest.raises(MlgitError, match=r"demo: 'a' would be a file and the folder of 'A/b'"):
        render(make_template({"a.jinja": "", "A/b": ""}), {})
