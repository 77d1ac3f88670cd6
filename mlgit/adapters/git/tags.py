"""Annotated tags in small verbs: write, sign, verify, delete; and the log of what was published."""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.system.process import Completed, ProcessError
from mlgit.errors import MlgitError

# The published tags in the order in which they were: a chain of commits without files. Its fast-forward makes a push
# of one writer fail when another was faster, whatever the names of their tags.
LOG = "refs/mlgit/log"
_SPACE = "refs/tags/"
_NO_OID = "0" * 40


class TagExistsError(MlgitError):
    """A tag of this name is there already."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What Git says about the signature of a tag: whether it is good by a key it trusts, and whose.

    `signer` is the principal of git's allowed signers file, or the address in the user id of an OpenPGP key (the whole id
    where it has none); `key` its fingerprint.
    """

    is_good: bool
    signer: str = ""
    key: str = ""
    detail: str = ""


def names(root: Path) -> dict[str, str]:
    """Every tag, below refs/tags/, with the id of what it names (for an annotated one: of the tag object)."""
    return names_and_log(root)[0]


def names_and_log(root: Path) -> tuple[dict[str, str], str]:
    """The same, and where the log of published tags is, '' where there is none."""
    rows = git.run(root, "for-each-ref", "--format=%(objectname) %(refname)", _SPACE, LOG).text.splitlines()
    found = {ref: oid for oid, _, ref in (row.partition(" ") for row in rows)}
    last = found.pop(LOG, "")
    return {ref.removeprefix(_SPACE): oid for ref, oid in found.items()}, last


def write(root: Path, name: str, *, target: str, message: str, when: int, sign: bool = False) -> str:
    """Write an annotated tag whose message is `message` to the byte; returns the id of the tag object.

    `when` is the tagger's time in seconds since 1970, told in the zone of this machine. It is signed when `sign` says so
    or Git's settings do, with the key of Git's configuration (gpg.format, user.signingkey).
    Raises TagExistsError instead of touching an existing tag, and MlgitError when a signature is asked and none was made;
    then there is no tag.
    """
    signed = sign or _signs_by_setting(root)
    dated = {"GIT_COMMITTER_DATE": f"@{when} {time.strftime('%z', time.localtime(when))}"}
    args = [
        "-c",
        "user.useConfigOnly=true",
        "tag",
        "-s" if signed else "-a",
        "--cleanup=verbatim",
        "--file=-",
        "--",
        name,
        target,
    ]
    done = git.run(root, *args, stdin=message.encode(), env=dated, check=False)
    if done.code:
        raise _refusal(done, name)
    oid = git.line(root, "rev-parse", "--verify", f"{_SPACE}{name}")
    # Some releases of Git write the tag without a signature, and say that all went well, when the signer did not
    if signed and not _has_signature(root, oid, message):
        delete(root, name, oid=oid)
        raise _unsigned(name, done.stderr)
    return oid


def _signs_by_setting(root: Path) -> bool:
    """Whether Git is told to sign every annotated tag."""
    done = git.run(root, "config", "--type=bool", "--get-regexp", r"^tag\.(gpgsign|forcesignannotated)$", check=False)
    if done.code > 1:  # a value that is no yes or no: nothing is signed or left unsigned by a guess
        raise ProcessError(done)
    last = dict(row.split(" ", 1) for row in done.text.splitlines())
    return "true" in last.values()


def _has_signature(root: Path, oid: str, message: str) -> bool:
    """Whether a tag object ends with a signature after its message."""
    _, content = git.read_objects(root, [oid]).get(oid, ("", b""))
    _, _, text = content.partition(b"\n\n")
    return text.startswith(message.encode() + b"-----BEGIN ")


def _refusal(done: Completed, name: str) -> MlgitError:
    said = done.stderr.decode(errors="replace").strip()
    if re.search(r"tell me who you are|auto-detection is disabled|empty ident name", said):
        return MlgitError(
            f"Git does not know who writes the tag: {said.splitlines()[-1]}",
            'type `git config --global user.name "Your Name"` and `git config --global user.email you@example.com`',
        )
    if "already exists" in said:
        return TagExistsError(f"the tag {name} exists already", f"`git show {name}` shows it")
    if "cannot lock ref" in said or "cannot create" in said:
        return MlgitError(
            f"the tag {name} cannot be written: {said.splitlines()[-1]}", "choose a name that no tag is in the way of"
        )
    if re.search(r"sign|secret key|gpg|ssh-keygen|signingkey", said, re.IGNORECASE):
        return _unsigned(name, done.stderr)
    return ProcessError(done)


def _unsigned(name: str, stderr: bytes) -> MlgitError:
    """That a tag could not be signed, in the signer's own words."""
    lines = [line.removeprefix("error:").strip() for line in stderr.decode(errors="replace").splitlines()]
    said = [line for line in lines if line and line != "unable to sign the tag"]
    return MlgitError(
        f"the tag {name} could not be signed: {'; '.join(said) or 'the signer gave no signature and no reason'}",
        "`git config user.signingkey` names the key, `git config gpg.format ssh` says that it is one of SSH",
    )


