"""A page about every model: which version is where, which there are, and what is wrong with their tags."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlgit.registry.event import Event
from mlgit.registry.state import Artifact, Version
from mlgit.render.markdown import link_target, markdown_table, markdown_text
from mlgit.render.text import number

_MOST_METRICS = 6
_NONE = "–"


def page(
    artifacts: Sequence[Artifact], *, cards: Mapping[str, str], environments: Sequence[str] = (), metrics: Sequence[str] = ()
) -> str:
    """The page as Markdown, a function of the tags and of the cards' paths.

    `cards` are paths of cards by artifact, as links from the page; `environments` the declared ones in their order;
    `metrics` those that gates ask about, which come first.
    """
    blocks = ["# Models", "Made by `mlgit card index` of the registry's tags."]
    if not artifacts:
        blocks.append("No version of a model is registered.")
    for artifact in artifacts:
        blocks += _artifact(artifact, cards.get(artifact.name, ""), environments, metrics)
    return "\n\n".join(blocks) + "\n"


def _artifact(artifact: Artifact, card: str, environments: Sequence[str], metrics: Sequence[str]) -> list[str]:
    state = "" if artifact.is_active else " (no longer used)"
    blocks = [f"## {markdown_text(artifact.name)}{state}"]
    if card:
        blocks.append(f"[Model card](<{link_target(card)}>)")
    known = [*environments, *(name for name in sorted(artifact.environments) if name not in environments)]
    rows = [_place(name, artifact) for name in known]
    if rows:
        blocks.append(markdown_table(("environment", "version", "since", "by", "why"), rows))
    names = _metric_names(artifact.versions, metrics)
    header = ("version", "where", "registered", "by", "commit", *names)
    versions = [_version(each, artifact, names) for each in reversed(artifact.versions)]
    if versions:
        blocks.append(markdown_table(header, versions, right=range(5, len(header))))
    blocks += [f"**Damaged:** {markdown_text(fault.message)}" for fault in artifact.faults]
    return blocks


def _place(environment: str, artifact: Artifact) -> tuple[str, ...]:
    now = artifact.current(environment)
    if now is None:
        return environment, _NONE, "", "", ""
    return environment, _short(now.version), _day(now.event), now.event.author, now.event.body.reason


def _version(version: Version, artifact: Artifact, names: Sequence[str]) -> tuple[str, ...]:
    stacks = artifact.environments.items()
    places = [name for name, stack in stacks if stack and stack[-1].version == version.name]
    where = ", ".join(places) if version.is_active else "withdrawn"
    metrics = _metrics(version.event)
    values = [number(metrics[name]) if name in metrics else _NONE for name in names]
    return _short(version.name), where, _day(version.event), version.event.author, version.commit[:10], *values


def _metric_names(versions: Sequence[Version], wanted: Sequence[str]) -> list[str]:
    """The metrics that the tags of versions tell: those that are wanted first, then the latest version's."""
    told = dict.fromkeys(name for each in reversed(versions) for name in sorted(_metrics(each.event)))
    first = [name for name in dict.fromkeys(wanted) if name in told]
    return [*first, *(name for name in told if name not in first)][:_MOST_METRICS]


def _metrics(event: Event) -> dict[str, float]:
    told = event.body.facts.get("metrics")
    rows: dict[str, Any] = told if isinstance(told, dict) else {}
    values = {name: row.get("value") for name, row in rows.items() if isinstance(row, dict)}
    return {name: value for name, value in values.items() if isinstance(value, int | float) and not isinstance(value, bool)}


def _short(version: str) -> str:
    """A version's name; one that was never registered is called by its commit."""
    return version[:10] if re.fullmatch(r"[0-9a-f]{40,64}", version) else version


def _day(event: Event) -> str:
    """When the tag says it was made, in UTC, so that the reader's zone does not matter."""
    return datetime.fromtimestamp(event.time, tz=UTC).strftime("%Y-%m-%d")


def relative(card: str, page_path: str) -> str:
    """A card's path as a link from the page."""
    return posixpath.relpath(card, posixpath.dirname(page_path) or ".")
