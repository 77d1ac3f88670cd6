"""Packages a version for others to run: a folder to build an image from, with manifests, or an image of the model alone."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit.adapters.system import files, installation
from mlgit.commands.model import resolve_version
from mlgit.commands.model.audit import AuditResult, audit
from mlgit.commands.model.resolve_version import ResolvedVersion
from mlgit.errors import MlgitError
from mlgit.pipeline.sources import CommitFiles
from mlgit.registry.audit import gaps, instant
from mlgit.serving import release_folder
from mlgit.serving.package import dockerfile, image_requirements, kserve, kubernetes, layout_file, packaged
from mlgit.serving.package.dockerfile import ImageInstall
from mlgit.serving.package.image_requirements import ImageRequirements
from mlgit.serving.package.packaged import Packaged
from mlgit.serving.release import Release

_PREDICTOR = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)
_TYPE = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """How a version is packaged: `image` is what manifests call the image, `base` what it is built on, `mlgit` what brings
    mlgit into it (a requirement or a wheel); `trust` and `predictor` are what the server may load beside what it knows.

    `with_private`: rows with classified columns go along, to test the server with.
    """

    image: str = ""
    base: str = ""
    mlgit: str = ""
    trust: tuple[str, ...] = ()
    predictor: str = ""
    with_private: bool = False


@dataclass(frozen=True, slots=True)
class PackageResult:
    """A version, and where it lies packaged now: `folder`, and `layout` with the `digest` of its manifest, '' where not wanted.

    `files` are those of the folder, the release's own apart.
    """

    resolved: ResolvedVersion
    packaged: Packaged
    folder: str
    files: tuple[str, ...]
    layout: str
    digest: str
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """What could be packaged is; what could not is an error."""
        return errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        release = self.packaged.release
        return {
            "schema": 1,
            "artifact": release.model,
            "version": release.version,
            "commit": release.commit,
            "sha256": release.sha256,
            "image": self.packaged.image,
            "folder": self.folder or None,
            "files": list(self.files),
            "oci": {"path": self.layout, "digest": self.digest} if self.layout else None,
            "notes": list(self.notes),
        }


def package(
    reference: str,
    *,
    out: str | None = None,
    layout: str | None = None,
    options: PackageOptions | None = None,
    force: bool = False,
) -> PackageResult:
    """Write what runs NAME, NAME@VERSION or NAME#ENVIRONMENT elsewhere: a folder to build an image from (`out`; without it
    NAME-VERSION here, unless only a `layout` is wanted), and a file with an image of the release alone (`layout`).

    The same version gives the same bytes. With `force` a folder that is there is replaced. Raises MlgitError for a version
    that cannot be had, and for one that no server would load.
    """
    options = _checked(options or PackageOptions())
    found = resolve_version.find(reference)
    name, version = found.version.artifact, found.version.name
    wanted = out or (None if layout else f"{packaged.name_of(name)}-{packaged.tag_of(version)}")
    target = Path(os.path.abspath(wanted or layout or "."))
    if wanted and os.path.lexists(target) and not force:
        raise MlgitError(f"{wanted}: exists already", "name another folder with -o, or replace it with --force")
    temporary = target.parent / f".{target.name[:50]}.{secrets.token_hex(6)}.tmp"
    try:
        temporary.mkdir(parents=True)
        release = _released(found, temporary / dockerfile.RELEASE, options, is_started=bool(wanted))
        known = audit(found.name)
        about = _packaged(found, release, known, options)
        digest = (
            layout_file.write_layout(about, temporary / dockerfile.RELEASE, Path(os.path.abspath(layout))).sha256
            if layout
            else ""
        )
        written, notes = _filled(temporary, found, about, known, options) if wanted else ((), ())
        if wanted:
            _replace(temporary, target)
    except OSError as error:
        raise MlgitError(
            f"{error.filename or target}: cannot be written: {error.strerror}", "name another place with -o"
        ) from error
    finally:
        with suppress(OSError):
            files.remove(temporary)
    notes = (*_said_of(found, release, known), *notes)
    return PackageResult(found, about, wanted or "", written, layout or "", f"sha256:{digest}" if digest else "", notes)


def _checked(options: PackageOptions) -> PackageOptions:
    """The options. Raises MlgitError for what would be no image, no type or no function."""
    for name in ("image", "base"):
        if value := getattr(options, name):
            packaged.checked_image(value, option=f"--{name}")
    if options.predictor and not _PREDICTOR.fullmatch(options.predictor):
        raise MlgitError(f"--predictor: '{options.predictor}' names no function", "name one as module:function")
    for each in options.trust:
        if not _TYPE.fullmatch(each):
            raise MlgitError(
                f"--trust: '{each}' names no type", "name one as the server does, such as lightgbm.sklearn.LGBMClassifier"
            )
    if options.mlgit and ("\n" in options.mlgit or options.mlgit.startswith("-")):
        raise MlgitError(f"--mlgit: '{options.mlgit}' is no requirement", "name a version (mlgit==1.2.0), a Git URL or a wheel")
    return options


def _released(found: ResolvedVersion, folder: Path, options: PackageOptions, *, is_started: bool) -> Release:
    """The folder of the release, with the same rights for the same files, whatever they are where it is packaged."""
    with_code = bool(options.predictor)
    release = release_folder.write(
        found.revision, found.version, folder=folder, with_code=with_code, with_private=options.with_private
    )
    if is_started and release.format != "skops" and not options.predictor:
        raise MlgitError(
            f"{found.name}: its model is {release.format or 'of no known format'}, and a server loads skops only",
            "name what predicts with it, as --predictor module:function, or package it with --oci alone for another server",
        )
    _settle(folder)
    return release


def _settle(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _packaged(found: ResolvedVersion, release: Release, known: AuditResult, options: PackageOptions) -> Packaged:
    evidence = known.evidence
    assert evidence is not None, "a version was found"
    model = found.revision.artifact(found.version.artifact)
    return Packaged(
        release,
        options.image or packaged.image_of(release.model, release.version),
        created=instant(found.version.event.time),
        size=evidence.facts.model.size or 0,
        description=model.description,
        options=packaged.options_of(trust=options.trust, predictor=options.predictor),
    )


def _filled(
    folder: Path, found: ResolvedVersion, about: Packaged, known: AuditResult, options: PackageOptions
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write everything beside the release; what was written, and what is to be told."""
    requirements = image_requirements.of_release(_pins(found), about.release.requires, is_whole=bool(options.predictor))
    mlgit, wheel, notes = _mlgit(options)
    install = ImageInstall(options.base or dockerfile.BASE, requirements.is_hashed, bool(wheel), "git+" in mlgit)
    server = image_requirements.server(requirements)
    libraries = image_requirements.pins(requirements.text) | image_requirements.pins(server) | image_requirements.pins(mlgit)
    texts = {
        "Dockerfile": dockerfile.dockerfile(about, install),
        ".dockerignore": dockerfile.dockerignore(has_wheels=install.has_wheels),
        dockerfile.REQUIREMENTS: requirements.text,
        dockerfile.SERVER_REQUIREMENTS: server,
        dockerfile.MLGIT: f"{mlgit}\n",
        "kserve.yaml": kserve.inference_service(about),
        "sbom.cdx.json": known.text("cyclonedx", libraries=libraries) + "\n",
        "provenance.intoto.json": known.text("in-toto") + "\n",
        **{f"kubernetes/{name}": text for name, text in kubernetes.manifests(about).items()},
        **_card(found),
    }
    contents: dict[str, str | bytes] = dict(texts)
    if wheel:
        contents[f"{dockerfile.WHEELS}/{wheel.name}"] = files.read_bytes(wheel)
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        files.write_atomic(folder / name, content, mode=0o644)
    unpinned = () if "@" in install.base else (f"{install.base} is named without a digest: it is another image some day",)
    return tuple(sorted(contents)), tuple(each for each in (_hashless(requirements), *notes, *unpinned) if each)


