"""Signing keys of SSH, made for a test."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.kit import git


def with_key(root: Path, folder: Path, email: str) -> str:
    """Give a clone a new key to sign with, for the person of this address; returns the public key."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / email.partition("@")[0]
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", email, "-f", str(file)]
    subprocess.run(argv, check=True, capture_output=True)
    git(root, "config", "gpg.format", "ssh")
    git(root, "config", "user.signingkey", str(file))
    git(root, "config", "user.email", email)
    return file.with_suffix(".pub").read_text().strip()


def trust(root: Path, file: Path, keys: Mapping[str, str]) -> None:
    """Name the keys that a clone trusts, public key by address."""
    file.write_text("".join(f"{email} {key}\n" for email, key in keys.items()))
    git(root, "config", "gpg.ssh.allowedSignersFile", str(file))
