"""The testing kit: real repositories, real programs, and the tree of a test as one mapping."""

from tests.kit.programs import Completed, dvc, git, mlgit, program
from tests.kit.repositories import commit, lock, repository, write_tree

__all__ = ["Completed", "commit", "dvc", "git", "lock", "mlgit", "program", "repository", "write_tree"]
