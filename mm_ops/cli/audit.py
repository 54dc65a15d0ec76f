"""``mm-ops audit verify``: is the rollback journal what was written into it?"""

import sys
from pathlib import Path

import click

from mm_ops.adapters.journal_place import DEFAULT, anchor_beside
from mm_ops.cli.context import marker, policy_file

CODES = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 2}


_ARCHIVES = click.option("--archives", type=click.Path(path_type=Path), help="Their folder; default beside a file.")


@click.group()
def audit() -> None:
    """Check the rollback journal."""


@audit.command()
@click.option(
    "--journal", help=f"The journal: a file, or the URL of a PostgreSQL; default MM_OPS_JOURNAL, or {DEFAULT}."
)
@click.option(
    "--anchor", type=click.Path(path_type=Path), help="Where the watcher keeps count and head; default beside a file."
)
@_ARCHIVES
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def verify(journal: str | None, anchor: Path | None, archives: Path | None, *, as_json: bool) -> None:
    """Find any edit, deletion, reordering or cut tail, through the archives to the first record ever written.

    Exit 0 when everything is as it was written, 1 when something is not, 2 when that cannot be said.
    """
    from mm_ops.adapters.journal_audit import audit_journal
    from mm_ops.domain.canonical import encode

    place = journal or _journal_of_the_project()
    found = audit_journal(place, anchor or anchor_beside(place), archives)
    answer = "FAIL" if found.problems else "INCONCLUSIVE" if found.doubts else "PASS"
    if as_json:
        click.echo(encode({"answer": answer, **_fields(found)}), nl=False)
    else:
        for line in (*found.problems, *found.doubts):
            click.echo(line)
        anchored = "not anchored" if found.anchored is None else f"anchored at {found.anchored}"
        click.echo(f"{found.records} audit records, {anchored}, head {found.head}")
    marker("audit verify", answer)
    sys.exit(CODES[answer])


@audit.command()
@click.option("--journal", help="The journal: a file, or the URL of a PostgreSQL; default the watcher's.")
@_ARCHIVES
def archive(journal: str | None, archives: Path | None) -> None:
    """Take records older than journal.yaml says out of the journal into files; a watcher may run meanwhile.

    What is the case now stays, and `audit verify` goes through the files. Exit 0; 2 when nothing could be archived.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.journal_upkeep import archive_old
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.rollback.keeping import JournalPolicy

    desk = Desk.read(Environment.read(), journal=journal)
    kept = archive_old(desk, read_policy(policy_file("journal.yaml"), JournalPolicy), archives, click.echo)
    if kept.moved:
        click.echo(f"anchors of writers that have not written since, moved on: {', '.join(kept.moved)}")
    click.echo(f"{kept.records} records archived, older than {kept.before:%Y-%m-%dT%H:%M:%SZ}")
    marker("audit archive", "OK")


def _fields(found: object) -> dict[str, object]:
    return {name: getattr(found, name) for name in ("records", "head", "anchored", "problems", "doubts")}


def _journal_of_the_project() -> str:
    from mm_ops.adapters.environment import Environment, journal_named

    environment = Environment.read()
    return journal_named(environment) or str(environment.path(DEFAULT))
