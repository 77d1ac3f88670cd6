"""The Dockerfile of a packaged release: what is installed once, and the release upon it; nothing runs as root."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from mlgit.serving.package.packaged import ADMIN_PORT, LOG, MODEL, PORT, TOKEN, USER, Packaged

# As the template's Dockerfile has it. Only what has a digest is the same next year.
BASE = "python:3.12.14-slim-trixie@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea"
REQUIREMENTS, SERVER_REQUIREMENTS, MLGIT = "requirements.txt", "server-requirements.txt", "mlgit-requirements.txt"
WHEELS = "wheels"
RELEASE = "release"

_IS_READY = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{PORT}/v2/health/ready', timeout=4)"
_GIT = """\
# hadolint ignore=DL3008 # Debian keeps one version of a package, so one named here would soon be gone
RUN apt-get update \\
    && apt-get install --yes --no-install-recommends git \\
    && rm -rf /var/lib/apt/lists/*
"""


@dataclass(frozen=True, slots=True)
class ImageInstall:
    """What the image is built from: its base, and how pip gets what it installs.

    `is_hashed`: the release's lock names every file by its hash. `has_wheels`: wheels lie in the context. `needs_git`: mlgit
    comes from a repository.
    """

    base: str = BASE
    is_hashed: bool = False
    has_wheels: bool = False
    needs_git: bool = False


def dockerfile(packaged: Packaged, install: ImageInstall) -> str:
    """The Dockerfile. The same release gives the same text."""
    checked = "--require-hashes --no-deps " if install.is_hashed else ""
    wheels = f"COPY {WHEELS}/ {WHEELS}/\n" if install.has_wheels else ""
    return f"""\
# {packaged.release.model} {packaged.release.version} behind HTTP, written by `mlgit package`.
#
#   docker build --tag {packaged.image} .
#   docker run --rm --read-only --tmpfs /tmp --publish 127.0.0.1:{PORT}:{PORT} {packaged.image} --no-auth
#
# Without --no-auth, clients show the token in {TOKEN}.
FROM {install.base} AS build
{_GIT if install.needs_git else ""}\
# with SOURCE_DATE_EPOCH, compiled code holds the hash of its source, not the time of its installation
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore SOURCE_DATE_EPOCH=315532800
WORKDIR /build
RUN python3 -m venv /opt/mlgit

# the libraries that the model was trained with, then the server around it, so that neither moves the other
COPY {REQUIREMENTS} ./
RUN /opt/mlgit/bin/python -m pip install {checked}--requirement {REQUIREMENTS}
COPY {SERVER_REQUIREMENTS} ./
RUN /opt/mlgit/bin/python -m pip install --requirement {SERVER_REQUIREMENTS}
COPY {MLGIT} ./
{wheels}\
# only what answers: not what trains, versions and reviews
RUN /opt/mlgit/bin/python -m pip install --no-deps --requirement {MLGIT} \\
    && /opt/mlgit/bin/python -m pip uninstall --yes pip setuptools

# the server without a model, for a cluster that mounts models as volumes: `docker build --target server`
FROM {install.base} AS server
COPY --from=build /opt/mlgit /opt/mlgit
RUN mkdir --parents {LOG} && chown {USER}:{USER} {LOG}
# joblib asks for locks between processes when it is imported, and the model runs in one
ENV HOME=/tmp JOBLIB_MULTIPROCESSING=0 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER {USER}:{USER}
WORKDIR /
VOLUME {LOG}
EXPOSE {PORT} {ADMIN_PORT}
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \\
    CMD {json.dumps(["/opt/mlgit/bin/python", "-c", _IS_READY])}
ENTRYPOINT {json.dumps(["/opt/mlgit/bin/mlgit", "serve", *packaged.arguments, *_logged(packaged)])}
CMD {json.dumps(["--token-file", TOKEN])}

FROM server
{_labels(packaged, install.base)}
COPY {RELEASE}/ {MODEL}/
"""


def dockerignore(*, has_wheels: bool) -> str:
    """What the builder sees: only what the Dockerfile copies."""
    names = [REQUIREMENTS, SERVER_REQUIREMENTS, MLGIT, *([WHEELS] if has_wheels else []), RELEASE]
    return "# Only what the image is built from.\n*\n" + "".join(f"!{each}\n" for each in names)


def labels(packaged: Packaged) -> dict[str, str]:
    """What an image says of itself, by the keys of the Open Container Initiative; empty values are left out."""
    release = packaged.release
    said = {
        "org.opencontainers.image.created": packaged.created,
        "org.opencontainers.image.title": release.model,
        "org.opencontainers.image.description": packaged.description,
        "org.opencontainers.image.version": release.version,
        "org.opencontainers.image.revision": release.commit,
        "mlgit.model.sha256": release.sha256,
    }
    return {name: value for name, value in said.items() if value}


def _logged(packaged: Packaged) -> tuple[str, ...]:
    return ("--log-path", LOG) if packaged.is_logged else ()


def _labels(packaged: Packaged, base: str) -> str:
    name, _, digest = base.partition("@")
    said = labels(packaged) | {"org.opencontainers.image.base.name": name}
    said |= {"org.opencontainers.image.base.digest": digest} if digest else {}
    return "LABEL " + " \\\n      ".join(f"{key}={quoted(value)}" for key, value in sorted(said.items()))


def quoted(text: str) -> str:
    """Text as a word of a Dockerfile, in one line: nothing in it is taken for a quote or a variable."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return '"' + re.sub(r'(["\\$])', r"\\\1", flat) + '"'
