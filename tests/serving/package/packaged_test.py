"""What a model is called where others run it."""

from __future__ import annotations

import re

import pytest

from mlgit.errors import MlgitError
from mlgit.serving.package.packaged import checked_image, image_of, name_of, options_of, tag_of


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("tumor", "tumor"),
        ("models/nlp:Tumor_2", "tumor-2"),
        ("team/churn", "team-churn"),
        ("2024-churn", "model-2024-churn"),
        ("x" * 200, "x" * 50),
        (f"{'x' * 49}-y", "x" * 49),
        ("_", "model"),
    ],
)
def test_name_of_a_model_is_a_label_of_dns(model, name):
    assert name_of(model) == name
    assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name)


@pytest.mark.parametrize(("version", "tag"), [("v1.2.0", "v1.2.0"), ("v1.2.0-rc.1+build.5", "v1.2.0-rc.1_build.5")])
def test_version_is_a_tag_of_an_image_and_the_value_of_a_label(version, tag):
    assert tag_of(version) == tag
    assert re.fullmatch(r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", tag_of(f"v1.2.0-{'x' * 99}-"))


@pytest.mark.parametrize(
    "image",
    ["tumor:v1", "python", "ghcr.io/team/churn:v1.2.0", "localhost:5000/a/b@sha256:" + "0" * 64, "a/b:1@sha256:" + "f" * 64],
)
def test_name_of_an_image_is_taken_as_registries_take_it(image):
    assert checked_image(image, option="--image") == image
    assert checked_image(image_of("models:Churn", "v1.0.0+1"), option="--image")


@pytest.mark.parametrize(
    "image", ["", "Tumor:v1", "a b", "a:b:c", "a\nUSER root", "a@sha256:12", "-a", "a//b", "a:" + "x" * 129, '"a"', "a$HOME"]
)
def test_what_is_no_name_of_an_image_is_refused(image):
    with pytest.raises(MlgitError, match="--image: "):
        checked_image(image, option="--image")


def test_what_may_be_loaded_is_said_on_the_command_line_of_the_server():
    assert options_of(trust=("a.B", "c.D"), predictor="") == ("--trust", "a.B", "--trust", "c.D")
    assert options_of(trust=(), predictor="m:f") == ("--predictor", "m:f")
