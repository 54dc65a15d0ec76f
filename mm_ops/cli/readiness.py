"""``mm-ops readiness validate``: can this readiness file be believed, and is it GO?"""

import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.adapters.environment import Environment
from mm_ops.cli.context import UtcDay, marker, policy_file, utc_now
from mm_ops.cli.override import find_other_override, override, override_lines
from mm_ops.domain.errors import SchemaError

if TYPE_CHECKING:
    from mm_ops.domain.bots import Bot
    from mm_ops.domain.readiness.last_day import SoakRules

CODES = {"GO": 0, "HOLD": 1, "INVALID": 2, "UNPROVEN": 2, "STALE": 2}
_LAYOUT = 3  # <root>/<bot>/<day>/reports/readiness.json
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_AT_HAND, _NOT_ASKED, _NOT_AT_HAND = "at hand", "not asked for", "not at hand"


@click.group()
def readiness() -> None:
    """Check a readiness file, or sign that its HOLD may be passed over."""


readiness.add_command(override)


@readiness.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--artifacts", type=_FOLDER, help="Compare with the reports below; default the root that FILE lies in.")
@click.option(
    "--date", "day", type=UtcDay(), help="The day that it must be of, however old; default one that still stands."
)
@click.option("--structure-only", is_flag=True, help="Ask for the file by itself, and not for what it rests on.")
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def validate(file: Path, artifacts: Path | None, day: date | None, *, structure_only: bool, as_json: bool) -> None:
    """Check structure, ranges, arithmetic, verdict and the reports that FILE rests on, each read again.

    So is what these rest on in turn: policies, recorders' entries, samples' entries. Exit 0 only on GO, 1 on a sound
    HOLD, 2 when the file cannot be believed, is too old or, without its reports, is not proven.
    """
    from mm_ops.adapters.json_files import read_json
    from mm_ops.domain.canonical import encode

    if structure_only and artifacts is not None:
        raise click.UsageError("--structure-only leaves out the reports, and --artifacts names them: give one of both")
    document = read_json(file)
    root = artifacts or (file.absolute().parents[_LAYOUT] if _place(file) else None)
    provenance = _NOT_ASKED if structure_only else _NOT_AT_HAND if root is None else _AT_HAND
    problems = problems_of(document) or _misplaced(file, document)
    if not problems and not structure_only:
        problems = _departures(document, root)
    stale = None if problems or structure_only else _stale(document, day)
    answer = "INVALID" if problems else "UNPROVEN" if provenance == _NOT_AT_HAND else document["verdict"]
    if stale:
        answer, problems = "STALE", [stale]
    if as_json:
        checked = str(root) if provenance == _AT_HAND else None
        found = {"file": str(file), "answer": answer, "problems": problems, "artifacts": checked}
        click.echo(encode({**found, "provenance": provenance}), nl=False)
    else:
        _show(file, document, problems)
        if not problems:
            click.echo(_say_provenance(document, provenance, root))
    marker("readiness", answer, err=as_json)
    sys.exit(CODES[answer])


def problems_of(document: Any) -> list[str]:
    """List what is wrong with a parsed readiness file by itself."""
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.readiness.last_day import expected_gates
    from mm_ops.domain.readiness.policy import ReadinessPolicy
    from mm_ops.domain.readiness.soundness import POLICIES, POLICY, find_problems
    from mm_ops.domain.soak.policy import SoakPolicy

    policy = read_policy(policy_file(POLICY), ReadinessPolicy)
    here = {name: digest(policy_file(name).read_bytes()) for name in POLICIES}
    gates = expected_gates(read_policy(policy_file("soak.yaml"), SoakPolicy))
    return find_problems(document, policy, policies=here, gates=gates, now=utc_now())


def _place(file: Path) -> tuple[str, str] | None:
    """The bot and the day by which a file lies below an artifacts root, or ``None`` where it does not."""
    *_, bot, day, folder, name = ("", "", "", *file.absolute().parts)
    laid_out = (folder, name) == ("reports", "readiness.json") and _DAY.fullmatch(day)
    return (bot, day) if laid_out else None


def _stale(document: Mapping[str, Any], asked: date | None) -> str | None:
    """Say why the file is of no day that is asked for: of another than the one named, or of one too long ago."""
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.readiness.policy import ReadinessPolicy
    from mm_ops.domain.readiness.soundness import POLICY, find_stale

    return find_stale(document["day"], asked, read_policy(policy_file(POLICY), ReadinessPolicy), utc_now())


def _misplaced(file: Path, document: Mapping[str, Any]) -> list[str]:
    place, own = _place(file), (document["bot"], document["day"])
    if place in {None, own}:
        return []
    return [f"bot, day: expected {' '.join(place or ())}, where the file lies, was {' '.join(own)}"]


