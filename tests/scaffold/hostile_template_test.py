"""Templates by people who mean harm: each is refused with its file named, at once, and nothing is written."""

import os
import subprocess
import time

import pytest

from mlgit.adapters.git import foreign
from mlgit.adapters.system import bounds
from mlgit.adapters.system.process import Bounds
from mlgit.errors import MlgitError
from mlgit.scaffold import answers, library, limits, sources
from mlgit.scaffold.render import render
from mlgit.scaffold.sandbox import fill
from tests.kit import git
from tests.scaffold.kit import make_template, question, write_template


@pytest.fixture
def hurry(monkeypatch):
    """A second for what may take ten."""
    monkeypatch.setattr(bounds, "SECONDS", 0.5)


MANIFEST = "mlgit_template: 1\nname: demo\nversion: 1.0.0\ndescription: a\n"


def store(root, kind, content):
    """An object that Git would not have made itself; its id."""
    done = subprocess.run(
        ["git", "hash-object", "-t", kind, "--literally", "-w", "--stdin"],
        cwd=root,
        input=content,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def tree(root, *rows):
    """A tree of (mode, name, id), in this order."""
    return store(
        root, "tree", b"".join(b"%s %s\0" % (mode.encode(), name.encode()) + bytes.fromhex(oid) for mode, name, oid in rows)
    )


def hostile(root, *rows):
    """A repository whose template has these rows in its files/, as a source."""
    git(root, "init", "--quiet")
    text = store(root, "blob", MANIFEST.encode())
    top = tree(root, ("40000", "files", tree(root, *rows)), ("100644", "template.yaml", text))
    git(root, "update-ref", "refs/heads/main", git(root, "commit-tree", "-m", "x", top))
    return sources.parse(f"file://{root}@main")


@pytest.mark.parametrize(
    ("mode", "name", "said"),
    [
        ("120000", "link", "demo/files/link: a symbolic link"),
        ("160000", "sub", "demo/files/sub: a submodule"),
        ("100644", "..", "not a plain path"),
        ("100644", ".git", "inside a `.git`"),
        ("100644", "dot_git", "inside a `.git`"),
        ("100644", ".GIT", "inside a `.git`"),
        ("100644", "GIT~1", "inside a `.git`"),
        ("100644", ".g\u200cit", "nobody sees"),
        ("100644", ".git ", "ends with a space"),
        ("100644", ".git::$INDEX_ALLOCATION", "not every file system"),
        ("100644", "a\\..\\b", "not every file system"),
        ("100644", "a\u202egpj.exe", "nobody sees"),
        ("100644", "a\n\x1b[2J", "nobody sees"),
        ("100644", "-rf", "take for an option"),
        ("100644", "nul.txt", "a device"),
        ("100644", "x" * 200, "too long"),
    ],
)
def test_entry_of_a_repository_that_is_no_plain_file_is_refused(tmp_path, mode, name, said):
    source = hostile(tmp_path / "demo", (mode, name, store_in(tmp_path / "demo")))
    with pytest.raises(MlgitError, match=said):
        sources.read(source)


def store_in(root):
    """A blob with a few bytes in a new repository."""
    root.mkdir()
    git(root, "init", "--quiet")
    return store(root, "blob", b"/etc/passwd")


def test_folder_that_holds_a_name_twice_is_refused(tmp_path):
    oid = store_in(tmp_path / "demo")
    with pytest.raises(MlgitError, match="demo/files/a: more than once in its folder"):
        sources.read(hostile(tmp_path / "demo", ("100644", "a", oid), ("100644", "a", oid)))


@pytest.mark.parametrize("depth", [30, 60])
def test_folders_that_hold_each_other_many_times_are_refused_at_once(tmp_path, depth):
    root = tmp_path / "demo"
    inner = tree(root, ("100644", "f", store_in(root)) if depth == 30 else ("40000", "e", store_empty(root)))
    for _ in range(depth):
        inner = tree(root, *(("40000", name, inner) for name in "abcd"))
    source = hostile(root, ("40000", "a", inner))
    start = time.monotonic()
    with pytest.raises(MlgitError, match="too many files below"):
        sources.read(source)
    assert time.monotonic() - start < 10


def store_empty(root):
    """A folder with nothing in it, in a new repository."""
    store_in(root)
    return store(root, "tree", b"")


def test_huge_file_of_a_repository_is_refused_before_it_is_read(tmp_path):
    root = tmp_path / "demo"
    store_in(root)
    huge = store(root, "blob", bytes(limits.LARGEST_FILE + 1))
    with pytest.raises(MlgitError, match=r"demo/files/zeros: 10,485,761 bytes, and a file of a template has"):
        sources.read(hostile(root, ("100644", "zeros", huge)))


def test_too_many_files_and_too_many_bytes_are_refused():
    with pytest.raises(MlgitError, match="demo: 2,001 files"):
        limits.check_sizes({f"files/{number}": 1 for number in range(2001)}, name="demo")
    with pytest.raises(MlgitError, match="larger than 52,428,800 bytes in all, the largest of them files/5"):
        limits.check_sizes({f"files/{number}": (9 << 20) + number for number in range(6)}, name="demo")


def test_repository_that_sends_too_much_is_refused(tmp_path, monkeypatch):
    root = tmp_path / "demo"
    store_in(root)
    source = hostile(root, ("100644", "noise", store(root, "blob", os.urandom(3 << 20))))
    monkeypatch.setattr(foreign, "NETWORK", Bounds(seconds=60, file_size=1 << 20))
    with pytest.raises(MlgitError, match=r"demo: sends more than 1 MiB, more than templates take"):
        sources.read(source)


def test_host_that_never_answers_is_given_up(tmp_path, monkeypatch):
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\nsleep 60\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    monkeypatch.setattr(foreign, "NETWORK", Bounds(seconds=0.5, file_size=1 << 20))
    start = time.monotonic()
    with pytest.raises(MlgitError, match=r"ssh://host/x.git: no answer within 0.5 s"):
        sources.read(sources.parse("ssh://host/x.git@v1"))
    assert time.monotonic() - start < 10


TWICE = "[% for a in range(99999) %][% for b in range(99999) %]x[% endfor %][% endfor %]"


@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        ("[[ 'a' * 10 ** 10 ]]", "more than fits into memory"),
        ("[[ [1] * 10 ** 10 ]]", "more than fits into memory"),
        ("[[ 'a' | center(10 ** 10) ]]", "more than fits into memory"),
        ("[[ '%9999999999d' % 1 ]]", "more than fits into memory"),
        ("[[ '{:9999999999}'.format(1) ]]", "more than fits into memory"),
        ("[[ [1] | batch(10 ** 10, 'x') | list ]]", "more than fits into memory"),
        (TWICE, "took more than 0.5 s"),
        ("[% macro m(x) %][[ m(x ~ x) ]][[ m(x) ]][% endmacro %][[ m('a') ]]", ""),
        ("[[ 1" + " + 1" * 20000 + " ]]", ""),
        ("[[ " + "(" * 20000 + "1" + ")" * 20000 + " ]]", "recursion"),
        ("[% for a in [1] %]" * 30 + "[% endfor %]" * 30, "nested blocks"),
        ("[% for a in range(10 ** 9) %][% endfor %]", "Range too big"),
    ],
)
def test_text_that_grows_or_never_ends_is_refused_with_its_line(hurry, bomb, said):
    with pytest.raises(MlgitError, match=f"^f: line 1: .*{said}"), bounds.bounded("demo"):
        fill(bomb, {}, name="f")


