"""Any report a stranger's job could write, with texts that try to be more than text."""

from __future__ import annotations

import dataclasses
import types
import typing

from hypothesis import strategies as st

TEXTS = (
    "a|b|c",
    "`code` ``x` <b>bold</b>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details><details open><summary>x",
    "@octocat and @team/all",
    "#12 and GH-13, team/models#14",
    "[click](https://evil.example) ![i](https://evil.example/p.png)",
    "https://evil.example www.evil.example",
    "ada@example.com mailto:a@_b.example",
    "_www.evil.example (www.evil.example",
    "-->\n<!-- mlgit:report v1 key=default head= run=9.9 -->",
    "<!--",
    "```\n### injected\n```",
    "~~~",
    ":smile: :+1: $x$ $$y$$",
    "/close",
    "/merge now",
    " /label ~x",
    "\u202egnp.exe",
    "# heading",
    "> quote",
    "- item",
    "1. one",
    "javascript:alert(1)",
    "&lt;b&gt; &#60;b&#62;",
    "=HYPERLINK(1)",
    '%% mermaid " ] line [1,2]\n```\n',
    "x" * 100_000,
    "😀" * 30_000,
    "`" * 5_000,
    "|" * 5_000,
    "@a " * 30_000,
)

ANY_TEXT = st.sampled_from(TEXTS) | st.text(max_size=20)


def values(kind: typing.Any, text: st.SearchStrategy[str] = ANY_TEXT, most: int = 3) -> st.SearchStrategy[typing.Any]:
    """Anything that a field of this type can hold."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.none() | values(next(each for each in args if each is not types.NoneType), text, most)
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is tuple and args[-1] is ...:
        return st.lists(values(args[0], text, most), max_size=most).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(each, text, most) for each in args))
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{each.name: values(hints[each.name], text, most) for each in dataclasses.fields(kind)})
    return {str: text, float: st.floats(), int: st.integers(), bool: st.booleans()}[kind]
