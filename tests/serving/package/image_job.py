"""The image of a package, built twice and run without a daemon: `python -m tests.serving.package.image_job CONTEXT TOKENFILE`.

For people, as root on Linux with buildah: CONTEXT is what `mlgit package` wrote, with a `--base` that this machine has. Both
builds have to have one digest; then the image has to answer the recorded rows as recorded, as user 65532 with a read-only
root. What stands behind TOKENFILE is mounted while it is built, as `/etc/pip.conf:/etc/pip.conf:ro`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PORT = 18080
# What a container runtime does for a process: a root that nobody writes to, a /tmp and a log that are, and no rights.
RUN = """\
set -e
mount --bind $1 $1; mount -o remount,bind,ro $1
mount -t tmpfs -o mode=1777,size=64m tmpfs $1/tmp
mount -t tmpfs -o uid=65532,gid=65532 tmpfs $1/var/log/mlgit
mount -t tmpfs -o mode=0755 tmpfs $1/run
mkdir -p $1/run/secrets/mlgit && install -m 0440 -o root -g 65532 $2 $1/run/secrets/mlgit/token
mount --bind /proc $1/proc; mount --bind /dev $1/dev; cd /; root=$1; shift 2
exec env -i "PATH=/usr/sbin:/usr/bin:/bin" HOME=/tmp PYTHONDONTWRITEBYTECODE=1 \
  chroot --userspec=65532:65532 --groups= $root "$@"
"""


def buildah(*words: str) -> str:
    done = subprocess.run(["buildah", *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    return done.stdout.strip()


def built(context: Path, tag: str) -> str:
    """The id of the image, built without anything of an earlier build."""
    mounted = [word for each in sys.argv[3:] for word in ("--volume", each)]
    began = time.monotonic()
    words = ("--isolation", "chroot", "--network", "host", "--timestamp", "0", "--no-cache", "--pull-never", *mounted)
    buildah("bud", *words, "--tag", tag, str(context))
    found = buildah("images", "--no-trunc", "--format", "{{.ID}}", tag).splitlines()[0]  # one line for each name that it has
    print(f"built {found[:23]} in {time.monotonic() - began:.0f} s")
    return found


def asked(body: object, token: str) -> tuple[int, object]:
    """Status and answer of a request for predictions."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/invocations", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)["predictions"]
    except urllib.error.HTTPError as error:
        return error.code, None


def ready() -> None:
    """Wait until the server is."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            for address in (f"{PORT}/v2/health/ready", f"{PORT + 1}/-/ready"):
                urllib.request.urlopen(f"http://127.0.0.1:{address}", timeout=5)
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("not ready after two minutes")


def main(context: Path, token: Path) -> None:
    """Build twice, compare, run, ask."""
    one, other = built(context, "mlgit-job:a"), built(context, "mlgit-job:b")
    assert one == other, (one, other)
    container = buildah("from", "--pull-never", "mlgit-job:a")
    try:
        entry = json.loads(re.findall(r"^ENTRYPOINT (.*)$", (context / "Dockerfile").read_text(), re.MULTILINE)[0])
        words = [*entry, "--port", str(PORT), "--admin-port", str(PORT + 1), "--token-file", "/run/secrets/mlgit/token"]
        enter = ["unshare", "--mount", "--propagation", "private", "bash", "-c", RUN, "_"]
        with subprocess.Popen([*enter, buildah("mount", container), str(token), *words]) as server:
            try:
                ready()
                rows = json.loads((context / "release/self-test.json").read_text())
                body = {"dataframe_split": {"columns": rows["columns"], "data": rows["rows"]}}
                assert asked(body, token.read_text().strip()) == (200, rows["prediction"])
                assert asked(body, "no token at all, really")[0] == 401
            finally:
                server.terminate()
        assert server.returncode == 0, server.returncode
        print("one digest twice; answers as recorded as user 65532 with a read-only root; ends with 0")
    finally:
        buildah("rm", container)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