def test_bounds_are_gone_when_the_work_is_done(hurry):
    with bounds.bounded("demo"):
        pass
    time.sleep(0.6)
    assert len(bytes(600 << 20)) == 600 << 20


def test_file_that_is_rendered_too_large_is_refused():
    bomb = f"[% for a in range(10000) %]{'x' * 1100}[% endfor %]"
    with pytest.raises(MlgitError, match=r"demo, as rendered/a: 11,000,000 bytes"):
        render(make_template({"a.jinja": bomb}), {})


def test_pattern_that_takes_for_ever_is_refused_with_its_question(hurry):
    template = make_template({}, questions={"name": question(pattern="(a+)+b")})
    with (
        pytest.raises(MlgitError, match=r"--set: name: 'a+' cannot be matched with \(a\+\)\+b in time"),
        bounds.bounded("demo"),
    ):
        answers.parse_assignments(["name=" + "a" * 40], template.manifest)


NESTED = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"a0: &a0 [x]\n{NESTED}\n{MANIFEST}questions: *a29\n", "demo/template.yaml: "),
        (
            f"a0: &a0 [x]\n{NESTED}\n{MANIFEST}questions: {{q: {{type: multichoice, doc: x, default: *a29}}}}\n",
            "demo/template.yaml: ",
        ),
        (f"{MANIFEST}questions: {'[' * 50000}\n", "demo/template.yaml: "),
        (f"{MANIFEST}questions: {'{a: ' * 2000}\n", "demo/template.yaml: "),
        (f"{MANIFEST}questions: {{q: {{type: str, doc: x, pattern: '{'(' * 3000}{')' * 3000}'}}}}\n", "demo/template.yaml: "),
        (f"{MANIFEST}questions: {{q: {{type: str, doc: x, pattern: 'a{{99999999999}}'}}}}\n", "demo/template.yaml: "),
        (f"{MANIFEST}questions: !!python/object/apply:os.system [touch sprung]\n", "demo/template.yaml: "),
        (f"{MANIFEST}files: {{a: {{to: '[[ {'x' * limits.LARGEST_MANIFEST} ]]'}}}}\n", "a manifest has 262,144 at most"),
    ],
)
def test_manifest_that_grows_when_it_is_read_is_refused(hurry, tmp_path, text, said):
    folder = write_template(tmp_path / "demo", {"a": "x"})
    (folder / "template.yaml").write_text(text)
    start = time.monotonic()
    with pytest.raises(MlgitError, match=said):
        library.load(f"{folder}/")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("what", ["files", "size", "manifest", "fifo", "link"])
