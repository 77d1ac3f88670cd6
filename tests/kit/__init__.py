"""The testing kit: real repositories, real programs, and the tree of a test as one mapping."""

import os

from tests.kit.programs import Completed, dvc, git, mlgit, program
from tests.kit.repositories import commit, lock, repository, write_tree

# Whether generated tests run in full number (`make test-full`); read before the fence of a test hides it.
FULL = os.environ.get("MLGIT_TEST_FULL") == "1"

__all__ = ["FULL", "Completed", "commit", "dvc", "git", "lock", "mlgit", "program", "repository", "write_tree"]
