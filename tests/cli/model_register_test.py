"""`mlgit model register`: what becomes a version, and what is refused."""

from __future__ import annotations

import shutil

import pytest

from tests.kit import commit, git, repository, write_tree
from tests.registry.projects import fill, made
from tests.registry.worlds import churn, facts, world

pytestmark = pytest.mark.slow  # real repositories, many times


@pytest.fixture
def root(tmp_path, cli):
    return made(tmp_path / "project", cli)


@pytest.fixture
def shared(tmp_path):
    return world(tmp_path)


def test_first_version_with_what_it_is_made_of(root, cli):
    done = cli(root, "model", "register", "churn", "-m", "The first one\nthat works")
    head = git(root, "rev-parse", "HEAD")
    assert (done.code, done.out.splitlines()[0]) == (0, f"registered churn@v0.0.1 at {head[:10]} (churn@v0.0.1)")
    event = churn(root).events[0]
    assert (event.commit, event.body.sentence, event.body.reason) == (
        *(head, "Registering artifact churn version v0.0.1"),
        "The first one\nthat works",
    )
    written = event.body.facts
    assert (written["mlgit"], written["event"], written["version"]) == (1, "register", "v0.0.1")
    assert written["model"]["path"] == "models/churn.json"
    assert [(row["path"], row["role"]) for row in written["data"]] == [
        *(("data/test.csv", "test"), ("data/train.csv", "train")),
        ("data/raw.csv", "source"),
    ]
    assert written["metrics"]["auc"]["value"] == 0.3
    assert written["metrics"]["auc"]["data"] == written["data"][0]["md5"]
    assert "previous" not in written
    assert len(event.text) < 4096


@pytest.mark.parametrize(
    ("args", "version"),
    [
        ((), "v1.2.1"),
        (("--bump", "patch"), "v1.2.1"),
        (("--bump", "minor"), "v1.3.0"),
        (("--bump", "major"), "v2.0.0"),
        (("--version", "v1.1.5"), "v1.1.5"),
        (("--version", "3.0.0-rc.1"), "v3.0.0-rc.1"),
    ],
)
def test_next_version(shared, cli, args, version):
    commit(shared.root)
    done = cli(shared.root, "model", "register", "churn", *args)
    assert done.code == 0, done.said
    last = churn(shared.root).events[-1]
    assert (last.name.version, last.previous) == (version, ("churn@v1.2.0", git(shared.root, "rev-parse", "churn@v1.2.0")))


@pytest.mark.slow
@pytest.mark.parametrize(("args", "version"), [(("--bump", "minor"), "v0.1.0"), (("--bump", "major"), "v1.0.0")])
def test_first_version_can_be_bumped_from_nothing(root, cli, args, version):
    assert cli(root, "model", "register", "churn", *args).code == 0
    assert churn(root).latest.name == version


def test_older_commit_is_registered_as_it_was(shared, cli):
    git(shared.root, "tag", "--delete", "churn@v1.0.0", "churn@v1.1.0", "churn@v1.2.0")
    git(shared.root, "remote", "remove", "origin")
    write_tree(shared.root, {"params.yaml": "train: {depth: 9}\n"})
    assert cli(shared.root, "model", "register", "churn", "HEAD~1").code == 0
    assert facts(shared.root, "churn@v0.0.1")["metrics"]["auc"]["value"] == 0.5


def refused(root, cli, *args, code=1):
    before = git(root, "for-each-ref")
    done = cli(root, "model", "register", *args)
    assert done.code == code, done.said
    assert git(root, "for-each-ref") == before
    return done.said


def test_stale_lock_is_refused(root, cli):
    write_tree(root, {"params.yaml": "train: {depth: 9}\n"})
    commit(root)
    assert "stale: train" in refused(root, cli, "churn")


@pytest.mark.parametrize("run", [False, True])
def test_uncommitted_changes_of_the_pipeline_are_refused(root, cli, run):
    write_tree(root, {"params.yaml": "train: {depth: 9}\n"})
    if run:
        assert cli(root, "run").code == 0
    assert "uncommitted changes touch the pipeline" in refused(root, cli, "churn")


def test_changes_beside_the_pipeline_do_not_matter(root, cli):
    write_tree(root, {"notes.txt": "think", "README.md": "read"})
    assert cli(root, "model", "register", "churn").code == 0


@pytest.mark.slow
def test_missing_outputs_are_refused_unless_the_remote_has_them(root, cli, tmp_path):
    there = tmp_path / "there"
    shutil.copytree(root / ".dvc" / "cache" / "files", there / "files")
    shutil.rmtree(root / ".dvc" / "cache")
    for path in ("models", "reports/predictions.csv", "data/train.csv", "data/test.csv", "data/raw.csv"):
        shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()
    assert "nowhere: " in refused(root, cli, "churn", "main")
    (root / ".dvc" / "config").write_text(f"[core]\n    remote = there\n['remote \"there\"']\n    url = {there}\n")
    assert cli(root, "model", "register", "churn", "main").code == 0


def test_second_version_on_one_commit_is_refused(shared, cli):
    assert "this commit is v1.2.0" in refused(shared.root, cli, "churn")
    assert "this commit is v1.2.0" in refused(shared.root, cli, "churn", "--version", "v9.0.0")


