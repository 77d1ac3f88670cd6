"""DVC: its cache, remotes, ignore rules, configuration and commands. Its private modules are touched here only."""
