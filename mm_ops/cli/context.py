"""What every command needs: the environment, a table for people, the marker for scripts."""

import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.log_lines import write

if TYPE_CHECKING:
    from mm_ops.domain.verdict import Finding

FIRST_YEAR, LAST_YEAR = 1971, 2261
"""What a time on the command line may lie in: a day less and a zone more stay within what a window can be."""


class UtcDay(click.ParamType[date]):
    """A day such as 2026-11-20, of a year that every later sum of days stays within."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it."""
        try:
            day = value if isinstance(value, date) else datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007
        except ValueError:
            self.fail(f"expected a day such as 2026-11-20, was {value!r}", param, ctx)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            self.fail(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}, was {value!r}", param, ctx)
        return day


class ServerUrl(click.ParamType[str]):
    """The address of a server; other words of an option, such as ``policy``, are named."""

    name = "url"
    server = "a Prometheus"

    def __init__(self, *words: str) -> None:
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it."""
        text = str(value)
        try:
            parts = urlsplit(text)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port or an address in brackets that is none
            good = False
        if not good and text not in self._words:
            self.fail(f"expected the address of {self.server} (http://…), was {text!r}", param, ctx)
        return text


def policy_file(name: str) -> Path:
    """The path of a policy file, such as ``edge.yaml``."""
    return Environment.read().policies / name


def utc_now() -> datetime:
    """Now in UTC, or ``CI_FAKE_UTC``."""
    return Environment.read().now()


def yesterday() -> date:
    """The last complete UTC day."""
    return utc_now().date() - timedelta(days=1)


def say(text: str) -> None:
    """Tell progress on standard error, so that standard output stays the result."""
    write(text)


def marker(command: str, answer: str, *, err: bool = False) -> None:
    """Print the last line, the one that scripts grep for: ``| soak | PASS | SOAK=PASS |``.

    With ``err`` on standard error: after ``--json``, so that standard output is one JSON document.
    """
    variable = command.upper().replace(" ", "_").replace("-", "_")
    line = f"| {command} | {answer} | {variable}={answer} |"
    if err:
        write(line)
    else:
        click.echo(line)


def agreed(question: str) -> bool:
    """Ask a person.

    Raises:
        click.UsageError: nobody is there to answer.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort as end:
        if isinstance(end.__context__, EOFError):
            raise click.UsageError("--yes: expected where nobody can be asked", click.get_current_context()) from end
        raise


def show_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table for people; wide as it needs to be when nobody watches."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*header, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    watched = sys.stdout is not None and sys.stdout.isatty()
    console = Console(width=None if watched else 200, highlight=False, markup=False)
    with console.capture() as shown:  # printed by click: rich ends the process with 1 when the reader has left
        console.print(table)
    click.echo(shown.get(), nl=False)


def finding_row(finding: "Finding") -> tuple[str, ...]:
    """One line of a verdict table: gate, severity, verdict, value, limit, margin."""
    from mm_ops.domain.markdown import number, signed

    sign = {"at_most": "≤ ", "at_least": "≥ "}.get(finding.bound, "")
    limit = "" if finding.limit is None else sign + number(finding.limit, finding.unit)
    margin = signed(finding.margin, finding.unit)
    value = number(finding.value, finding.unit)
    return (finding.gate, finding.severity.value, finding.verdict.value, value, limit, margin)
