"""The machine: files, folders, locks, processes and what they cost."""
