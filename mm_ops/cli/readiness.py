"""``mm-ops readiness validate``: can this readiness file be believed, and is it GO?"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mm_ops.cli.context import marker, policy_file

CODES = {"GO": 0, "HOLD": 1, "INVALID": 2}
_LAYOUT = 3  # <root>/<bot>/<day>/reports/readiness.json
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def readiness() -> None:
    """Check a readiness file."""


@readiness.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--artifacts", type=_FOLDER, help="Compare with the reports below; default the root that FILE lies in.")
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def validate(file: Path, artifacts: Path | None, *, as_json: bool) -> None:
    """Check structure, ranges, arithmetic, verdict and, where they are at hand, the reports that FILE rests on.

    Exit 0 only on GO, 1 on a sound HOLD, 2 when the file cannot be believed.
    """
    from mm_ops.adapters.json_files import read_json
    from mm_ops.domain.canonical import encode

    document = read_json(file)
    problems = _problems(document) or _misplaced(file, document)
    root = artifacts or (file.absolute().parents[_LAYOUT] if _place(file) else None)
    if root is not None and not problems:
        problems = _departures(document, root)
    answer = "INVALID" if problems else document["verdict"]
    if as_json:
        checked = None if root is None else str(root)
        found = {"file": str(file), "answer": answer, "problems": problems, "artifacts": checked}
        click.echo(encode(found), nl=False)
    else:
        _show(file, document, problems, root)
    marker("readiness", answer, err=as_json)
    sys.exit(CODES[answer])


def _problems(document: Any) -> list[str]:
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.readiness.policy import ReadinessPolicy
    from mm_ops.domain.readiness.soundness import POLICY, find_problems

    path = policy_file(POLICY)
    return find_problems(document, read_policy(path, ReadinessPolicy), policy_digest=digest(path.read_bytes()))


def _place(file: Path) -> tuple[str, str] | None:
    """The bot and the day by which a file lies below an artifacts root, or ``None`` where it does not."""
    *_, bot, day, folder, name = ("", "", "", *file.absolute().parts)
    laid_out = (folder, name) == ("reports", "readiness.json") and _DAY.fullmatch(day)
    return (bot, day) if laid_out else None


def _misplaced(file: Path, document: Mapping[str, Any]) -> list[str]:
    place, own = _place(file), (document["bot"], document["day"])
    if place in {None, own}:
        return []
    return [f"bot, day: expected {' '.join(place or ())}, where the file lies, was {' '.join(own)}"]


def _departures(document: Mapping[str, Any], root: Path) -> list[str]:
    from mm_ops.adapters.artifacts import Artifacts
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.readiness.soundness import find_replaced

    stored = Artifacts(str(root))
    return find_replaced(
        document, {name: digest(stored.read(name)) if stored.has(name) else None for name in document["inputs"]}
    )


def _show(file: Path, document: Any, problems: list[str], root: Path | None) -> None:
    for problem in problems:
        click.echo(f"{file}: {problem}")
    if problems:
        return
    click.echo(f"{document['bot']} {document['day']}: {document['score']:g} of 100")
    for reason in (*document["reasons"], *document["missing"]):
        click.echo(f"  because {reason}")
    if root is None:
        click.echo("provenance was not checked: no artifacts are at hand (--artifacts DIR)")
    else:
        click.echo(f"provenance: the {len(document['inputs'])} reports it rests on are stored unchanged in {root}")
