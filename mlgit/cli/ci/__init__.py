"""The commands of `mlgit ci`, a file each."""
