"""Tests of `mlgit/compare/`."""