@pytest.mark.slow
def test_name_of_a_version_is_given_once(shared, cli):
    commit(shared.root)
    assert "v1.1.0 is commit" in refused(shared.root, cli, "churn", "--version", "1.1.0")
    assert cli(shared.root, "model", "retire", "churn@v1.2.0").code == 0
    assert "v1.2.0 is commit" in refused(shared.root, cli, "churn", "--version", "v1.2.0")
    assert cli(shared.root, "model", "register", "churn").code == 0
    assert churn(shared.root).latest.name == "v1.2.1"


@pytest.mark.slow
def test_withdrawn_version_is_registered_anew_at_its_commit_only_by_name(shared, cli):
    assert cli(shared.root, "model", "retire", "churn@v1.2.0").code == 0
    assert "this commit was v1.2.0" in refused(shared.root, cli, "churn")
    assert cli(shared.root, "model", "register", "churn", "--version", "v1.2.0").code == 0
    assert (churn(shared.root).latest.name, churn(shared.root).events[-1].ref) == ("v1.2.0", "churn@v1.2.0#1")


def test_unknown_model_and_words_that_are_no_version(root, cli):
    assert "did you mean 'churn'?" in refused(root, cli, "churm", code=2)
    assert "is not a version" in refused(root, cli, "churn", "--version", "latest", code=2)
    assert "exclude each other" in refused(root, cli, "churn", "--version", "v1.0.0", "--bump", "minor", code=2)
    assert "unknown revision" in refused(root, cli, "churn", "nowhere", code=2)


EVALUATE = """\
mkdir -p reports
printf '{"accuracy": 0.6, "brier": 0.25}' > reports/metrics.json
printf 'id,label,prediction,score\\n15,1,1,0.9\\n16,0,1,0.6\\n17,1,1,0.7\\n18,0,0,0.1\\n' > reports/predictions.csv
"""


@pytest.mark.slow
def test_notes_without_a_card_and_stale_cards_are_refused(tmp_path, cli):
    root = made(tmp_path / "carded", cli, {"cards/churn.yaml": "owners: [Ada]\n", "src/evaluate.sh": EVALUATE})
    assert "card" in refused(root, cli, "churn")
    assert cli(root, "card", "build", "churn").code == 0
    built = commit(root)
    assert cli(root, "model", "register", "churn", "--dry-run").code == 0
    (root / "cards" / "churn.md").write_text("A fine model.\n")
    commit(root)
    assert "card: stale" in refused(root, cli, "churn")
    assert cli(root, "model", "register", "churn", built).code == 0
    assert facts(root, "churn@v0.0.1")["card"] == {
        "path": "cards/churn.md",
        "blob": git(root, "rev-parse", f"{built}:cards/churn.md"),
    }


@pytest.mark.parametrize("other", ["CHURN@v0.0.1", "Churn#prod#1", "churn@v0.0.1/hotfix", "CHURN@V0.0.1/x"])
def test_names_that_collide_are_refused(root, cli, other):
    git(root, "tag", "--annotate", "--message", "x", other)
    said = refused(root, cli, "churn", code=2)
    assert "in case only" in said or "a folder of the other" in said


@pytest.mark.slow
def test_model_in_a_folder_has_the_name_that_gto_gives_it(tmp_path, cli):
    top = repository(tmp_path / "top")
    shutil.rmtree(top / ".dvc")
    (top / ".dvcignore").unlink()
    commit(top)
    inner = tmp_path / "inner"
    repository(inner)
    shutil.copytree(inner, top / "models" / "nlp", ignore=shutil.ignore_patterns(".git"))
    root = fill(top / "models" / "nlp", cli)
    assert cli(root, "model", "register", "churn").code == 0
    assert cli(root, "model", "promote", "churn", "prod", "--new-environment").code == 0
    assert cli(root, "model", "promote", "models/nlp:churn@v0.0.1", "staging", "--new-environment").code == 0
    assert git(top, "tag").split() == ["models/nlp=churn#prod#1", "models/nlp=churn#staging#2", "models/nlp=churn@v0.0.1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "reason",
    [
        "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----",
        "fine\n---\nmlgit: 1\nevent: register\nversion: v9.9.9",
        "# heading\n\n\n  indented \x1b[31mred\x1b[0m \u202egnp\u202c",
        "--cleanup=strip",
        "ünïcode 模型 🐳",
    ],
)
def test_reason_is_text_and_nothing_else(root, cli, reason):
    assert cli(root, "model", "register", "churn", "-m", reason).code == 0
    event = churn(root).events[0]
    assert (event.body.fault, event.body.facts["version"]) == ("", "v0.0.1")
    assert not event.is_signed
    assert "\x1b" not in event.text


@pytest.mark.parametrize(
    "name", ["../churn", "churn@v1.0.0", "-churn", "churn;reboot", "", "churn\n", "$(reboot)", "churn.lock"]
)
def test_hostile_names_are_refused_in_words(root, cli, name):
    assert refused(root, cli, "--", name, code=2).startswith("error: ")


@pytest.mark.parametrize("environment", ["../prod", "prod!", "pr od", "--push", "a//b", "prod#1", ""])
def test_hostile_environments_are_refused_in_words(shared, cli, environment):
    done = cli(shared.root, "model", "promote", "--", "churn", environment)
    assert (done.code, done.err[:7]) == (2, "error: ")


def test_dry_run_prints_the_tag_as_json(root, cli):
    before = git(root, "for-each-ref")
    done = cli(root, "model", "register", "churn", "--dry-run", "--json")
    assert (done.json["schema"], done.json["tag"], done.json["dry_run"]) == (1, "churn@v0.0.1", True)
    assert done.json["body"].startswith("Registering artifact churn version v0.0.1\n")
    assert git(root, "for-each-ref") == before
