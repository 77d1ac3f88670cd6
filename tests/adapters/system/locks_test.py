"""DVC's table of busy paths, as this process writes it beside what others wrote."""

from __future__ import annotations

import json
import os

from mlgit.adapters.system.locks import BusyPaths


def test_table_holds_what_others_wrote_and_what_runs_here(tmp_path):
    other = {"pid": 1, "cmd": "dvc repro"}  # it always lives
    before = {"write": {"/z": other}, "read": {"/shared": [other]}}
    table = tmp_path / "rwlock"
    table.write_text(json.dumps(before))
    busy, me = BusyPaths(tmp_path, "mlgit run"), {"pid": os.getpid(), "cmd": "mlgit run"}
    busy.change(enter=[("a", ["/shared", "/q"], ["/w"]), ("b", ["/q"], ['/é \\ " w'])])
    assert json.loads(table.read_text()) == {
        "write": {"/z": other, "/w": me, '/é \\ " w': me},
        "read": {"/shared": [other, me], "/q": [me]},
    }
    busy.change(leave=["a"])
    assert json.loads(table.read_text()) == {"write": {"/z": other, '/é \\ " w': me}, "read": {"/shared": [other], "/q": [me]}}
    busy.change(leave=["b"])
    assert table.read_text() == json.dumps(before)
