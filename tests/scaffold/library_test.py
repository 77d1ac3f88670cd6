"""Where templates are found."""

import os

import pytest

from mlgit.errors import MlgitError
from mlgit.scaffold import library
from mlgit.scaffold.render import render
from tests.scaffold.kit import question, write_template


def test_mlgits_own_templates_are_found_and_named_as_their_folders():
    assert [each.name for each in library.manifests()] == library.names()
    assert {"llm-eval", "minimal", "tabular-classification"} <= set(library.names())


@pytest.mark.parametrize("name", library.names())
def test_own_template_loads(name):
    assert library.load(name).manifest.name == name


def test_template_inside_the_package_goes_first(tmp_path, monkeypatch):
    write_template(tmp_path / "mlgit" / "templates" / "demo", {"a": "x"})
    monkeypatch.setattr(library.mlgit, "__file__", str(tmp_path / "mlgit" / "__init__.py"))
    assert library.names() == ["demo"]
    assert library.load("demo").files == {"a": b"x"}


def test_template_is_loaded_from_a_path(tmp_path, monkeypatch):
    write_template(tmp_path / "demo", {"b/c": "x", "a": "y"})
    monkeypatch.chdir(tmp_path)
    assert library.load("./demo").files == {"a": b"y", "b/c": b"x"}


def test_part_is_rendered_with_the_answers_that_the_template_gives(tmp_path):
    write_template(tmp_path / "demo", {"a": "x"}, parts={"review": {"answers": {"default_branch": "trunk"}}})
    found = render(library.load(f"{tmp_path}/demo"), {})
    assert {"a", ".github/workflows/check.yml", ".github/actions/setup/action.yml"} <= {*found}
    assert b'branches: ["trunk"]' in found[".github/workflows/check.yml"][1]


def test_part_is_rendered_when_its_feature_is_chosen_with_answers_that_keep_their_type(tmp_path):
    part = {"on": question("bool"), "title": question()}
    write_template(
        tmp_path / "parts" / "badge", {"badge.jinja": "[[ title ]][% if on %]![% endif %]"}, name="badge", questions=part
    )
    features = question("multichoice", choices={"badges": "a badge"}, default=[])
    use = {"badge": {"when": "badges", "answers": {"on": "[[ loud ]]", "title": "the [[ word ]]"}}}
    asked = {"features": features, "loud": question("bool"), "word": question()}
    write_template(tmp_path / "demo", {"a": "x"}, questions=asked, parts=use)
    loaded = library.load(f"{tmp_path}/demo")
    assert set(render(loaded, {"features": (), "loud": True, "word": "w"})) == {"a"}
    found = render(loaded, {"features": ("badges",), "loud": True, "word": "w"})
    assert found["badge"][1] == b"the w!"


def test_part_made_of_parts_is_refused(tmp_path):
    write_template(tmp_path / "parts" / "one", {"a": "x"}, parts={"review": {}})
    write_template(tmp_path / "demo", {"a": "x"}, parts={"one": {}})
    with pytest.raises(MlgitError, match=r"parts.one: made of parts itself"):
        library.load(f"{tmp_path}/demo")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"reviews": {}}, r"parts.reviews: there is no such part, did you mean 'review'\?"),
        ({"../parts/review": {}}, "there is no such part"),
        ({"review": {"when": "docker"}}, "no bool question, feature or question=choice is 'docker'"),
        ({"review": {"answers": {"branch": "x"}}}, "asks no such question"),
        ({"review": {"answers": {"python_version": "2.7"}}}, "3.11 or later"),
        ({"review": {"answers": {"project_folder": "a b"}}}, "a path of letters"),
    ],
)
def test_part_that_is_none_and_answers_that_are_none_are_refused(tmp_path, parts, message):
    write_template(tmp_path / "demo", {"a": "x"}, parts=parts)
    with pytest.raises(MlgitError, match=message):
        library.load(f"{tmp_path}/demo")


def test_file_of_a_template_and_of_its_part_cannot_have_one_name(tmp_path):
    write_template(tmp_path / "demo", {"dot_github/workflows/check.yml": "x"}, parts={"review": {}})
    with pytest.raises(MlgitError, match="and so would another file"):
        render(library.load(f"{tmp_path}/demo"), {})


def test_parts_are_no_templates_of_their_own():
    assert "review" not in library.names()
    with pytest.raises(MlgitError, match="no template 'review'"):
        library.load("review")


def test_compiled_python_is_passed_over(tmp_path):
    write_template(tmp_path / "demo", {"a.py": "", "__pycache__/a.cpython-311.pyc": "x"})
    assert list(library.load(str(tmp_path / "demo")).files) == ["a.py"]


def test_unknown_name_is_refused_with_the_near_miss():
    with pytest.raises(MlgitError, match=r"no template 'minimall', did you mean 'minimal'\?"):
        library.load("minimall")


def test_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(MlgitError, match="no template there"):
        library.load(f"{tmp_path}/")


def test_template_without_files_is_refused(tmp_path):
    folder = write_template(tmp_path / "demo")
    (folder / "files").rmdir()
    with pytest.raises(MlgitError, match="no folder 'files' in the template"):
        library.load(str(folder))


def test_fault_in_the_manifest_names_the_template(tmp_path):
    folder = write_template(tmp_path / "demo", nmae="x")
    with pytest.raises(MlgitError, match=r"^demo/template.yaml: nmae: unknown key, did you mean 'name'\?"):
        library.load(str(folder))


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "a"])
def test_symbolic_link_is_refused(tmp_path, target):
    folder = write_template(tmp_path / "demo", {"a": ""})
    (folder / "files" / "b").symlink_to(target)
    with pytest.raises(MlgitError, match=r"^demo/files/b: a symbolic link or special file$"):
        library.load(str(folder))


@pytest.mark.parametrize("name", ["files", "template.yaml"])
def test_link_in_the_place_of_a_part_is_refused(tmp_path, name):
    folder = write_template(tmp_path / "demo", {"a": ""})
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(MlgitError):
        library.load(str(folder))


def test_pipe_is_refused_and_never_opened(tmp_path):
    folder = write_template(tmp_path / "demo", {"a": ""})
    os.mkfifo(folder / "files" / "pipe")
    with pytest.raises(MlgitError, match="special file"):
        library.load(str(folder))
