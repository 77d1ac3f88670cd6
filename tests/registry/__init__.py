"""Tests of `mlgit/registry/`."""
