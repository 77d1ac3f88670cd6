"""The outside world in small verbs: files, documents, processes, Git and DVC."""
