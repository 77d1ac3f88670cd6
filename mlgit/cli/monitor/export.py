"""`mlgit monitor export`: verdicts in Prometheus, with alerts and a dashboard."""

from __future__ import annotations

import json

import click

from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import json_option
from mlgit.render.text import count, few, plain

_EXAMPLES = """\b
Examples:
  mlgit monitor export                                            show what Prometheus is told
  mlgit monitor export --prometheus /var/lib/node_exporter/mlgit_monitor.prom
  mlgit monitor export churn#prod --push-gateway https://push.example.com:9091
  mlgit monitor export --alerts alerts.yml --dashboard dashboard.json
"""


@click.command(epilog=_EXAMPLES, short_help="Tell Prometheus, with alerts and a dashboard.")
@click.argument("name", metavar="[NAME[#ENVIRONMENT]]", default="")
@click.option("--prometheus", metavar="FILE", type=click.Path(), help="Write FILE for node_exporter's textfile collector.")
@click.option("--push-gateway", metavar="URL", help="Send it to a Pushgateway, grouped by model.")
@click.option(
    "--alerts", metavar="FILE", type=click.Path(), help="Write alerting rules for Prometheus, the same for all models."
)
@click.option("--dashboard", metavar="FILE", type=click.Path(), help="Write a dashboard for Grafana, the same for all models.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Add a label to everything; may be repeated.")
@json_option()
def command(
    name: str,
    *,
    prometheus: str | None,
    push_gateway: str | None,
    alerts: str | None,
    dashboard: str | None,
    labels: tuple[str, ...],
    as_json: bool,
) -> int:
    """Tell Prometheus the last verdict about NAME, or about every model that was judged.

    Verdicts are read from this repository, judged by nobody anew: type `mlgit monitor run` before it. FILE is replaced as a
    whole, so that node_exporter never reads half of it. Two repositories with a model of one name need a label that tells
    them apart, as `--label project=shop`.

    Exit code 0 whatever the verdicts say; 2 when nothing was judged, or the verdicts of a model cannot be read.
    """
    from mlgit.commands.monitor_export import export

    result = export(
        name,
        prometheus=prometheus or "",
        push_gateway=push_gateway or "",
        alerts=alerts or "",
        dashboard=dashboard or "",
        labels=labels,
    )
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return result.exit_code
    if not result.files and not result.pushed:
        click.echo(result.text, nl=False)
    for path in result.files:
        about = f": {few(map(plain, result.models))}" if path == prometheus else ""
        click.echo(f"wrote {plain(path)}{about}")
    if result.pushed:
        click.echo(f"pushed {count(result.pushed, 'model')}: {few(map(plain, result.models))}")
    for each in result.notes:
        note(each)
    for each in result.problems:
        note(f"left out: {each}")
    return result.exit_code
