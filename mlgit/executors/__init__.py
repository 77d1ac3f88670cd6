"""Where the commands of stages are executed: one protocol, one table of names."""
