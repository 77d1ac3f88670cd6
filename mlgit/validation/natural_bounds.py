"""Which bounds of numbers are natural: 0 below, 1 above. A bound that was merely not crossed yet is none.

That nothing lies beyond a bound says little by itself: all of 300 values around 3 can be positive by chance. It says much
where values lie so densely at the bound that some would lie behind it were there none; and it is safe to say where the bound is
far away. A new batch of the same size from the same source breaks what is said here less than once in 100 times, and mostly
far less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mlgit.validation.profile import Numbers

# With fewer values nothing is said.
FEWEST = 100
# So many values would be expected behind a bound, by a cautious estimate.
_EXPECTED = 12.0
_PILED = 20
# A bound is far where the lowest value is farther from it than so many times the range of the TAIL lowest.
_FAR = 3.0
# A spread over so large a factor between a tenth and nine tenths is that of amounts, which are positive.
_FACTOR = 10.0
# Whole numbers from here on that follow each other are years, months or days, and go on.
_YEARS = 1900


def has_floor(numbers: Numbers, *, is_whole: bool) -> bool:
    """Whether 0 is the natural lower bound of numbers."""
    if numbers.low < 0:
        return False
    tail = max(numbers.tail_low - numbers.low, 1.0 if is_whole else 0.0)
    is_far = tail > 0 and numbers.low >= _FAR * tail
    is_spread = numbers.tenth > 0 and numbers.ninetieth >= _FACTOR * numbers.tenth
    return is_far or is_spread or _ends(numbers.above_zero)


def has_ceiling(numbers: Numbers) -> bool:
    """Whether 1 is the natural upper bound of numbers that are not negative."""
    return numbers.low >= 0 and numbers.high <= 1 and _ends(numbers.below_one)


def is_code(levels: Mapping[int, int]) -> bool:
    """Whether whole numbers are the signs of a few classes: none is rare at either end, as counts are at the upper one."""
    values = sorted(levels)
    if len(values) < 2 or values[-1] - values[0] != len(values) - 1 or values[-1] >= _YEARS:
        return False
    if len(values) == 2:
        return values[0] in (0, 1)
    upwards = [levels[each] for each in values[:3]]
    downwards = [levels[each] for each in values[::-1][:3]]
    # counts have a tail whose end looks like one now and then
    return min(upwards[0], downwards[0]) >= _PILED and _ends(upwards, errors=2) and _ends(downwards, errors=2)


def _ends(bins: Sequence[int], *, errors: int = 1) -> bool:
    """Whether a distribution ends at a bound, by its values in three bins of one width that go away from it.

    The logarithms of the counts, continued as a parabola, tell how many would lie in the bin behind the bound; so many standard
    errors are taken off.
    """
    first, second, third = bins
    if first < _PILED // 2:
        return False
    if first >= second and first >= _PILED:
        return True
    if not second or not third:
        return False
    expected = 3 * math.log(first) - 3 * math.log(second) + math.log(third)
    error = math.sqrt(9 / first + 9 / second + 1 / third)
    return expected - errors * error >= math.log(_EXPECTED)
