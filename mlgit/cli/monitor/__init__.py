"""The commands of `mlgit monitor`, a file each."""
