"""numpy, imported when the first of its names is used: most commands meet no rows, and it takes longer to import than they run.

Used as `from mlgit import lazy_numpy as np`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        """A name of numpy, which is found here from then on."""
        import numpy

        found = globals()[name] = getattr(numpy, name)
        return found
