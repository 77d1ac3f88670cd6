"""Stage `render`: the messages of every case, and whether a guardrail holds them back."""

from typing import Any

from . import files, guardrails, prompts

Row = dict[str, Any]


def render(prompt: prompts.Prompt, cases: list[Row], rails: list[guardrails.Rail]) -> list[Row]:
    """One request per case; `blocked` names the guardrail that fires on what would be sent."""
    found = []
    for case in cases:
        try:
            sent = prompts.messages(prompt, case["vars"])
        except ValueError as error:
            raise ValueError(f"case {case['id']}: {error}") from error
        fired = [rail.id for rail in rails if any(guardrails.fires(rail, each["content"]) for each in sent)]
        row = {"id": case["id"], "model": prompt.model, "messages": sent}
        found.append({**row, "blocked": fired[0] if fired else ""})
    return found


if __name__ == "__main__":
    rails = guardrails.read(files.GUARDRAILS).before
    rendered = render(prompts.read(files.PROMPT), files.read_jsonl(files.CASES), rails)
    files.write_jsonl(files.REQUESTS, rendered)
