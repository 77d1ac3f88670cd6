"""The tests of mlgit; `tests.kit` is what they are written with."""
