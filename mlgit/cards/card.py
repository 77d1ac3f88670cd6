"""A model card: front matter and body, and the plots beside it; a function of its material alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlgit.cards import content, frontmatter, review
from mlgit.cards.material import Material


@dataclass(frozen=True, slots=True)
class Card:
    """A card's files as texts by path from the project's root (the card itself first), and what it lacks."""

    path: str
    files: Mapping[str, str]
    inputs: Mapping[str, str]
    gaps: tuple[review.CardGap, ...] = field(default=())


def build(material: Material) -> Card:
    """The card that these material make."""
    declared = material.model.card
    profile: review.Profile = "annex-iv" if declared.profile == "annex-iv" else "hf"
    measured = bool(material.values)
    gaps = review.gaps(material.facts, material.notes, profile=profile, file=declared.notes, is_measured=measured)
    text = f"{frontmatter.front_matter(material)}\n{content.body(material, gaps=gaps)}"
    folder = content.plot_folder(declared.out)
    plots = {f"{folder}/{name}.svg": plot for name, plot in material.plots.items()}
    return Card(declared.out, {declared.out: text, **plots}, frontmatter.inputs(material), gaps)
