"""`mlgit new` as a user types it."""

import json
import os
import pty
import select
import subprocess
import sys

import pytest

from mlgit import __version__
from mlgit.adapters.system.installation import adding_extra
from mlgit.commands.preparation import commands
from mlgit.scaffold import library
from tests.kit import commit, git, mlgit, repository
from tests.scaffold.kit import question, write_template

# What is typed next where `python` of the shell is not the one of mlgit.
APART = commands("requirements.txt")
VERSION = library.load("minimal").manifest.version

pytestmark = pytest.mark.slow  # many repositories, and DVC itself


def test_new_makes_a_clean_repository_and_says_what_to_type_next(tmp_path, cli):
    done = cli(tmp_path, "new", "my model")
    assert done.code == 0, done.said
    assert done.out.partition("Next:\n")[2].splitlines() == ["  cd 'my model'", *(f"  {each}" for each in APART)]
    assert git(tmp_path / "my model", "status", "--porcelain") == ""
    assert (tmp_path / "my model" / "src" / "my_model" / "train.py").is_file()


def test_current_folder_needs_no_cd(tmp_path, cli):
    done = cli(tmp_path, "new", ".", "-t", "minimal")
    assert done.out.partition("Next:\n")[2].splitlines() == [f"  {each}" for each in APART]


def test_json_says_everything_that_was_decided(tmp_path, cli):
    done = cli(tmp_path, "new", "p", "-t", "minimal", "--set", "description=a b", "--json")
    assert done.json == {
        "schema": 1,
        "folder": str(tmp_path / "p"),
        "template": {"name": "minimal", "version": VERSION, "source": "builtin", "ref": "", "commit": ""},
        "answers": {"project_name": "p", "description": "a b", "mlgit_requirement": f"mlgit=={__version__}", "features": []},
        "commit": git(tmp_path / "p", "rev-parse", "HEAD"),
        "tree": git(tmp_path / "p", "rev-parse", "refs/mlgit/template^{tree}"),
        "template_commit": git(tmp_path / "p", "rev-parse", "refs/mlgit/template"),
        "note": done.json["note"],
        "next": [f"cd {tmp_path / 'p'}", *APART],
    }


def test_extra_of_mlgit_that_stages_need_is_installed_first_where_it_lacks(tmp_path):
    code = "import sys; sys.modules['duckdb'] = None; from mlgit.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "new", "p"], cwd=tmp_path, capture_output=True, text=True, check=True)
    following = done.stdout.partition("Next:\n")[2].splitlines()
    assert [each.strip() for each in following] == ["cd p", adding_extra("data"), *APART]
    assert f"\nmlgit[data]=={__version__}\n" in (tmp_path / "p" / "mlgit-requirements.txt").read_text()


def test_list_names_every_template(tmp_path, cli):
    assert [line.split()[0] for line in cli(tmp_path, "new", "--list").out.splitlines()] == ["template", *library.names()]
    listed = cli(tmp_path, "new", "--list", "--json").json["templates"]
    assert [each["name"] for each in listed] == library.names()


def test_help_shows_examples(tmp_path, cli):
    assert "mlgit new tumor -t minimal" in cli(tmp_path, "new", "--help").out


def test_command_line_goes_over_the_answers_file(tmp_path, cli):
    (tmp_path / "a.yaml").write_text("project_name: from file\ndescription: from file\n")
    done = cli(tmp_path, "new", "p", "-t", "minimal", "--answers", "a.yaml", "--set", "description=given", "--json")
    answers = done.json["answers"]
    assert (answers["project_name"], answers["description"]) == ("from file", "given")


def test_template_of_ones_own_is_taken_by_its_path(tmp_path, cli):
    write_template(tmp_path / "ours", {"a.jinja": "[[ n ]]\n"}, questions={"n": question("int", default=2)})
    done = cli(tmp_path, "new", "p", "-t", "./ours", "--set", "n=5")
    assert (tmp_path / "p" / "a").read_text() == "5\n"
    assert done.out.splitlines()[-2:] == ["  cd p", "  mlgit run"]


