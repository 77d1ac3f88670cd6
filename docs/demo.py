"""The main job, played from end to end on real data: `make demo`.

Every step prints the command a reader would type himself, runs it, and shows what it says. The project is made in a new
temporary folder and left there, to be looked at.
"""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path

WIDTH = 100


def say(text: str) -> None:
    """A line of explanation above a step."""
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ("", "")
    print(f"\n{'-' * WIDTH}\n{bold}{text}{plain}\n", flush=True)


def play(command: str, *, folder: Path, env: dict[str, str]) -> None:
    """Show a command as typed, run it in a shell, and stop the demo if it fails."""
    print(f"$ {command}", flush=True)
    done = subprocess.run(["/bin/sh", "-c", command], cwd=folder, env=env, check=False)
    if done.returncode != 0:
        sys.exit(f"the demo stopped: `{command}` ended with code {done.returncode}")


def environment(home: Path) -> dict[str, str]:
    """The caller's environment with this Python's programs first, and a Git identity if there is none."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    env["DVC_NO_ANALYTICS"] = "1"
    asked = ["git", "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"]
    if subprocess.run(asked, capture_output=True, check=False, cwd=home, env=env).returncode != 0:
        for role in ("AUTHOR", "COMMITTER"):
            env[f"GIT_{role}_NAME"] = "Demo"
            env[f"GIT_{role}_EMAIL"] = "demo@example.com"
        env |= {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Demo"}
        env |= {"GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "demo@example.com"}
    return env


@contextmanager
def serving(project: Path, env: dict[str, str]) -> Iterator[tuple[dict[str, str], str]]:
    """A server of the model in production, on any free port; what it says of itself, and where it is asked."""
    argv = ["mlgit", "serve", "tumor", "--port", "0", "--admin-port", "0"]
    print(f"$ {shlex.join(argv)} &", flush=True)
    child = subprocess.Popen([*argv, "--json"], cwd=project, env=env, stdout=subprocess.PIPE)
    try:
        line = child.stdout.readline() if child.stdout else b""
        if not line:
            sys.exit("the demo stopped: the server does not start")
        ready = json.loads(line)
        champion = ready["serves"]["champion"]
        print(
            f"{champion['model']} {champion['version']} at {ready['url']}; {champion['self_tested']} recorded answers repeated"
        )
        yield ready, f"{ready['url']}/invocations"
    finally:
        child.terminate()
        child.wait(60)


def ask(url: str, project: Path) -> str:
    """Ask about the first row of the test data, and show what a client would type; the id of the request."""
    with open(project / "data/prepared/test.csv", encoding="utf-8") as stream:
        row = next(csv.DictReader(stream))
    known = {name: float(value) for name, value in row.items() if name not in ("id", "label")}
    body = json.dumps({"dataframe_records": [known]}).encode()
    print(f"$ curl -H 'Content-Type: application/json' -d @tumour.json {url}")
    answer, headers = post(url, body)
    print(f"{answer}    (version {headers['x-mlgit-version']}, request {headers['x-request-id']})", flush=True)
    return str(headers["x-request-id"])


def post(url: str, body: bytes) -> tuple[str, Message]:
    """One request, as `curl` would send it; what came back, and its headers."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - of this machine
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return answer.read().decode(), answer.headers


