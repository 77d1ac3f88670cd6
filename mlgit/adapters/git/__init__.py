"""Git: objects and refs read, commits and tags written, by plain `git` processes and GitPython's object writer."""
