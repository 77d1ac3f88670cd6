"""The mark in the text of a retrain pull request: which model and version it is about, what asked for it, who closed it."""

from __future__ import annotations

import re
from typing import NamedTuple

_FORM = re.compile(
    r"<!-- mlgit:retrain v1 model=(?P<model>[^\s>]{1,200}) version=(?P<version>[^\s>]{1,200})"
    r" digest=(?P<digest>[0-9a-z.:]{1,80}) triggers=(?P<triggers>[a-z_,]{0,100}) closed=(?P<closed>(?:by-mlgit)?) -->"
)
# What may stand in front of a text that people edit.
_LOOKED_AT = 20_000


class RetrainMarker(NamedTuple):
    """`digest` is that of the model in production; `is_closed_by_mlgit` that no person closed it."""

    model: str
    version: str
    digest: str
    triggers: tuple[str, ...] = ()
    is_closed_by_mlgit: bool = False

    def __str__(self) -> str:
        closed = "by-mlgit" if self.is_closed_by_mlgit else ""
        return (
            f"<!-- mlgit:retrain v1 model={self.model} version={self.version} digest={self.digest}"
            f" triggers={','.join(self.triggers)} closed={closed} -->"
        )


def parse(body: str) -> RetrainMarker | None:
    """The first mark in the text of a pull request; None where there is none."""
    found = _FORM.search(body[:_LOOKED_AT])
    if found is None:
        return None
    triggers = tuple(filter(None, found["triggers"].split(",")))
    return RetrainMarker(found["model"], found["version"], found["digest"], triggers, bool(found["closed"]))


def closed_by_mlgit(body: str) -> str:
    """The text of a pull request that mlgit closes: its mark says so. One without a mark stays as it is."""
    marker = parse(body)
    return body if marker is None else body.replace(str(marker), str(marker._replace(is_closed_by_mlgit=True)), 1)


def branch(model: str) -> str:
    """The branch from which a model's retraining is proposed; no two models have the same, and none lies below another's."""
    return f"retrain/{model.replace(':', '=').replace('/', '+')}"
