"""Tags in a real repository: written to the byte, signed, verified, never overwritten."""

from __future__ import annotations

import shutil
import subprocess
import tempfile

import pytest

from mlgit.adapters.git import tags
from mlgit.errors import MlgitError
from mlgit.registry import log
from tests.kit import commit, git, write_tree
from tests.registry.signing import trust, with_key

pytestmark = pytest.mark.slow  # real processes, many of them

MESSAGE = "Registering artifact churn version v1.0.0\n\n# not a comment\n\n\n  two spaces  \n---\nmlgit: 1\n"


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet")
    write_tree(folder, {"a.txt": "a"})
    commit(folder)
    return folder


def test_tag_holds_the_message_to_the_byte_and_the_time_asked(root):
    oid = tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1_700_000_000)
    raw = subprocess.run(["git", "cat-file", "tag", oid], cwd=root, capture_output=True, check=True).stdout.decode()
    head, _, body = raw.partition("\n\n")
    assert body == MESSAGE
    assert "tagger Ada Example <ada@example.com> 1700000000 " in head
    assert tags.names(root) == {"churn@v1.0.0": oid}


def test_existing_tag_is_never_overwritten(root):
    oid = tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1)
    with pytest.raises(tags.TagExistsError, match="exists already"):
        tags.write(root, "churn@v1.0.0", target="HEAD", message="other\n", when=2)
    assert tags.names(root) == {"churn@v1.0.0": oid}


def test_tag_below_another_is_refused_with_the_reason(root):
    git(root, "tag", "models")
    with pytest.raises(MlgitError, match="'refs/tags/models' exists"):
        tags.write(root, "models/nn@v1.0.0", target="HEAD", message=MESSAGE, when=1)


def test_tag_needs_somebody_who_makes_it(root, monkeypatch):
    git(root, "config", "--file", str(root / "nobody"), "user.useConfigOnly", "true")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(root / "nobody"))
    with pytest.raises(MlgitError, match="does not know who"):
        tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1)


def test_only_the_tag_that_was_written_is_deleted(root):
    oid = tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1)
    tags.delete(root, "churn@v1.0.0", oid="1" * 40)
    assert tags.names(root) == {"churn@v1.0.0": oid}
    tags.delete(root, "churn@v1.0.0", oid=oid)
    assert tags.names(root) == {}


def test_log_is_a_chain_that_only_one_of_two_writers_moves(root):
    first = tags.append_log(root, log.format([("a@v1.0.0", "1" * 40)]), upon="")
    assert tags.move_log(root, first, before="")
    second = tags.append_log(root, log.format([("a#prod#1", "2" * 40), ("b@v1.0.0", "3" * 40)]), upon=first)
    late = tags.append_log(root, log.format([("c@v1.0.0", "4" * 40)]), upon=first)
    assert tags.move_log(root, second, before=first)
    assert not tags.move_log(root, late, before=first)
    assert tags.LOG == log.REF
    assert tags.object_of(root, tags.LOG) == second
    assert git(root, "log", "--format=%B", tags.LOG).split() == [
        *("a#prod#1", "2" * 40, "b@v1.0.0", "3" * 40),
        *("a@v1.0.0", "1" * 40),
    ]
    assert git(root, "ls-tree", "-r", second) == ""


def test_unsigned_tag_has_no_good_signature(root):
    oid = tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1)
    assert tags.verify(root, oid) == tags.Signature(False, detail="not signed")


def test_missing_key_is_told_with_what_to_configure(root):
    git(root, "config", "gpg.format", "ssh")
    with pytest.raises(MlgitError, match="could not be signed") as caught:
        tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1, sign=True)
    assert "user.signingkey" in caught.value.hint
    assert tags.names(root) == {}


_SETTINGS = [("", ""), ("tag.gpgSign", "true"), ("tag.forceSignAnnotated", "yes")]
# What a signer can do instead of signing; some releases of Git take the first two for success.
_SIGNERS = {
    "ssh, key that is not there": ("ssh", "", "No such file"),
    "ssh, fails": ("ssh", "echo the agent refused operation >&2; exit 1", "the agent refused operation"),
    "ssh, does nothing": ("ssh", "exit 0", ""),
    "openpgp, fails": ("openpgp", "cat > /dev/null; exit 2", "failed to sign"),
    "openpgp, writes something else": (
        "openpgp",
        'cat > /dev/null; echo "[GNUPG:] SIG_CREATED D" >&2; echo hello',
        "no signature and no reason",
    ),
}


