"""Structured files: YAML 1.2, JSON, TOML and Python constants, read and edited in place."""
