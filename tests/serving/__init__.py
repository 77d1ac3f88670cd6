"""Tests of `mlgit/serving/`."""
