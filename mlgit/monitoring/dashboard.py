"""A dashboard of Grafana about one released model, made of what `mlgit monitor export` writes. The same bytes every time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

# Grafana updates an older form when it loads it; this one is that of Grafana 11.
_SCHEMA_VERSION = 39
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_OF = 'model="$model",environment="$environment"'
_WIDE = 24
_PAGE_AT = 100
_GREEN, _YELLOW, _RED, _GREY = "green", "orange", "red", "text"
_VERDICTS = (("quiet", _GREEN), ("watch", _YELLOW), ("page", _RED), ("cannot_tell", _GREY))

_ALARMS = ("watch", "page")

Json = dict[str, Any]


def dashboard() -> str:
    """The dashboard as JSON, as Grafana imports it or is provisioned with it."""
    found = {
        "title": "mlgit monitor",
        "uid": "mlgit-monitor",
        "description": "What released models are asked, held against what they were trained with.",
        "tags": ["mlgit"],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-90d", "to": "now"},
        "refresh": "5m",
        "timezone": "browser",
        "annotations": {"list": [_versions()]},
        "templating": {"list": [_source_variable(), _variable("model", ""), _variable("environment", 'model="$model"')]},
        "panels": _placed(_panels()),
    }
    return json.dumps(found, indent=2) + "\n"


def _panels() -> list[tuple[Json, int, int]]:
    """Panels with width and height, in the order of rows."""
    return [
        (_stat("Verdict", [(f'mlgit_monitor_verdict{{{_OF},verdict="{word}"}} == 1', word) for word, _ in _VERDICTS]), 5, 5),
        (
            _stat(
                "Drift that nothing ended", [(f'mlgit_drift_alarm{{{_OF},verdict="{word}"}} == 1', word) for word in _ALARMS]
            ),
            4,
            5,
        ),
        (_stat("What alarms", [(f"mlgit_monitor_severity{{{_OF}}} == 1", "{{severity}}")], text="name"), 4, 5),
        (_stat("Version", [(f"mlgit_monitor_info{{{_OF}}}", "{{version}}")], text="name"), 3, 5),
        (_age("Looked for new windows", "mlgit_monitor_last_run_timestamp_seconds", red=2 * 86400), 4, 5),
        (_age("Last row seen", "mlgit_monitor_window_end_timestamp_seconds", red=0), 4, 5),
        (_timeline(), _WIDE, 5),
        (_lines("p-value, and the share of quiet windows that may alarm", _pvalues(), log=True), 12, 8),
        (_lines(f"Evidence against nothing having changed: {_PAGE_AT} pages", _evidence(), log=True, red=_PAGE_AT), 12, 8),
        (_lines("Columns furthest from the training data", _columns()), _WIDE, 9),
        (_lines("Metrics and KPIs, with intervals", _metrics()), 12, 9),
        (_lines("Rows a window", [(f"mlgit_monitor_window_rows{{{_OF}}}", "rows")]), 6, 9),
        (_lines("Windows by verdict", [(f"mlgit_monitor_windows{{{_OF}}}", "{{verdict}}")], colors=_VERDICTS), 6, 9),
    ]


def _pvalues() -> list[tuple[str, str]]:
    return [(f"mlgit_drift_pvalue{{{_OF}}}", "p"), (f"mlgit_drift_alpha{{{_OF}}}", "may alarm")]


def _evidence() -> list[tuple[str, str]]:
    return [(f"mlgit_monitor_martingale{{{_OF}}}", "evidence")]


def _columns() -> list[tuple[str, str]]:
    return [(f"topk(10, mlgit_drift_score_ratio{{{_OF}}})", "{{column}}")]


def _metrics() -> list[tuple[str, str]]:
    name = "{{metric}} (estimated: {{estimated}})"
    parts = {"": name, "_low": f"{name} low", "_high": f"{name} high", "_baseline": f"{name} at release"}
    return [(f"mlgit_monitored_metric{part}{{{_OF}}}", legend) for part, legend in parts.items()]


def _versions() -> Json:
    """A mark where another version comes into production: its series is there, and was not an hour ago."""
    series = f"mlgit_monitor_info{{{_OF}}}"
    return {
        "name": "Versions",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": f"{series} unless {series} offset 1h",
        "titleFormat": "{{version}}",
        "step": "1h",
    }


def _source_variable() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _variable(name: str, among: str) -> Json:
    query = f"label_values(mlgit_monitor_info{{{among}}}, {name})"
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
    }


def _panel(kind: str, title: str, queries: Sequence[tuple[str, str]], defaults: Mapping[str, Any], options: Json) -> Json:
    targets = [
        {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
        for place, (expression, legend) in enumerate(queries)
    ]
    return {
        "type": kind,
        "title": title,
        "datasource": _SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": dict(defaults), "overrides": []},
        "options": options,
    }


def _stat(title: str, queries: Sequence[tuple[str, str]], *, text: str = "name") -> Json:
    reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    options = {"reduceOptions": reduced, "textMode": text, "colorMode": "background", "graphMode": "none"}
    panel = _panel("stat", title, queries, {"color": {"mode": "fixed", "fixedColor": _GREY}, "noValue": "nothing"}, options)
    known = {word for _, word in queries}
    panel["fieldConfig"]["overrides"] = [_colored(word, color) for word, color in _VERDICTS if word in known]
    for target in panel["targets"]:
        target["instant"] = True
    return panel


def _age(title: str, metric: str, *, red: float) -> Json:
    panel = _stat(title, [(f"time() - {metric}{{{_OF}}}", "ago")], text="value")
    steps: list[Json] = [{"color": _GREEN, "value": None}, *([{"color": _RED, "value": red}] if red else [])]
    panel["fieldConfig"]["defaults"] = {
        "unit": "s",
        "color": {"mode": "thresholds" if red else "fixed", "fixedColor": _GREY},
        "thresholds": {"mode": "absolute", "steps": steps},
        "noValue": "not known",
    }
    return panel


def _timeline() -> Json:
    """The verdict over time as one strip: the four states are numbered, the worst last."""
    terms = [f'{place} * mlgit_monitor_verdict{{{_OF},verdict="{word}"}}' for place, (word, _) in enumerate(_VERDICTS, start=1)]
    query = " + ignoring (verdict) ".join(terms)
    mappings = {str(place): {"text": word, "color": color} for place, (word, color) in enumerate(_VERDICTS, start=1)}
    defaults = {
        "color": {"mode": "fixed", "fixedColor": _GREY},
        "mappings": [{"type": "value", "options": mappings}],
        "custom": {"fillOpacity": 80, "lineWidth": 0},
    }
    options = {"mergeValues": True, "showValue": "auto", "rowHeight": 0.9, "legend": {"showLegend": True}}
    return _panel("state-timeline", "Verdicts", [(query, "verdict")], defaults, options)


def _lines(
    title: str,
    queries: Sequence[tuple[str, str]],
    *,
    log: bool = False,
    red: float | None = None,
    colors: Sequence[tuple[str, str]] = (),
) -> Json:
    scale = {"type": "log", "log": 10} if log else {"type": "linear"}
    custom: Json = {"drawStyle": "line", "lineInterpolation": "stepAfter", "showPoints": "never", "scaleDistribution": scale}
    defaults: Json = {"custom": custom, "color": {"mode": "palette-classic"}}
    if red is not None:
        custom["thresholdsStyle"] = {"mode": "line"}
        defaults["thresholds"] = {
            "mode": "absolute",
            "steps": [{"color": _GREEN, "value": None}, {"color": _RED, "value": red}],
        }
    options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    panel = _panel("timeseries", title, queries, defaults, options)
    panel["fieldConfig"]["overrides"] = [_colored(name, color) for name, color in colors]
    return panel


def _colored(name: str, color: str) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
    }


def _placed(panels: Sequence[tuple[Json, int, int]]) -> list[Json]:
    """Panels with their ids and places: from left to right, a new row where one is full."""
    found: list[Json] = []
    x = y = highest = 0
    for panel, width, height in panels:
        if x + width > _WIDE:
            x, y, highest = 0, y + highest, 0
        found.append({"id": len(found) + 1, **panel, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
        x, highest = x + width, max(highest, height)
    return found
