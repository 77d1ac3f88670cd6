"""`mlgit://` for MLflow: tracking store, registry to read, and artifacts, on the refs of a repository."""
