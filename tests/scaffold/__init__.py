"""Tests of `mlgit/scaffold/`."""
