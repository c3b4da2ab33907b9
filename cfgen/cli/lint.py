"""``cfgen lint``."""

from typing import TYPE_CHECKING

import click

from cfgen.cli.options import configuration, given, global_options, price_options, settings
from cfgen.cli.terminal import emit, read_input, talk, warn

if TYPE_CHECKING:
    from cfgen.prices import Prices


@click.command(epilog="Example: cfgen build | cfgen lint -")
@click.argument("template", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
)
@price_options
@global_options
def lint(prices: "Prices", template: str | None, form: str) -> None:
    """Check a template with cfn-lint, at every level of finding.

    TEMPLATE is a file, or - for standard input; without it, the template that build would write
    is checked. Exits 8 where something was found.
    """
    from cfgen import pipeline
    from cfgen.errors import Findings
    from cfgen.report.findings import findings_json, findings_sarif, findings_text

    config = configuration({})
    if template is None:
        path = pipeline.lock_path(settings().config)
        chosen = pipeline.choose(config, prices, path, refresh=False, insist=False, given=given())
        warn(chosen.recommendation.market.notices)
        name = "template.yaml"
        text = pipeline.build(config, chosen.plan, prices.now.year, given=given())
    else:
        name, text = read_input(template)
    findings = pipeline.lint(text, config.stack.region)
    reports = {"text": findings_text, "json": findings_json, "sarif": findings_sarif}
    emit(reports[form](findings, name))
    if findings:
        raise Findings(f"{name}: {len(findings)} finding{'s' if len(findings) > 1 else ''}")
    talk(f"{name}: no findings")
