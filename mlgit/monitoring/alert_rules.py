"""Rules for Prometheus: who has to look when a model drifts, breaks, or is no longer watched. The same for every model."""

from __future__ import annotations

_HEAD = """\
# Written by `mlgit monitor export --alerts`. Name this file under `rule_files:` of Prometheus; Alertmanager routes by
# `severity`: page wakes somebody, ticket waits until morning, info is for the dashboard.
# An alert ends when a newer window is quiet, or when somebody accepts the window: `mlgit monitor accept`.
groups:
  - name: mlgit-monitor
    rules:
"""

_ACCEPTED = "unless ignoring ({}) mlgit_monitor_window_accepted == 1"
_CONTRACT = 'unless ignoring ({}, state) mlgit_monitor_contract{{state="fail"}} == 1'
_METRIC = 'unless ignoring ({}, metric, kind, estimated) mlgit_monitored_metric_broken{{estimated="false"}} == 1'
_ESTIMATED = "unless ignoring ({}, metric, kind, estimated) mlgit_monitored_metric_broken == 1"
_SHOW = "`mlgit monitor show {{ $labels.model }}#{{ $labels.environment }}`"
_OF = "{{ $labels.model }} in {{ $labels.environment }}"

# Name, severity, lines of the expression, summary, description. One cause has one alert: the worst that is known.
_RULES: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    (
        "MlgitContractBroken",
        "page",
        ('mlgit_monitor_contract{state="fail"} == 1', _ACCEPTED.format("state")),
        f"The data of {_OF} break their contract",
        f"What the model is asked is not what it was made for: {_SHOW} names columns and rules.",
    ),
    (
        "MlgitMetricBroken",
        "page",
        (
            'mlgit_monitored_metric_broken{estimated="false"} == 1',
            _ACCEPTED.format("metric, kind, estimated"),
        ),
        f"{{{{ $labels.metric }}}} of {_OF} is beyond what is allowed",
        f"Measured with labels, its whole interval lies beyond the declared limit: {_SHOW} has value and interval.",
    ),
    (
        "MlgitEstimatedMetricBroken",
        "ticket",
        (
            'mlgit_monitored_metric_broken{estimated="true"} == 1',
            _ACCEPTED.format("metric, kind, estimated"),
        ),
        f"{{{{ $labels.metric }}}} of {_OF} is estimated beyond what is allowed",
        "Estimated from scores, before labels are there, and blind to a changed relation of input and truth: look for labels "
        "before you act.",
    ),
    (
        "MlgitDriftPage",
        "page",
        (
            'mlgit_drift_alarm{verdict="page"} == 1',
            _CONTRACT.format("verdict"),
            _METRIC.format("verdict"),
            _ACCEPTED.format("verdict"),
        ),
        f"The data of {_OF} have drifted",
        f"Over several windows the evidence is beyond doubt: {_SHOW} says what moved.",
    ),
    (
        "MlgitDriftWatch",
        "ticket",
        (
            'mlgit_drift_alarm{verdict="watch"} == 1',
            _CONTRACT.format("verdict"),
            _ESTIMATED.format("verdict"),
            _ACCEPTED.format("verdict"),
        ),
        f"Data of {_OF} are unlike the training data",
        f"As many such alarms about nothing are expected as mlgit.yaml declares: {_SHOW} says what moved.",
    ),
    (
        "MlgitMonitorCannotTell",
        "ticket",
        ('mlgit_monitor_verdict{verdict="cannot_tell"} == 1', _ACCEPTED.format("verdict")),
        f"Nobody can tell whether {_OF} has drifted",
        f"Something is missing: {_SHOW} says what.",
    ),
    (
        "MlgitMonitorSilent",
        "ticket",
        ("time() - last_over_time(mlgit_monitor_last_run_timestamp_seconds[7d]) > 2 * 86400",),
        f"{_OF} has not been watched for two days",
        "`mlgit monitor run` did not come to an answer, or what it writes no longer arrives here.",
    ),
    (
        "MlgitMonitorNoNewWindow",
        "ticket",
        ("time() - mlgit_monitor_window_end_timestamp_seconds > 3 * mlgit_monitor_window_period_seconds",),
        f"No new data of {_OF}",
        "The last window that was judged is three windows old: the log, or what brings it, has stopped.",
    ),
)


def rules() -> str:
    """The rules as a file that Prometheus loads."""
    return _HEAD + "".join(_rule(*each) for each in _RULES)


def _rule(name: str, severity: str, expression: tuple[str, ...], summary: str, description: str) -> str:
    lines = "\n".join(f"          {line}" for line in expression)
    return (
        f"      - alert: {name}\n"
        f"        expr: |\n{lines}\n"
        f"        labels: {{severity: {severity}}}\n"
        "        annotations:\n"
        f"          summary: '{summary}'\n"
        f"          description: '{description}'\n"
    )
