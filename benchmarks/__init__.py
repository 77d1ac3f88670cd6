"""Measurements beside peers; `python -m benchmarks.run` is the one command."""
