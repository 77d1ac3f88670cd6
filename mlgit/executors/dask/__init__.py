"""Stages on the workers of a Dask cluster that share no file system with the clone."""
