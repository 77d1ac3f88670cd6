"""Small real projects, each played from `mlgit init` to a verdict, and by people who would like another one."""