def delete(root: Path, name: str, *, oid: str) -> None:
    """Take away a tag that was just written; one that is not `oid` any more stays."""
    git.run(root, "update-ref", "-d", f"{_SPACE}{name}", oid, check=False)


def object_of(root: Path, ref: str) -> str:
    """What a full ref name points at, '' where there is none."""
    done = git.run(root, "rev-parse", "--verify", "--quiet", ref, check=False)
    return done.text.strip()


def verify(root: Path, oid: str) -> Signature:
    """Whether a tag object is signed by a key that Git's configuration trusts (gpg.ssh.allowedSignersFile, or the keyring)."""
    done = git.run(root, "verify-tag", "--raw", oid, check=False)
    said = (done.stderr + done.stdout).decode(errors="replace")
    signer, key = _ssh_signer(said) or _openpgp_signer(said) or ("", "")
    if done.code == 0 and signer:
        return Signature(True, signer, key)
    return Signature(False, signer, key, _trouble(said))


def _ssh_signer(said: str) -> tuple[str, str] | None:
    found = re.search(r'^Good "git" signature (?:for (?P<who>.+) )?with \S+ key (?P<key>\S+)', said, re.MULTILINE)
    return (found["who"] or "", found["key"]) if found else None


def _openpgp_signer(said: str) -> tuple[str, str] | None:
    good = re.search(r"^\[GNUPG:\] GOODSIG \S+ (.*)$", said, re.MULTILINE)
    valid = re.search(r"^\[GNUPG:\] VALIDSIG (\S+)", said, re.MULTILINE)
    if not good:
        return None
    address = re.search(r"<([^<>]+)>\s*$", good[1])  # a person is told by the address of the key, not by what the tag says
    return address[1] if address else good[1], valid[1] if valid else ""


def _trouble(said: str) -> str:
    if "no signature found" in said:
        return "not signed"
    if "allowedSignersFile needs to be configured" in said:
        return "Git has no list of keys to trust: `git config gpg.ssh.allowedSignersFile FILE`"
    if "No principal matched" in said:
        return "the key is not in Git's gpg.ssh.allowedSignersFile"
    lines = [line for line in said.splitlines() if line and not line.startswith("[GNUPG:]")]
    return lines[-1].removeprefix("error: ") if lines else "the signature is not good"


def signers_state(root: Path) -> str:
    """What says whether the keys that Git trusts may have changed: the format, and the list of signers with its content."""
    told = git.run(root, "config", "--get-regexp", r"^(gpg\..*|user\.signingkey)$", check=False).text
    path = git.run(root, "config", "--type=path", "gpg.ssh.allowedSignersFile", check=False).text.strip()
    content = b""
    if path:
        with suppress(OSError):
            content = (root / path).read_bytes()
    return hashlib.sha256(told.encode() + content).hexdigest()


def append_log(root: Path, text: str, *, upon: str) -> str:
    """Store a commit of the log, whose message names tags; no ref moves. `upon` is the commit before it, or ''."""
    signature = git.committer(root)
    return git.write_commit(root, git.write_tree(root, {}), message=text, signature=signature, parents=[upon] if upon else [])


def read_log(root: Path, *, at: str = LOG, since: str = "") -> list[tuple[str, str]]:
    """The commits of the log (here, or the one that ends `at` a commit) after `since`, oldest first, each with its message."""
    left_out = [f"^{since}"] if since else []
    done = git.run(root, "log", "--reverse", "--topo-order", "--no-show-signature", "--format=%H%n%B%x00", at, *left_out, "--")
    rows = [row.lstrip("\n").partition("\n") for row in done.text.split("\0")]
    return [(commit, message) for commit, _, message in rows if commit]


def move_log(root: Path, commit: str, *, before: str) -> bool:
    """Point the log at a commit, unless it is not at `before` ('' for no log) any more; tells whether it did."""
    return git.run(root, "update-ref", "-m", "mlgit", LOG, commit, before or _NO_OID, check=False).code == 0


@dataclass(frozen=True, slots=True)
class Listed:
    """An annotated tag: its name below refs/tags/, its id, what it points at, its tagger's address."""

    name: str
    oid: str
    target: str
    email: str
    is_signed: bool


def below(root: Path, folder: str) -> list[Listed]:
    """The annotated tags below a folder of tags, by name."""
    signed = "%(if)%(contents:signature)%(then)1%(end)"
    fields = f"%(refname:lstrip=2)%00%(objecttype)%00%(objectname)%00%(object)%00%(taggeremail)%00{signed}"
    found = []
    for row in git.run(root, "for-each-ref", f"--format={fields}", f"{_SPACE}{folder.rstrip('/')}/").text.splitlines():
        name, kind, oid, target, email, signature = row.split("\0")
        if kind == "tag":
            found.append(Listed(name, oid, target, email.strip("<>"), bool(signature)))
    return found
