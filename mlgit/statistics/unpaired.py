"""Two estimates from different rows: the interval of their difference, from that of each.

MOVER, the method of variance estimates recovery (Zou and Donner 2008, Stat. Med. 27, 1693); from Wilson's intervals of two
shares it is the hybrid score interval of Newcombe 1998, Stat. Med. 17, 873.
"""

from __future__ import annotations

import math


def difference(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float]:
    """The ends of the interval of one - other; each is a value with the ends of its own interval at the same level."""
    (value, low, high), (beside, least, most) = one, other
    delta = value - beside
    return delta - math.hypot(value - low, most - beside), delta + math.hypot(high - value, beside - least)