def _hashless(requirements: ImageRequirements) -> str:
    return f"{dockerfile.REQUIREMENTS}: {requirements.note}" if requirements.note else ""


def _pins(found: ResolvedVersion) -> dict[str, str]:
    """The files of the commit that may name what is installed by its hash."""
    source = found.revision.files
    assert isinstance(source, CommitFiles), "a version is of a commit"
    texts = {name: source.text(name) for name in (image_requirements.LOCK, image_requirements.REQUIREMENTS)}
    return {name: text for name, text in texts.items() if text is not None}


def _mlgit(options: PackageOptions) -> tuple[str, Path | None, tuple[str, ...]]:
    """The requirement that brings mlgit into the image, the wheel that it names, and what is to be told."""
    if options.mlgit.endswith(".whl") and Path(options.mlgit).is_file():
        wheel = Path(options.mlgit)
        return f"./{dockerfile.WHEELS}/{wheel.name}", wheel, ()
    if options.mlgit and (options.mlgit.startswith(("/", "./", "../")) or options.mlgit.endswith(".whl")):
        raise MlgitError(f"--mlgit: {options.mlgit}: no wheel", "`python -m build --wheel` makes one of a checkout")
    if options.mlgit:
        return options.mlgit, None, ()
    origin = installation.source()
    note = (
        f"this mlgit comes from {origin.local}, which a builder cannot reach: the image gets {origin.requirement}; "
        "--mlgit WHEEL puts a wheel into it"
    )
    return origin.requirement, None, (note,) if origin.local else ()


def _card(found: ResolvedVersion) -> dict[str, str]:
    """The model's card as its commit has it."""
    declared = found.revision.model(found.revision.artifact(found.version.artifact))
    text = found.revision.files.text(declared.card.out) if declared.card.out else None
    return {"card.md": text} if text else {}


def _said_of(found: ResolvedVersion, release: Release, known: AuditResult) -> Sequence[str]:
    """What is to be known of a version by those who run it."""
    said = [] if found.version.is_active else [f"{found.name} was withdrawn"]
    number = len(gaps(known.evidence)) if known.evidence else 0
    if number:
        said.append(f"where it comes from is not proven in {number} points: `mlgit model audit {found.name}` names them")
    return [*said, *([f"servers start it untested: {release.untested}"] if release.untested else [])]


def _replace(temporary: Path, target: Path) -> None:
    """Put a folder where another may lie."""
    aside = target.parent / f".{target.name[:50]}.{secrets.token_hex(6)}.old"
    if os.path.lexists(target):
        os.replace(target, aside)
    os.replace(temporary, target)
    files.remove(aside)