@pytest.mark.parametrize("setting", _SETTINGS, ids=lambda each: each[0] or "--sign")
@pytest.mark.parametrize("signer", _SIGNERS)
def test_signer_that_did_not_sign_leaves_no_tag(root, tmp_path, signer, setting):
    style, script, said = _SIGNERS[signer]
    (tmp_path / "signer").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "signer").chmod(0o755)
    git(root, "config", "gpg.format", style)
    git(root, "config", "user.signingkey", str(tmp_path / "missing.pub"))
    if script:
        git(root, "config", "gpg.ssh.program" if style == "ssh" else "gpg.program", str(tmp_path / "signer"))
    if setting[0]:
        git(root, "config", *setting)
    with pytest.raises(MlgitError, match="could not be signed") as caught:
        tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1, sign=not setting[0])
    assert said in caught.value.message
    assert tags.names(root) == {}


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
@pytest.mark.parametrize("setting", _SETTINGS[1:], ids=lambda each: each[0])
def test_settings_of_git_sign_as_the_option_does(root, tmp_path, setting):
    trust(root, tmp_path / "signers", {"ada@example.com": with_key(root, tmp_path / "keys", "ada@example.com")})
    git(root, "config", *setting)
    assert tags.verify(root, tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1)).is_good


def test_setting_that_is_no_yes_or_no_writes_no_tag(root):
    git(root, "config", "tag.gpgSign", "perhaps")
    with pytest.raises(MlgitError, match="perhaps"):
        tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1)
    assert tags.names(root) == {}


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_signature_by_a_trusted_ssh_key_names_its_owner(root, tmp_path):
    key = with_key(root, tmp_path / "keys", "ada@example.com")
    oid = tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1, sign=True)
    assert "gpg.ssh.allowedSignersFile" in tags.verify(root, oid).detail
    trust(root, tmp_path / "signers", {"ada@example.com": key})
    found = tags.verify(root, oid)
    assert (found.is_good, found.signer) == (True, "ada@example.com")
    assert found.key.startswith("SHA256:")


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_signature_by_an_unknown_ssh_key_is_not_good(root, tmp_path):
    with_key(root, tmp_path / "keys", "eve@example.com")
    oid = tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1, sign=True)
    other = with_key(root, tmp_path / "others", "ada@example.com")
    trust(root, tmp_path / "signers", {"ada@example.com": other})
    found = tags.verify(root, oid)
    assert (found.is_good, found.signer) == (False, "")
    assert found.detail


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not installed")
def test_signature_by_an_openpgp_key_names_the_address_of_the_key(root, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="mlgit-gpg-") as home:  # gpg's sockets need a short path
        monkeypatch.setenv("GNUPGHOME", home)
        argv = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key"]
        made = subprocess.run([*argv, "Eve Example <eve@example.com>", "ed25519", "sign"], capture_output=True)
        if made.returncode:
            pytest.skip(f"gpg makes no key here: {made.stderr.decode(errors='replace')[:200]}")
        git(root, "config", "user.signingkey", "eve@example.com")
        oid = tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1, sign=True)
        found = tags.verify(root, oid)
        subprocess.run(["gpgconf", "--kill", "all"], capture_output=True)
    assert (found.is_good, found.signer, len(found.key)) == (True, "eve@example.com", 40)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_changed_tag_loses_its_signature(root, tmp_path):
    trust(root, tmp_path / "signers", {"ada@example.com": with_key(root, tmp_path / "keys", "ada@example.com")})
    oid = tags.write(root, "churn@v1.0.0", target="HEAD", message=MESSAGE, when=1, sign=True)
    raw = subprocess.run(["git", "cat-file", "tag", oid], cwd=root, capture_output=True, check=True).stdout
    forged = raw.replace(b"two spaces", b"10 spaces!")
    changed = subprocess.run(["git", "mktag"], cwd=root, input=forged, capture_output=True, check=True).stdout.decode().strip()
    assert tags.verify(root, oid).is_good
    assert not tags.verify(root, changed).is_good
