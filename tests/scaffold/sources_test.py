"""Where templates come from: what `-t` takes, and what is fetched from a repository."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mlgit.errors import MlgitError
from mlgit.scaffold import sources
from mlgit.scaffold.render import render
from mlgit.scaffold.sources import TemplateSource, parse
from tests.kit import git
from tests.kit.git_server import http_host, ssh_environment
from tests.scaffold.kit import write_template

OID = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "kind", "where", "ref", "subfolder"),
    [
        ("minimal", "builtin", "minimal", "", ""),
        ("./ours", "folder", "./ours", "", ""),
        ("..", "folder", "..", "", ""),
        ("/srv/ours@v1", "folder", "/srv/ours@v1", "", ""),
        ("~/ours", "folder", "~/ours", "", ""),
        ("https://host/org/x.git", "url", "https://host/org/x.git", "", ""),
        ("https://host/org/x.git@v1.2.0", "url", "https://host/org/x.git", "v1.2.0", ""),
        ("https://host/org/x@v1.2.0", "url", "https://host/org/x", "v1.2.0", ""),
        (
            "HTTPS://host:8443/x.git@feature/y#templates/churn/",
            "url",
            "https://host:8443/x.git",
            "feature/y",
            "templates/churn",
        ),
        ("https://host/x.git#churn", "url", "https://host/x.git", "", "churn"),
        ("https://host/@org/x", "url", "https://host/@org/x", "", ""),
        ("https://host/a@1.git@v1", "url", "https://host/a%401.git", "v1", ""),
        ("ssh://git@host/x.git@v1", "url", "ssh://git@host/x.git", "v1", ""),
        ("ssh://git@host:22/x.git", "url", "ssh://git@host:22/x.git", "", ""),
        ("git@host:org/x.git@v1", "url", "git@host:org/x.git", "v1", ""),
        ("git@host:x", "url", "git@host:x", "", ""),
        ("git@[::1]:x.git@v1", "url", "git@[::1]:x.git", "v1", ""),
        ("host:~/x.git@v1#a", "url", "host:~/x.git", "v1", "a"),
        (f"file:///srv/x@{OID}", "url", "file:///srv/x", OID, ""),
        ("git://host/x.git@main", "url", "git://host/x.git", "main", ""),
    ],
)
def test_template_is_named_by_name_folder_or_url(text, kind, where, ref, subfolder):
    found = parse(text)
    assert found == TemplateSource(kind, where, ref, subfolder)
    assert parse(str(found)) == found
    assert parse(str(replace(found, ref=""))) == replace(found, ref="")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no template"),
        ("-x", "is no template"),
        ("--upload-pack=touch x", "is no template"),
        ("https://host/x\n.git", "is no template"),
        ("ext::sh -c touch%20x", "a program of Git's"),
        ("fd::17", "a program of Git's"),
        ("ftp://host/x.git", "ftp: no protocol"),
        ("ssh://-oProxyCommand=touch/x", "no address"),
        ("-u@host:x", "is no template"),
        ("ssh://-u@host/x", "no address"),
        ("https://host", "no address"),
        ("https://host/", "no address"),
        ("file://", "no address"),
        ("https:///x.git", "no address"),
        ("https://host/x.git@", "names no tag"),
        ("https://host/x.git@-v", "names no tag"),
        ("https://host/x.git@a..b", "names no tag"),
        ("https://host/x.git@v*", "names no tag"),
        ("https://host/x.git@v1#../y", "no folder of a repository"),
        ("https://host/x.git#a/.git/b", "no folder of a repository"),
        ("https://host/x.git?token=secret@v1", "an address with a query"),
        ("git@host:a@b.git@v1", "an @ in the path"),
    ],
)
def test_what_is_no_template_is_refused(text, said):
    with pytest.raises(MlgitError, match=said) as caught:
        parse(text)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:secret@host/x.git@v1", "https://host/x.git@v1"),
        ("https://secret@host/x.git@v1", "https://host/x.git@v1"),
        ("https://ada:se@cret@host/x.git", "https://host/x.git"),
        ("ssh://git:secret@host/x.git@v1", "ssh://git@host/x.git@v1"),
    ],
)
def test_password_is_neither_shown_nor_stored(text, shown):
    found = parse(text)
    assert (str(found), "secret" in repr(found), bool(found.login)) == (shown, False, True)


def publish(folder, *, text="", tag=""):
    """Commit a folder and, with `text`, a template at its top that renders it; the commit."""
    folder.mkdir(exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    if text:
        (folder / "files").mkdir(exist_ok=True)
        (folder / "template.yaml").write_text("mlgit_template: 1\nname: demo\nversion: 1.0.0\ndescription: a\n")
        (folder / "files" / "a.txt").write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "x")
    if tag:
        git(folder, "tag", *(["-a", "-m", "x"] if tag.endswith("0") else []), tag)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """A repository with a template at its top in several versions; its commits by tag."""
    folder = tmp_path_factory.mktemp("host") / "demo"
    tags = ("v1.2.0", "v1.10.0", "v2.0.0-rc.1", "latest", "0.9.1")
    return folder, {tag: publish(folder, text=tag, tag=tag) for tag in tags}


def test_version_is_fetched_and_pinned_to_its_commit(repo):
    folder, commits = repo
    found = sources.read(parse(f"file://{folder}@v1.2.0"))
    assert found.source.commit == commits["v1.2.0"]
    assert render(found.template, {}) == {"a.txt": ("100644", b"v1.2.0")}


def test_versions_are_in_the_order_of_numbers_and_pre_releases_last(repo):
    folder, commits = repo
    order = ("v1.10.0", "v1.2.0", "0.9.1", "v2.0.0-rc.1")
    assert sources.versions(parse(f"file://{folder}")) == tuple((tag, commits[tag]) for tag in order)


def test_newest_version_is_taken_where_none_is_named(repo):
    folder, commits = repo
    found = sources.read(parse(f"file://{folder}")).source
    assert (found.ref, found.commit) == ("v1.10.0", commits["v1.10.0"])


@pytest.mark.parametrize("ref", ["main", "0.9.1", None])
def test_branch_tag_and_commit_are_taken(repo, ref):
    folder, commits = repo
    found = sources.read(parse(f"file://{folder}@{ref or commits['0.9.1']}"))
    assert found.source.commit == commits["0.9.1"]
    assert found.template.files == {"a.txt": b"0.9.1"}


def test_pinned_commit_goes_before_a_tag_that_moved(tmp_path):
    first = publish(tmp_path / "x", text="one", tag="v1.0.0")
    publish(tmp_path / "x", text="two")
    git(tmp_path / "x", "tag", "-f", "v1.0.0")
    source = parse(f"file://{tmp_path}/x@v1.0.0")
    assert sources.read(replace(source, commit=first)).template.files == {"a.txt": b"one"}
    assert sources.read(source).template.files == {"a.txt": b"two"}


def test_default_branch_is_taken_where_there_is_no_version(tmp_path):
    commit = publish(tmp_path / "x", text="a")
    found = sources.read(parse(f"file://{tmp_path}/x")).source
    assert (found.ref, found.commit) == ("", commit)


def test_repository_without_versions_and_default_branch_is_said(tmp_path):
    git(tmp_path, "init", "--quiet", "x")
    with pytest.raises(MlgitError, match="x: no version is tagged there, and no default branch"):
        sources.read(parse(f"file://{tmp_path}/x"))


def test_repository_with_longer_ids_is_read(tmp_path):
    (tmp_path / "x").mkdir()
    git(tmp_path / "x", "init", "--quiet", "--object-format=sha256")
    commit = publish(tmp_path / "x", text="a", tag="v1.0.0")
    assert (len(commit), sources.read(parse(f"file://{tmp_path}/x")).source.commit) == (64, commit)


def test_one_of_several_templates_is_taken_with_its_part(tmp_path):
    (tmp_path / "x" / "t" / "parts").mkdir(parents=True)
    write_template(tmp_path / "x" / "t" / "parts" / "badge", {"badge.svg": "<svg/>"}, name="badge")
    write_template(tmp_path / "x" / "t" / "churn", {"a": "x"}, name="churn", parts={"badge": {}})
    publish(tmp_path / "x", tag="v1.0.0")
    found = sources.read(parse(f"file://{tmp_path}/x@v1.0.0#t/churn"))
    assert render(found.template, {}).keys() == {"a", "badge.svg"}
    with pytest.raises(MlgitError, match="no template at its top") as caught:
        sources.read(parse(f"file://{tmp_path}/x@v1.0.0"))
    assert caught.value.hint == "name one of its folders: #t/churn, #t/parts/badge"


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("@v1.2", "no tag or branch 'v1.2', did you mean 'v1.2.0'?", "versions: v1.10.0, v1.2.0, 0.9.1"),
        ("@abcdef1", "no tag or branch 'abcdef1'", "write a commit id in full"),
        (f"@{OID}", f"commit {OID} is not there", "name a tag"),
        ("@v1.2.0#nope", "no folder 'nope'", ""),
        ("@v1.2.0#files", "no template in files", "a template is a folder"),
        ("@v1.2.0#files/a.txt", "no folder 'files/a.txt'", ""),
    ],
)
def test_what_is_not_in_the_repository_is_said(repo, text, said, hint):
    with pytest.raises(MlgitError) as caught:
        sources.read(parse(f"file://{repo[0]}{text}"))
    assert said in caught.value.message
    assert caught.value.hint.startswith(hint)


def test_source_that_is_gone_says_what_still_works(tmp_path):
    with pytest.raises(MlgitError, match=rf"^file://{tmp_path}/x: cannot be fetched: fatal: ") as caught:
        sources.read(parse(f"file://{tmp_path}/x@v1.0.0"))
    assert "goes on without it" in caught.value.hint


def test_template_is_fetched_over_http_with_a_login_that_nobody_sees(repo, tmp_path):
    git(tmp_path, "clone", "--quiet", "--bare", str(repo[0]), "demo.git")
    with http_host(tmp_path) as address:
        host = address.removeprefix("http://")
        found = sources.read(parse(f"http://ada:secret@{host}/demo.git@v1.2.0"))
        assert (found.source.commit, found.source.where) == (repo[1]["v1.2.0"], f"{address}/demo.git")
        with pytest.raises(MlgitError) as caught:
            sources.read(parse(f"http://ada:secret@{host}/gone.git@v1.2.0"))
    assert "secret" not in caught.value.message + caught.value.hint


def test_server_without_shallow_clones_is_read_whole(repo, tmp_path):
    git(tmp_path, "clone", "--quiet", "--bare", str(repo[0]), "demo.git")
    git(tmp_path / "demo.git", "update-server-info")
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        found = sources.read(parse(f"http://127.0.0.1:{server.server_port}/demo.git@v1.2.0"))
    finally:
        server.shutdown()
        server.server_close()
    assert found.template.files == {"a.txt": b"v1.2.0"}


def test_ssh_and_the_users_own_rewriting_of_urls_are_honoured(repo, tmp_path, monkeypatch):
    for key, value in ssh_environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    assert sources.read(parse(f"ssh://git@host{repo[0]}@v1.2.0")).source.commit == repo[1]["v1.2.0"]
    assert sources.read(parse(f"git@host:{repo[0]}@v1.2.0")).source.commit == repo[1]["v1.2.0"]
    git(tmp_path, "config", "--global", f"url.file://{repo[0].parent}/.insteadOf", "https://templates.invalid/")
    assert sources.read(parse("https://templates.invalid/demo@v1.2.0")).source.commit == repo[1]["v1.2.0"]


def test_rewriting_to_a_program_is_refused(tmp_path):
    git(tmp_path, "config", "--global", f"url.ext::touch {tmp_path}/sprung %.insteadOf", "https://templates.invalid/")
    with pytest.raises(MlgitError, match="transport 'ext' not allowed"):
        sources.read(parse("https://templates.invalid/x"))
    assert not (tmp_path / "sprung").exists()


def test_source_of_a_project_is_found_from_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = Path("work/p")
    for text, kept in (("minimal", "builtin"), ("./ours", "../../ours"), ("work/p/t", "./t"), ("/srv/ours", "/srv/ours")):
        assert sources.recorded(parse(text), project=project) == kept
        found = sources.remembered(kept, template="minimal", ref="", commit="", project=project)
        assert os.path.normpath(found.where) == os.path.normpath(text)
    found = sources.remembered("https://host/x.git#a", template="x", ref="v1", commit=OID, project=project)
    assert found == TemplateSource("url", "https://host/x.git", "v1", "a", OID)
