"""`mlgit model`, a command to a module; nothing is imported here, for `mlgit model list` has to start fast."""
