"""The Dockerfile: clean for hadolint, the same twice, and broken by nothing that a release says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlgit.scaffold import library
from mlgit.serving.package import dockerfile
from mlgit.serving.package.dockerfile import BASE, ImageInstall
from tests.serving.package.releases import packaged

HADOLINT = Path(sys.executable).with_name("hadolint")


def hadolint(text):
    done = subprocess.run([HADOLINT, "--failure-threshold", "style", "-"], input=text, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def lines(text, word):
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{word} ")]


@pytest.mark.slow
@pytest.mark.parametrize("is_hashed", [True, False])
@pytest.mark.parametrize("has_wheels", [True, False])
@pytest.mark.parametrize("needs_git", [True, False])
def test_hadolint_finds_nothing(is_hashed, has_wheels, needs_git):
    install = ImageInstall(is_hashed=is_hashed, has_wheels=has_wheels, needs_git=needs_git)
    text = dockerfile.dockerfile(packaged(about='He said "$HOME" \\ \n now', options=("--trust", "a.B")), install)
    assert hadolint(text) == (0, "")


@pytest.mark.slow
def test_hadolint_would_find_a_fault():
    text = dockerfile.dockerfile(packaged(), ImageInstall(needs_git=True))
    assert "DL3015" in hadolint(text.replace("--no-install-recommends ", ""))[1]
    assert hadolint(text.replace("WORKDIR /build", "WORKDIR build"))[0] == 1


def test_image_runs_as_nobody_and_starts_the_server_without_a_shell():
    text = dockerfile.dockerfile(packaged(options=("--predictor", "m:f")), ImageInstall())
    assert lines(text, "USER") == ["65532:65532"]
    entry = json.loads(lines(text, "ENTRYPOINT")[0])
    assert entry[:4] == ["/opt/mlgit/bin/mlgit", "serve", "--release", "/opt/model"]
    assert entry[-4:] == ["--predictor", "m:f", "--log-path", "/var/log/mlgit"]
    # another address than loopback is open only for those who show a token, unless the one who starts it says otherwise
    assert json.loads(lines(text, "CMD")[0]) == ["--token-file", "/run/secrets/mlgit/token"]
    assert json.loads(lines(text, "HEALTHCHECK")[0].partition("CMD ")[2])[0] == "/opt/mlgit/bin/python"


def test_base_is_the_one_of_the_templates_by_its_digest():
    part = {each.name: each for each in library.part("docker").manifest.questions}
    assert BASE in str(part["base_image"].default)
    text = dockerfile.dockerfile(packaged(), ImageInstall())
    assert [each.split()[0] for each in lines(text, "FROM")] == [BASE, BASE, "server"]


def test_hashes_are_demanded_where_the_lock_has_them():
    demanding = dockerfile.dockerfile(packaged(), ImageInstall(is_hashed=True))
    assert demanding.count("--require-hashes --no-deps --requirement requirements.txt") == 1
    assert "--require-hashes" not in dockerfile.dockerfile(packaged(), ImageInstall())


def test_builder_sees_what_is_copied_and_nothing_else():
    for has_wheels in (True, False):
        text = dockerfile.dockerfile(packaged(), ImageInstall(has_wheels=has_wheels))
        copied = {each.split()[0].rstrip("/") for each in lines(text, "COPY") if not each.startswith("--from")}
        first, *seen = [line for line in dockerfile.dockerignore(has_wheels=has_wheels).splitlines() if line[0] != "#"]
        assert (first, {*seen}) == ("*", {f"!{each}" for each in copied})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("plain", '"plain"'),
        ('a "b" $c \\d', '"a \\"b\\" \\$c \\\\d"'),
        ("a\nUSER root\n\tb", '"a USER root b"'),
        ("a\u2028b\x00c", '"a b c"'),
    ],
)
def test_text_is_one_word_of_one_line(text, word):
    assert dockerfile.quoted(text) == word


def test_log_that_is_switched_off_is_not_asked_for():
    assert "--log-path" not in dockerfile.dockerfile(packaged(log="off"), ImageInstall())


def test_image_says_where_it_comes_from():
    said = dockerfile.labels(packaged(about="Tells"))
    assert said["org.opencontainers.image.revision"] == "a" * 40
    assert said["org.opencontainers.image.created"] == "2026-11-28T10:00:00Z"
    assert "org.opencontainers.image.description" not in dockerfile.labels(packaged())
    (label,) = lines(dockerfile.dockerfile(packaged(about="Tells"), ImageInstall()), "LABEL")
    assert all(f'{name}="{value}"' in label for name, value in said.items())
