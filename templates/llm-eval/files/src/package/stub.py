"""A server that plays a model, so that everything here works without a key, a network and money.

It answers by the same regular expression as the baseline and is wrong now and then: how often, depends on the name of
the model; when, on a digest of model and messages, so that every run gets the same answers. A name is `stub`, one of
the sizes, and any of the modes: `stub-large`, `stub-small-noisy-429`.

sizes    small, large    how often it is right
modes    slow            takes 0.2 s
         429, 500        some requests fail at first, some fail always (500)
         truncated       some answers are cut off
         badjson         some bodies are no JSON
         refuse, tool    some answers are refusals, or calls of a tool
         v2              another version: other mistakes, another fingerprint
         noisy           an answer depends on the `seed` of the request, too
"""

import contextlib
import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import baseline

LONGEST_LIFE = 3600.0
SIZES = {"small": 0.72, "large": 0.97}
MODES = {"slow", "429", "500", "truncated", "badjson", "refuse", "tool", "v2", "noisy"}


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """Run the server as a child of this process; its port. It ends with the block, and with this process."""
    argv = [sys.executable, "-m", __spec__.name if __spec__ else __name__]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        try:
            yield int(child.stdout.readline())
        finally:
            child.stdin.close()


def share(*parts: object) -> float:
    """A number from 0 to 1 that these decide."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def completion(request: dict[str, Any], size: str, modes: set[str]) -> dict[str, Any]:
    """What the model says, as the API has it."""
    asked = (request["model"], request["messages"])
    prompt = "\n".join(each["content"] for each in request["messages"])
    names, finish = baseline.parameter_names(prompt), "stop"
    is_wrong = share("right", *asked) >= SIZES[size]
    if "noisy" in modes:
        is_wrong ^= share("noise", request.get("seed"), *asked) < 0.05
    if is_wrong:
        names = names[:-1] if share("how", *asked) < 0.5 else ["self", *names]
    # like a model, it has to be told that a program reads its answer
    said = json.dumps(names) if "JSON" in prompt else f"The parameters are {', '.join(names)}."
    text: str | None = said
    message: dict[str, Any] = {"role": "assistant"}
    if "truncated" in modes and share("cut", *asked) < 0.2:
        text, finish = said[: len(said) // 2], "length"
    if "refuse" in modes and share("refuse", *asked) < 0.1:
        text, message["refusal"] = None, "I cannot help with that."
    if "tool" in modes and share("tool", *asked) < 0.1:
        function = {"name": "look_up", "arguments": "{}"}
        text, finish = None, "tool_calls"
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    tokens = len(prompt) // 4 + 8, len(text or "") // 4 + 1
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "model": request["model"],
        "system_fingerprint": "fp_stub_v2" if "v2" in modes else "fp_stub_v1",
        "choices": [{"index": 0, "message": {**message, "content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
    }


class Handler(BaseHTTPRequestHandler):
    """Answers one connection, request after request."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    disable_nagle_algorithm = True
    tried: set[float] = set()  # noqa: RUF012 (of all connections)

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        stub, _, rest = request["model"].partition("-")
        size, *modes = rest.split("-")
        if stub != "stub" or size not in SIZES or not set(modes) <= MODES:
            self.reply(404, {"error": {"message": f"no model '{request['model']}'"}})
            return
        if self.fails(request, set(modes)):
            return
        delay = 0.2 if "slow" in modes else 0.0
        time.sleep(delay)
        # what a model of this size may take; the same on every machine
        took = 80 + 40 * share("time", request["messages"], request.get("seed")) + 1000 * delay
        self.reply(200, completion(request, size, set(modes)), milliseconds=int(took))

    def fails(self, request: dict[str, Any], modes: set[str]) -> bool:
        """Answer with what this mode does wrong, if it does."""
        number = share("fails", request["model"], request["messages"], request.get("seed"))
        is_first = number not in self.tried
        self.tried.add(number)
        if "429" in modes and is_first and number < 0.05:
            self.reply(429, {"error": {"message": "Rate limit reached"}}, retry_after="1")
        elif "500" in modes and ((is_first and number < 0.1) or number < 0.03):
            self.reply(500, {"error": {"message": "The server had an error"}})
        elif "badjson" in modes and number < 0.1:
            self.reply(200, None)
        else:
            return False
        return True

    def reply(self, status: int, content: object, *, retry_after: str = "", milliseconds: int = 0) -> None:
        """Send JSON; of None the beginning of some."""
        body = json.dumps(content).encode() if content is not None else b'{"choices": ['
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("openai-processing-ms", str(milliseconds))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve on a free port of loopback until standard input ends, for an hour at most."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        # the pipe ends with the process that holds its other end, however that ends
        parent = threading.Thread(target=sys.stdin.read, daemon=True)
        parent.start()
        parent.join(LONGEST_LIFE)


if __name__ == "__main__":
    main()
