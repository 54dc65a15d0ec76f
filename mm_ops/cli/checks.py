"""``mm-ops ci``: the asset checks on what is stored, and an exit code that a pipeline can trust."""

import sys
from datetime import date
from pathlib import Path

import click

from mm_ops.cli.context import UtcDay, marker, say, yesterday
from mm_ops.cli.verdict_table import show_judged

ANSWERS = {0: "PASS", 1: "FAIL", 2: "INCONCLUSIVE"}


@click.command()
@click.option("--date", "day", type=UtcDay(), help="The UTC day; default yesterday.")
@click.option("--select", "selected", multiple=True, metavar="CHECK", help="Only <asset>:<check>; repeatable.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write the results as JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="The findings as canonical JSON.")
def ci(day: date | None, selected: tuple[str, ...], junit: Path | None, *, as_json: bool) -> None:
    """Run the asset checks through Dagster on what is stored for a day.

    Exit 1 when a hard check failed or on HOLD, 2 when one could not be decided or gave no result, else 0.
    """
    from mm_ops.adapters.artifacts import write_atomically
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.junit_report import junit_xml
    from mm_ops.cli.instance import open_instance
    from mm_ops.defs.fleet import build_location
    from mm_ops.defs.judgement import judge_stored
    from mm_ops.defs.resources import Site
    from mm_ops.domain.canonical import encode

    environment = Environment.read()
    judged_day = day if day is not None else yesterday()
    say(f"ci: judging what is stored for {judged_day}")
    with open_instance(environment) as instance:
        judgement = judge_stored(build_location(Site.of(environment)), instance, judged_day, selected)
    findings = [(item.asset.to_user_string(), item.finding) for item in judgement.outcome.judged]
    if junit is not None:
        write_atomically(junit, junit_xml("mm_ops", findings, judgement.absent))
    if as_json:
        rows = [{"asset": asset, "finding": finding} for asset, finding in findings]
        told = {"absent": judgement.absent, "uncarried": judgement.uncarried}
        click.echo(encode({"day": judged_day, **told, "findings": rows}), nl=False)
    else:
        absent = [(name, "no result") for name in judgement.absent]
        show_judged(f"checks on what is stored for {judged_day}", judgement.outcome.judged, absent)
        for address in judgement.uncarried:
            click.echo(f"a bundle of this day is there and no longer carried by its gates: {address}")
    marker("ci", ANSWERS[judgement.exit_code], err=as_json)
    sys.exit(judgement.exit_code)
