"""A release to make images and manifests of."""

from __future__ import annotations

from mlgit.serving.package.packaged import Packaged, image_of
from mlgit.serving.release import Release
from mlgit.serving_settings import Serving, ServingLimits, ServingLog


def release(model="models/nlp:Tumor_2", version="v1.2.0", *, log="required", seconds=30.0):
    serving = Serving("Tumor_2", log=ServingLog(level=log), limits=ServingLimits(seconds=seconds))
    return Release(
        model, version, "a" * 40, f"{model}@{version}", "b" * 40, "c" * 32, "d" * 64, "model/x.skops", serving=serving
    )


def packaged(model="models/nlp:Tumor_2", version="v1.2.0", *, size=1 << 20, about="", options=(), log="required", seconds=30.0):
    found = release(model, version, log=log, seconds=seconds)
    return Packaged(found, image_of(model, version), "2026-11-28T10:00:00Z", size, about, options)