def _departures(document: Mapping[str, Any], root: Path | None) -> list[str]:
    """In which ways a file is not what the policies and, where they are at hand, the stored reports say."""
    from mm_ops.domain.readiness.reread import find_strangeness

    bot = _bot(document["bot"])
    strange = [] if bot is None else find_strangeness(document, bot.version)
    if root is None or strange:
        return strange
    return _replaced(document, root) or _contradictions(document, root, bot) or _outdated(document, root, bot)


def _bot(name: str) -> "Bot | None":
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.bots import Fleet

    fleet = read_policy(policy_file("bots.yaml"), Fleet)
    return next((bot for bot in fleet.bots if bot.name == name), None)


def _replaced(document: Mapping[str, Any], root: Path) -> list[str]:
    from mm_ops.adapters.artifacts import Artifacts
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.readiness.soundness import find_replaced

    stored = Artifacts(str(root))
    return find_replaced(
        document, {name: digest(stored.read(name)) if stored.has(name) else None for name in document["inputs"]}
    )


def _contradictions(document: Mapping[str, Any], root: Path, bot: "Bot | None") -> list[str]:
    from mm_ops.adapters.artifacts import Artifacts
    from mm_ops.adapters.json_files import parse_json
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.readiness.override import OVERRIDE
    from mm_ops.domain.readiness.policy import ReadinessPolicy
    from mm_ops.domain.readiness.reread import find_contradictions, find_other_gates
    from mm_ops.domain.readiness.soundness import POLICY

    stored, policy = Artifacts(str(root)), read_policy(policy_file(POLICY), ReadinessPolicy)
    reports = {
        name: parse_json(stored.read(name), stored.address(name))
        for name in document["inputs"]
        if not name.endswith(f"/{OVERRIDE}")
    }
    symbols = None if bot is None else bot.symbols
    problems = []
    for n, row in enumerate(document["days"]):
        try:
            problems += find_contradictions(document, n, reports, policy, symbols=symbols)
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # bytes of the right digest, of any shape
            problems.append(f"days[{n}]: a stored report of {row['date']} has not the form of one: {error!r}")
    try:
        problems += find_other_gates(document, reports, _rules(bot))
    except (AttributeError, KeyError, TypeError, ValueError, SchemaError) as error:
        problems.append(f"gates: a stored report of {document['day']} has not the form of one: {error!r}")
    return [*problems, *find_other_override(document, stored)]


def _rules(bot: "Bot | None") -> "SoakRules":
    from mm_ops.adapters.json_files import read_soak
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.readiness.last_day import SoakRules
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.soak.policy import SoakPolicy

    named = None if bot is None else bot.known_good
    return SoakRules(
        slis=read_policy(policy_file("slis.yaml"), SliCatalogue),
        soak=read_policy(policy_file("soak.yaml"), SoakPolicy),
        known_good=None if named is None else read_soak(Environment.read().path(named)),
    )


def _outdated(document: Mapping[str, Any], root: Path, bot: "Bot | None") -> list[str]:
    """What the reports rest on that was replaced since; of a bot that no policy names, by what the file says of it."""
    from dataclasses import replace

    from mm_ops.adapters.current import current_of
    from mm_ops.domain.provenance import find_departures

    environment = Environment.read()
    if bot is not None:
        current = current_of(environment, bot, str(root))
    else:
        from mm_ops.adapters.policy_files import read_policy
        from mm_ops.domain.bots import Fleet

        other = read_policy(policy_file("bots.yaml"), Fleet).bots[0]
        current = replace(
            current_of(environment, replace(other, name=document["bot"], known_good=None), str(root)),
            version=document["version"],
            origin=document["origin"],
        )
    return find_departures(document, current, where=document["stored_as"])


def _say_provenance(document: Any, provenance: str, root: Path | None) -> str:
    if provenance == _AT_HAND:
        return (
            f"provenance: the {len(document['inputs'])} reports it rests on are stored unchanged in {root} and say so"
        )
    if provenance == _NOT_ASKED:
        return "provenance was not asked for: of this file only the structure is known"
    return (
        "not proven: no artifacts are at hand; name their root with --artifacts DIR, "
        "or ask for the structure alone with --structure-only"
    )


def _show(file: Path, document: Any, problems: list[str]) -> None:
    for problem in problems:
        click.echo(f"{file}: {problem}")
    if problems:
        return
    click.echo(f"{document['bot']} {document['day']}: {document['score']:g} of 100")
    for reason in (*document["reasons"], *document["missing"]):
        click.echo(f"  because {reason}")
    for line in override_lines(document):
        click.echo(f"  {line}")