def test_mlgit_is_required_as_one_wants_it(tmp_path, cli):
    cli(tmp_path, "new", "p", "-t", "minimal", "--set", "mlgit_requirement=mlgit>=0.1")
    assert "mlgit>=0.1" in (tmp_path / "p" / "mlgit-requirements.txt").read_text().splitlines()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["p", "--set", "mlgit_requirement=--index-url http://x"],
            "mlgit_requirement: '--index-url http://x': expected one line",
        ),
        (["p", "--set", "mlgit_requirement=a -r b"], "expected one line of a requirements file, without options"),
        (["p", "--set", "mlgit_requirement=a\nb"], "expected one line"),
        (["p", "--set", "mlgit_requirement=../dist/mlgit.whl"], "a path has to be absolute"),
        (["p", "-t", "minimal", "--set", "mlgit_requirement=dist/mlgit.whl"], "a path has to be absolute"),
        (["p", "--set", "package_name=Pandas"], "expected a Python name in lower case"),
        (["p", "--set", "package_name=pandas"], "not the name of a library"),
        (["p", "--set", "project_name=a\nb"], "project_name: 'a\\nb': expected up to 80 letters"),
        (["p", "--set", "pckage_name=a"], "did you mean 'package_name'?"),
        (["p", "-t", "minimall"], "no template 'minimall', did you mean 'minimal'?"),
        (["p", "-t", "./minimal"], "./minimal: no template there"),
        (["p", "--answers", "nope.yaml"], "nope.yaml: no such file"),
        (["!!!"], "name of the folder: '!!!': expected up to 80 letters"),
        (["a/b@c", "-t", "minimal"], "choose another name, as in `mlgit new my-model`\n"),
        (["dvc"], "name of the folder: package_name: 'dvc': expected a Python name"),
        (["tests"], "choose another name, as in `mlgit new my-model`, or add `--set package_name=...`"),
        ([], "the folder to make is missing"),
    ],
)
def test_what_cannot_be_is_refused_with_code_2_and_leaves_nothing(tmp_path, cli, arguments, said):
    done = cli(tmp_path, "new", *arguments)
    assert done.code == 2
    assert said in done.err
    assert list(tmp_path.iterdir()) == []


def test_required_answer_that_nobody_can_be_asked_for_is_an_error(tmp_path, cli):
    write_template(tmp_path / "ours", {"a": "x"}, questions={"owner": question()})
    done = cli(tmp_path, "new", "p", "-t", "./ours")
    assert done.code == 2
    assert "hint: add `--set owner=...`" in done.err


def test_nothing_is_asked_when_input_is_no_terminal(tmp_path):
    done = mlgit(tmp_path, "new", "p", "-t", "minimal", stdin="ignored\n")
    assert (done.code, done.err.startswith("note: this mlgit comes from"), done.err.count("\n")) == (0, True, 1)


def talk(folder, arguments, lines):
    """Run mlgit on a terminal of its own, type a line after each question, and return code and screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "mlgit", *arguments])  # pragma: no cover (the child)
    screen, waiting = b"", list(lines)
    while True:
        try:
            ready, _, _ = select.select([terminal], [], [], 30)
            piece = os.read(terminal, 4096) if ready else b""
        except OSError:
            piece = b""
        if not piece:
            break
        screen += piece
        if waiting and screen.endswith(b"]: "):
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode()


def test_terminal_is_asked_until_the_answer_fits(tmp_path):
    questions = {
        "n": question("int", default=2),
        "f": question("multichoice", choices={"a": "first", "b": "second"}, default=[]),
        "given": question(default="x"),
        "yes": question("bool", default=True),
    }
    write_template(tmp_path / "ours", {"out.jinja": "[[ [n, f, given, yes] | yaml ]]\n"}, questions=questions)
    code, screen = talk(tmp_path, ["new", "p", "-t", "./ours", "--set", "given=z"], ["many", "7", "b", ""])
    assert code == 0, screen
    assert "Error: answer: n: expected a whole number, found the text 'many'" in screen
    assert json.loads((tmp_path / "p" / "out").read_text()) == [7, ["b"], "z", True]


def test_defaults_ask_nothing_on_a_terminal(tmp_path):
    code, screen = talk(tmp_path, ["new", "p", "-t", "minimal", "--defaults"], [])
    assert code == 0
    assert "what?" not in screen
    assert screen.split()[0] == "Made"


def test_template_of_a_repository_is_pinned_in_the_project(tmp_path, cli):
    write_template(tmp_path / "all" / "churn", {"a.txt": "x\n"})
    commit(repository(tmp_path / "all"))
    git(tmp_path / "all", "tag", "v1.0.0")
    url, oid = f"file://{tmp_path}/all", git(tmp_path / "all", "rev-parse", "HEAD")
    done = cli(tmp_path, "new", "p", "-t", f"{url}#churn", "--json")
    assert done.json["template"] == {
        "name": "demo",
        "version": "1.2.3",
        "source": f"{url}#churn",
        "ref": "v1.0.0",
        "commit": oid,
    }
    kept = (tmp_path / "p" / ".mlgit-template.yaml").read_text().splitlines()
    assert {f'source: "{url}#churn"', 'ref: "v1.0.0"', f'commit: "{oid}"'} <= {*kept}
    assert (
        f"from demo 1.2.3 of {url}#churn (v1.0.0 {oid[:10]}): 1 file"
        in cli(tmp_path, "new", "q", "-t", f"{url}@v1.0.0#churn").out
    )


def test_template_in_a_folder_is_named_from_the_project(tmp_path, cli):
    write_template(tmp_path / "ours", {"a.txt": "x\n"})
    assert cli(tmp_path, "new", "a/p", "-t", "./ours").code == 0
    assert 'source: "../../ours"\n' in (tmp_path / "a" / "p" / ".mlgit-template.yaml").read_text()


def test_template_that_cannot_be_reached_makes_nothing(tmp_path, cli):
    done = cli(tmp_path, "new", "p", "-t", f"file://ada:secret@/{tmp_path}/gone@v1")
    assert (done.code, "cannot be fetched" in done.err, "secret" in done.said) == (2, True, False)
    assert list(tmp_path.iterdir()) == []
