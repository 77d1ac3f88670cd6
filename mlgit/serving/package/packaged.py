"""What is known of a release that is packaged, and the names that it has elsewhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from mlgit.errors import MlgitError
from mlgit.serving.release import Release

# Where things lie in the image and in the pods, and who reads them there: `nonroot` of the images that have that user.
MODEL, LOG, TOKEN = "/opt/model", "/var/log/mlgit", "/run/secrets/mlgit/token"
LOG_KEY = f"{TOKEN.rpartition('/')[0]}/log-key"
USER = 65532
PORT, ADMIN_PORT = 8080, 8081
# A name as Kubernetes takes it has 63 characters; what belongs to a model is called as it is, with a word behind.
_LONGEST = 50
_NAMED = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?:[a-z0-9][a-z0-9.-]*)(?::[0-9]{{1,5}})?/)?{_NAMED}(?:/{_NAMED})*(?::[\w][\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Packaged:
    """A release with how it is started: `options` are those of `mlgit serve`, `image` is what manifests call the image.

    `created` is when the version was registered, as RFC 3339 writes it; `size` the bytes of its model.
    """

    release: Release
    image: str
    created: str
    size: int
    description: str = ""
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The model as a name of Kubernetes: a label of DNS that begins with a letter."""
        return name_of(self.release.model)

    @property
    def version(self) -> str:
        """The version as a tag of an image and the value of a label."""
        return tag_of(self.release.version)

    @property
    def is_logged(self) -> bool:
        """Whether answers are written down."""
        return self.release.serving.log.level != "off"

    @property
    def arguments(self) -> tuple[str, ...]:
        """What `mlgit serve` is given whoever starts it."""
        listening = ("--host", "0.0.0.0", "--port", str(PORT), "--admin-host", "0.0.0.0", "--admin-port", str(ADMIN_PORT))  # noqa: S104
        return ("--release", MODEL, *listening, *self.options)


def name_of(model: str) -> str:
    """A model's name as Kubernetes takes one, without the folder of its project."""
    plain = unicodedata.normalize("NFKD", model.rpartition(":")[2]).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return (name if name[:1].isalpha() else f"model-{name}")[:_LONGEST].strip("-")


def tag_of(version: str) -> str:
    """A version as the tag of an image, and as the value of a label: neither takes a plus sign."""
    return re.sub(r"[^\w.-]", "_", version, flags=re.ASCII)[:63].strip("._-")


def image_of(model: str, version: str) -> str:
    """What the image of a version is called where nobody says it."""
    return f"{name_of(model)}:{tag_of(version)}"


def checked_image(image: str, *, option: str) -> str:
    """The name of an image as a registry takes it. Raises MlgitError for what is none."""
    if len(image) > 512 or not _IMAGE.fullmatch(image):
        raise MlgitError(f"{option}: '{image}' is not the name of an image", "name one as ghcr.io/team/churn:v1.2.0")
    return image


def options_of(*, trust: Sequence[str], predictor: str) -> tuple[str, ...]:
    """The options of `mlgit serve` that say what may be loaded."""
    return (*(word for each in trust for word in ("--trust", each)), *(("--predictor", predictor) if predictor else ()))