def main() -> None:
    """Scaffold, run, compare, release, serve, go back, audit."""
    began = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="mlgit-demo-"))
    project, env = home / "tumor", environment(home)

    say("1. A repository from a template: breast-cancer data, four stages and a model that can be explained.")
    play("mlgit new tumor --defaults", folder=home, env=env)
    say("   (In a project of your own you would now type what stands under Next.)")
    play("mlgit dag", folder=project, env=env)

    say("2. Run it, with a cautious first guess. Independent stages run side by side; dvc.lock records what ran on what.")
    play("mlgit run --set train.C=0.1", folder=project, env=env)
    play("cat reports/metrics.json", folder=project, env=env)

    say("3. The model card: made of what is recorded and of what people wrote in cards/tumor.yaml, which somebody has to read.")
    play("mlgit card build --reviewed all", folder=project, env=env)
    play("sed -n '/^## Evaluation/,/^Intervals/p' cards/tumor.md", folder=project, env=env)
    play("git add -A && git commit -qm 'Train the first model' && git log --oneline", folder=project, env=env)

    say("4. Nothing changed, so nothing runs. DVC agrees: the formats are its own.")
    play("mlgit run", folder=project, env=env)
    play("dvc status", folder=project, env=env)

    say("5. Release it: a version is a tag, and so is every step to production, after the checks that mlgit.yaml asks for.")
    play("mlgit model register tumor --version v1.0.0", folder=project, env=env)
    play("mlgit model promote tumor@v1.0.0 staging", folder=project, env=env)
    play("mlgit model promote tumor@v1.0.0 prod --message 'First release'", folder=project, env=env)

    say("6. Change a parameter on a branch. Status names it, and only the stages that read it run.")
    play("git switch -qc weaker-model", folder=project, env=env)
    play("sed -i.bak 's/C: 0.1 /C: 0.001/' params.yaml && rm params.yaml.bak", folder=project, env=env)
    play("mlgit status || true", folder=project, env=env)
    play("mlgit run", folder=project, env=env)

    say("7. What did that do to the model? Compared with the branch it would be merged into:")
    play("mlgit diff", folder=project, env=env)

    say("8. The card knows that it is no longer true. Make it anew, and try to release that model all the same: refused.")
    play("mlgit card check || true", folder=project, env=env)
    play("mlgit card build && git commit -qam 'Try stronger regularisation'", folder=project, env=env)
    play("mlgit model register tumor --version v1.1.0-rc.1", folder=project, env=env)
    play("mlgit model promote tumor@v1.1.0-rc.1 staging", folder=project, env=env)
    play("! mlgit model promote tumor@v1.1.0-rc.1 prod", folder=project, env=env)

    say("9. Back to main: the earlier result is restored from the cache, not computed again.")
    play("git switch -q main && mlgit run && git status --short", folder=project, env=env)

    say("10. Try some values beside the working tree. The best becomes a branch, which says out of how many it was picked.")
    play("mlgit exp run --set train.C=0.3,1.0,3.0 --objective log_loss", folder=project, env=env)
    play("mlgit exp show --only log_loss,recall,roc_auc,train.C --objective log_loss", folder=project, env=env)
    play("mlgit exp promote C-1 --branch better && git merge -q better && mlgit run", folder=project, env=env)
    play("mlgit card build && sed -n '/Picked from trials/p' cards/tumor.md", folder=project, env=env)
    play("git commit -qam 'Write the card anew' && mlgit model register tumor --version v1.1.0", folder=project, env=env)
    play("mlgit model promote tumor@v1.1.0 staging", folder=project, env=env)
    play("mlgit model promote tumor@v1.1.0 prod --message 'Better probabilities'", folder=project, env=env)

    say("11. Serve what is in production: by the tags, with every answer written down. A client asks about one tumour.")
    with serving(project, env) as (server, url):
        first = ask(url, project)

        say("12. Something is wrong in production? One command goes back, the server follows, and the reason is kept.")
        play("mlgit model rollback tumor prod --message 'Alarms doubled since noon'", folder=project, env=env)
        post(f"{server['admin_url']}/-/reload", b"")
        ask(url, project)
    play("mlgit model list", folder=project, env=env)
    play("mlgit model history tumor", folder=project, env=env)
    play("mlgit model verify", folder=project, env=env)
    play("mlgit log tail tumor", folder=project, env=env)

    say("13. An auditor asks why the first answer was given: which model, who released it, which data, code and people.")
    play(f"mlgit model audit --request {first} | sed '/^## Stages/,$d'", folder=project, env=env)
    play("mlgit card index -o MODELS.md && git tag", folder=project, env=env)

    say(f"Done in {time.monotonic() - began:.0f} seconds. The project is in {project}: look around, change something, run it.")


if __name__ == "__main__":
    main()
