"""What no row has shown and may be true all the same: of n rows none went otherwise, or none of those that would cost most.

An interval of a mean is as wide as the rows that were seen differ. Where few do, or those that do are cheap, it must reach at
least as far as Tango's score interval without a discordant row: z ** 2 times as far as one row could move the metric.
"""

from __future__ import annotations

import math
from dataclasses import replace

from mlgit.statistics.distributions import normal_cdf, normal_quantile
from mlgit.statistics.resampling import Spread

METHOD = "bound of what was not seen"


def widened(found: Spread, value: float, *, jump: float, confidence: float) -> Spread:
    """An interval that reaches at least as far as what was not seen may; `jump` is how far one row could move the value.

    Where there is no interval for want of rows that differ, it is this one.
    """
    if not jump > 0 or not math.isfinite(value):
        return found
    reach = normal_quantile((1 + confidence) / 2) ** 2 * jump
    is_known = found.low == found.low
    if is_known and found.low <= value - reach and found.high >= value + reach:
        return found

    def below(least: float) -> float:
        tail = normal_cdf(-math.sqrt(abs(value - least) / jump))
        if least < value:
            return max(tail, found.below(least)) if is_known else tail
        return min(1 - tail, found.below(least)) if is_known else 1 - tail

    if not is_known:
        return Spread(value - reach, value + reach, METHOD, below)
    return replace(found, low=min(found.low, value - reach), high=max(found.high, value + reach), below=below)
