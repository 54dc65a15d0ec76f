"""``mm-ops ci``: the asset checks on what is stored, and an exit code that a pipeline can trust."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mm_ops.adapters.environment import Environment, github_summary, runs_on_github
from mm_ops.cli.context import UtcDay, marker, say, yesterday
from mm_ops.cli.verdict_table import show_judged

if TYPE_CHECKING:
    import dagster as dg

    from mm_ops.defs.fleet import Location
    from mm_ops.defs.judgement import Judgement
    from mm_ops.domain.verdict import Finding

ANSWERS = {0: "PASS", 1: "FAIL", 2: "INCONCLUSIVE"}
SELECT = "Only <asset>:<check>, an asset, a gate or group:<group>; repeatable."


@click.command()
@click.option("--date", "day", type=UtcDay(), help="The UTC day; default yesterday.")
@click.option("--select", "selected", multiple=True, metavar="WORD", help=SELECT)
@click.option("--ephemeral", is_flag=True, help="Make the day anew in a place that is gone afterwards, and judge that.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the results as JUnit XML.")
@click.option("--github/--no-github", default=None, help="Annotate as GitHub does; by default where it runs this.")
@click.option("--json", "as_json", is_flag=True, help="The findings as canonical JSON.")
def ci(
    day: date | None,
    selected: tuple[str, ...],
    junit: Path | None,
    *,
    ephemeral: bool,
    github: bool | None,
    as_json: bool,
) -> None:
    """Run the asset checks through Dagster on what is stored for a day, or is made for it now.

    Exit 1 when a hard check failed or on HOLD, 2 when one could not be decided or gave no result, else 0. On GitHub
    what did not pass is annotated where its limit is written, and the summary of the step gets the table.
    """
    from mm_ops.adapters.artifacts import write_atomically
    from mm_ops.adapters.junit_report import junit_xml
    from mm_ops.defs.judgement import judge_stored

    judged_day = day if day is not None else yesterday()
    with _place(judged_day, made_anew=ephemeral) as (location, instance):
        say(f"ci: judging what is stored for {judged_day}")
        judgement = judge_stored(location, instance, judged_day, selected)
    findings = [(item.asset.to_user_string(), item.finding) for item in judgement.outcome.judged]
    if junit is not None:
        write_atomically(junit, junit_xml("mm_ops", findings, judgement.absent))
    _show(judged_day, judgement, findings, as_json=as_json)
    if runs_on_github() if github is None else github:
        _tell_github(judged_day, judgement, findings, err=as_json)
    marker("ci", ANSWERS[judgement.exit_code], err=as_json)
    sys.exit(judgement.exit_code)


@contextmanager
def _place(day: date, *, made_anew: bool) -> "Iterator[tuple[Location, dg.DagsterInstance]]":
    """The location and the instance that the UI shares, or both of their own with the day's nights run."""
    from mm_ops.cli.instance import open_instance, passing_place
    from mm_ops.defs.fleet import build_location
    from mm_ops.defs.night import run_night, run_shared
    from mm_ops.defs.resources import Site

    environment = Environment.read()
    if not made_anew:
        with open_instance(environment) as instance:
            yield build_location(Site.of(environment)), instance
        return
    with passing_place(environment) as (passing, instance):
        location = build_location(Site.of(passing))
        for bot in location.fleet.bots:
            for reason in run_night(location, instance, bot, day, say).reasons:
                say(f"ci: {reason}")
        run_shared(location, instance, day)
        yield location, instance


def _show(day: date, judgement: "Judgement", findings: "list[tuple[str, Finding]]", *, as_json: bool) -> None:
    from mm_ops.defs.runs import overrides_of
    from mm_ops.domain.canonical import encode

    if as_json:
        rows = [{"asset": asset, "finding": finding} for asset, finding in findings]
        told = {"absent": judgement.absent, "uncarried": judgement.uncarried, "verdict": ANSWERS[judgement.exit_code]}
        click.echo(encode({"day": day, **told, "findings": rows}), nl=False)
        return
    absent = [(name, "no result") for name in judgement.absent]
    show_judged(f"checks on what is stored for {day}", judgement.outcome.judged, absent)
    for reason in overrides_of(judgement.outcome):
        click.echo(f"  {reason}")
    for address in judgement.uncarried:
        click.echo(f"a bundle of this day is there and no longer carried by its gates: {address}")


def _tell_github(day: date, judgement: "Judgement", findings: "list[tuple[str, Finding]]", *, err: bool) -> None:
    from mm_ops.adapters.github_report import annotations, summary

    environment = Environment.read()
    for line in annotations(findings, judgement.absent, environment.policies, environment.root):
        click.echo(line, err=err)
    page = github_summary()
    if page is not None:
        with page.open("a", encoding="utf-8") as stream:  # steps before this one may have written there
            stream.write(summary(f"checks of {day}", ANSWERS[judgement.exit_code], findings, judgement.absent))