def test_folder_that_is_no_template_is_refused_before_it_is_read(tmp_path, what):
    folder = write_template(tmp_path / "demo", {"a": "x"})
    match what:
        case "files":
            for number in range(limits.MOST_FILES):
                (folder / "files" / str(number)).touch()
        case "size" | "manifest":
            os.truncate(folder / ("template.yaml" if what == "manifest" else "files/a"), 1 << 40)
        case "fifo":
            os.mkfifo(folder / "files" / "pipe")
        case "link":
            (folder / "files" / "passwd").symlink_to("/etc/passwd")
    said = {"files": "2,001 files", "size": "files/a: 1,099", "manifest": "template.yaml: 1,099"}
    with pytest.raises(MlgitError, match=said.get(what, "a symbolic link or special file")):
        library.load(f"{folder}/")


@pytest.mark.slow
def test_hostile_template_makes_nothing(tmp_path, cli):
    write_template(tmp_path / "demo", {"a.jinja": "ok\n[[ 'a' * 10 ** 10 ]]", "dot_git/hooks/post-commit": "touch sprung"})
    done = cli(tmp_path, "new", "p", "-t", "./demo")
    assert (done.code, "demo/files/dot_git/hooks/post-commit: would be written to" in done.err) == (2, True)
    (tmp_path / "demo" / "files" / "dot_git" / "hooks" / "post-commit").unlink()
    done = cli(tmp_path, "new", "p", "-t", "./demo")
    assert (done.code, "demo/files/a.jinja: line 2: makes more than fits" in done.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
