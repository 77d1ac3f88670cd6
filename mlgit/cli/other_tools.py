"""Commands that people know from DVC, GTO, MLflow and Git, and what does their work here."""

from __future__ import annotations

# What mlgit leaves to another tool is named with that tool's command.
ELSEWHERE: dict[str, str] = {
    "repro": "DVC's `repro` is `mlgit run`",
    "experiments": "experiments of DVC and of MLflow are `mlgit exp`",
    "runs": "runs are shown by `mlgit exp show`, and made by `mlgit exp run --set PARAM=VALUE`",
    "metrics": "DVC's `metrics` is `mlgit diff`; with `--all` it shows those that are the same, too",
    "params": "DVC's `params diff` is `mlgit diff`; `mlgit run --set PARAM=VALUE` sets one",
    "plots": "DVC's `plots` is `mlgit diff --plots`",
    "stage": "DVC's `stage list` is `mlgit dag`; stages are added in dvc.yaml, or by `dvc stage add`",
    "stages": "`mlgit dag` shows the stages; GTO's `stages` are the environments of `mlgit model list`",
    "queue": "what DVC's `queue` tries later, `mlgit exp run --set PARAM=VALUE` tries at once; one that runs takes in more",
    "commit": "`git commit` commits files; what DVC's `commit` records, `mlgit run` records as stages finish",
    "checkout": "`git checkout` switches branches; what DVC's `checkout` restores, `mlgit run` restores from the cache",
    "fetch": "`git fetch` brings commits and tags; `mlgit pull` brings data as well",
    "gc": "the cache is tidied by `dvc gc`",
    "import": "`dvc import` tracks data of another repository; `mlgit run` reads what it writes",
    "import-url": "`dvc import-url` tracks data from an address; `mlgit run` reads what it writes",
    "remove": "`dvc remove` stops tracking a file; a stage is removed from dvc.yaml",
    "move": "`dvc move` renames what is tracked",
    "freeze": "`frozen: true` in dvc.yaml freezes a stage, and `dvc freeze` writes it",
    "config": "settings are in mlgit.yaml; DVC's are set by `dvc config`",
    "artifacts": "DVC's `artifacts get` is `mlgit model get`",
    "list": "GTO's `show` and MLflow's list of models is `mlgit model list`; stages are shown by `mlgit dag`",
    "show": "GTO's `show` is `mlgit model show NAME`; metrics are shown by `mlgit diff --all`",
    "assign": "GTO's `assign` is `mlgit model promote NAME@VERSION ENV`",
    "deprecate": "GTO's `deprecate` is `mlgit model retire NAME@VERSION`",
    "describe": "GTO's `describe` is `mlgit model show NAME`",
    "annotate": "models are described in `artifacts:` of dvc.yaml and in cards/NAME.yaml; `mlgit model show NAME` shows one",
    "check-ref": "GTO's `check-ref` is `mlgit model event REF`",
    "ui": "there is no server: `mlgit diff --plots` writes a page, and `mlgit model list` shows the registry",
    "server": "there is no server: the registry is in Git's tags, and `mlgit model list` shows it",
    "models": "MLflow's `models` is `mlgit model`",
    "tag": "`git tag` lists all tags; a model's version is tagged by `mlgit model register NAME`",
    "clone": "`git clone` makes a clone; in it, `mlgit pull` brings the data",
    "install": "Git hooks of DVC are installed by `dvc install`",
    "ls": "`git ls-files` lists files, `mlgit dag` stages, and `mlgit model list` models",
    "root": "DVC's `root` is `git rev-parse --show-toplevel`, which prints the top of the repository",
    "lock": "`frozen: true` in dvc.yaml locks a stage, and `dvc freeze` writes it; dvc.lock is written by `mlgit run`",
    "unlock": "stages are unlocked by `dvc unfreeze`; what a killed run left locked is removed by `mlgit doctor --fix`",
    "studio": "there is no server to sign in to: `mlgit diff` compares runs, and `mlgit model list` shows the registry",
    "version": "did you mean `mlgit --version`?",
    "help": "did you mean `mlgit --help`?",
}

# The same within `mlgit model`.
OF_MODELS: dict[str, str] = {
    "assign": "GTO's `assign` is `mlgit model promote NAME@VERSION ENV`",
    "deprecate": "GTO's `deprecate` is `mlgit model retire NAME@VERSION`",
    "describe": "GTO's `describe` is `mlgit model show NAME`",
    "annotate": ELSEWHERE["annotate"],
    "check-ref": "GTO's `check-ref` is `mlgit model event REF`",
    "create": "a version is made by `mlgit model register NAME`",
    "delete": "a version is withdrawn by `mlgit model retire NAME@VERSION`",
    "download": "the bytes of a version are brought by `mlgit model get NAME`",
    "log": "what happened to a model is shown by `mlgit model history NAME`",
    "push": "tags of models are published by `mlgit push --tags-only`",
    "stages": "environments are shown by `mlgit model list`",
    "build-docker": "MLflow's `build-docker` is `mlgit package NAME@VERSION`, which writes what an image is built from",
    "card": "did you mean `mlgit card`?",
}

# The same within `mlgit exp`.
OF_EXPERIMENTS: dict[str, str] = {
    "branch": "DVC's `exp branch` is `mlgit exp promote NAME`",
    "clean": "what trials left is tidied by `mlgit exp gc`",
    "save": "a trial is recorded by `mlgit exp run`; `dvc exp save` records what lies in the workspace",
    "rename": "names say what was tried; `mlgit exp promote NAME --branch BRANCH` makes a branch of any name",
    "queue": "there is no queue: `mlgit exp run --set PARAM=VALUE` tries it, and one that runs takes in more",
    "start": "trials begin with `mlgit exp run --set PARAM=VALUE`",
    "search": "trials are filtered by `mlgit exp show --filter CONDITION`",
    "delete": "trials are removed by `mlgit exp remove NAME`",
    "fetch": "trials of others are brought by `mlgit exp pull`",
    "status": "trials that run are shown by `mlgit exp show`",
    "csv": "a table for other programs is `mlgit exp show --format csv`",
}
