"""GitHub, GitLab, Gitea and Forgejo: pull requests, checks, and the environment of a CI job."""
