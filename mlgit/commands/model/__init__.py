"""What `mlgit model` does, a use case to a module; nothing is imported here, for `mlgit model list` has to start fast."""
