"""``mm-ops grafana``: committed dashboards into Grafana, out of it, and how the two differ."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import ServerUrl, marker, policy_file, show_table, utc_now

if TYPE_CHECKING:
    from mm_ops.adapters.grafana_desk import Brought, Desk
    from mm_ops.domain.grafana.decision import Board
    from mm_ops.domain.grafana.policy import Grafana, GrafanaPolicy

FILE = click.Path(path_type=Path, dir_okay=False)
TOKEN = "GRAFANA_TOKEN"  # noqa: S105 - the name of a variable
GOOD, DIFFERS, UNDECIDED = 0, 1, 2
_SHOWN = 20


class GrafanaUrl(ServerUrl):
    """The address of a Grafana."""

    server = "a Grafana"


def where(command: Callable[..., None]) -> Callable[..., None]:
    """Which Grafana: one of the policy, or any by its address."""
    for option in (
        click.option("--folder", help="With --url: the uid of the folder in which it lies; default the root."),
        click.option("--token-file", type=FILE, help=f"With --url: holds the token; default the variable {TOKEN}."),
        click.option("--url", type=GrafanaUrl(), help="A Grafana that is not in grafana.yaml."),
        click.option("--env", "name", help="Which Grafana of grafana.yaml; may be left out where there is one."),
    ):
        command = option(command)
    return command


@click.group()
def grafana() -> None:
    """Dashboards: committed here, shown in Grafana."""


@grafana.command()
@where
@click.option("--uid", help="Which dashboard; default the one that grafana.yaml names.")
@click.option("--output", type=FILE, help="Where to; default standard output.")
def export(*, uid: str | None, output: Path | None, **chosen: Any) -> None:
    """Write a dashboard of Grafana in its one form: no ids, no versions, data sources as variables.

    Exit 0 when it is written, 2 when it is not there or cannot be read.
    """
    from mm_ops.adapters.artifacts import write_atomically
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.errors import PolicyError

    policy, desk = _open(**chosen)
    asked = uid if uid is not None else _only(_boards(policy, None)).uid
    found = desk.server.dashboard(asked)
    if found is None:
        raise PolicyError(f"{desk.grafana.name}: {asked}: there is no dashboard of that uid: see its address, /d/UID/…")
    if output is None:
        click.echo(encode(found.form), nl=False)
    else:
        write_atomically(output, encode(found.form))
    marker("grafana export", "OK", err=output is None)


@grafana.command()
@where
@click.option("--input", "file", type=FILE, help="A dashboard; default those that grafana.yaml names.")
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def diff(*, file: Path | None, as_json: bool, **chosen: Any) -> None:
    """Tell how the committed dashboards differ from those in Grafana; nothing is changed.

    Exit 0 when they do not, 1 when they do, 2 when it cannot be told.
    """
    from mm_ops.domain.canonical import encode

    policy, desk = _open(**chosen)
    found = {board.uid: desk.compare(board) for board in _boards(policy, file)}
    if as_json:
        click.echo(encode({"environment": desk.grafana.name, "differences": found}), nl=False)
    else:
        for uid, differences in found.items():
            _tell(f"{desk.grafana.name}/{uid}", differences)
    differs = any(found.values())
    marker("grafana diff", "DRIFT" if differs else "SAME", err=as_json)
    sys.exit(DIFFERS if differs else GOOD)


@grafana.command(name="import")
@where
@click.option("--input", "file", type=FILE, help="A dashboard; default those that grafana.yaml names.")
@click.option(
    "--overwrite",
    type=click.IntRange(min=0),
    metavar="VERSION",
    help="Also over what was changed in Grafana since the last import, if it still is of this version (0: is gone).",
)
@click.option("--dry-run", is_flag=True, help="Decide and tell; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def bring(*, file: Path | None, overwrite: int | None, dry_run: bool, as_json: bool, **chosen: Any) -> None:
    """Write the committed dashboards into Grafana, show what that changes, and read them back.

    What was changed there since the last import stays, unless --overwrite names its version. Exit 0 when all are there,
    1 when one was refused, 2 when it cannot be told.
    """
    from mm_ops.domain.grafana.decision import Refuse

    policy, desk = _open(**chosen)
    done: list[Brought] = []
    show = _nothing if as_json else _told(desk)
    try:
        done.extend(
            desk.bring(board, utc_now(), overwrite=overwrite, dry=dry_run, show=show) for board in _boards(policy, file)
        )
    finally:  # what was written before one that raises is in the list, and is told
        _tell_done(done, as_json=as_json)
    refused = any(isinstance(one.decision, Refuse) for one in done)
    marker("grafana import", "REFUSED" if refused else "DRYRUN" if dry_run else "OK", err=as_json)
    sys.exit(DIFFERS if refused else GOOD)


def _tell_done(done: "Sequence[Brought]", *, as_json: bool) -> None:
    from mm_ops.domain.canonical import encode

    if done and as_json:
        click.echo(encode([_plain(one) for one in done]), nl=False)
    elif done:
        show_table("grafana import", ("dashboard", "answer", "version", "reason"), [_row(one) for one in done])


def _open(
    *, name: str | None, url: str | None, token_file: Path | None, folder: str | None
) -> "tuple[GrafanaPolicy, Desk]":
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.grafana_desk import Desk
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.grafana.policy import GrafanaPolicy

    if url is None and (token_file is not None or folder is not None):
        raise click.UsageError("--token-file, --folder: expected --url too; of the others grafana.yaml says them")
    if url is not None and name is not None:
        raise click.UsageError("--env, --url: expected one of the two")
    policy = read_policy(policy_file("grafana.yaml"), GrafanaPolicy)
    chosen = _choose(policy, name) if url is None else _of_options(url, token_file, folder)
    return policy, Desk.of(chosen, policy, Environment.read())


def _choose(policy: "GrafanaPolicy", name: str | None) -> "Grafana":
    from mm_ops.domain.errors import PolicyError

    known = {one.name: one for one in policy.environments}
    if name is None and len(known) == 1:
        return policy.environments[0]
    if name in known:
        return known[name]
    if not known:
        raise PolicyError("grafana.yaml: environments: no Grafana is named: add one, or say --url and --token-file")
    raise PolicyError(f"--env: expected one of {', '.join(known)}, was {name or 'nothing'}")


def _of_options(url: str, token_file: Path | None, folder: str | None) -> "Grafana":
    """A Grafana by its address; what is imported into it is remembered by that."""
    from pydantic import TypeAdapter, ValidationError

    from mm_ops.domain.canonical import digest, encode
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.grafana.policy import Grafana

    token = {"env": TOKEN} if token_file is None else {"file": str(token_file.resolve())}
    given = {"name": f"at_{digest(url.encode())[7:19]}", "url": url, "token": token, "source": "the command line"}
    given |= {} if folder is None else {"folder": {"uid": folder, "title": folder}}
    try:
        return TypeAdapter(Grafana).validate_json(encode(given))
    except ValidationError as error:
        field = error.errors()[0]["loc"][0]
        expected = {"url": "no user, password, query or fragment", "folder": "a uid of at most 40 of A-Z a-z 0-9 _ -"}
        raise PolicyError(f"--{field}: expected {expected.get(str(field), 'another value')}") from error


def _boards(policy: "GrafanaPolicy", file: Path | None) -> "list[Board]":
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.grafana_desk import read_boards

    if file is not None:
        return read_boards(Path.cwd(), [str(file)])
    return read_boards(Environment.read().root, policy.dashboards)


def _only(boards: "Sequence[Board]") -> "Board":
    if len(boards) != 1:
        raise click.UsageError(f"--uid: expected one of {', '.join(board.uid for board in boards)}")
    return boards[0]


def _tell(place: str, differences: Sequence[object]) -> None:
    click.echo(f"{place}: {len(differences) or 'no'} difference{'' if len(differences) == 1 else 's'}")
    for one in differences[:_SHOWN]:
        click.echo(f"  {one}")
    if len(differences) > _SHOWN:
        click.echo(f"  … and {len(differences) - _SHOWN} more")


def _told(desk: "Desk") -> "Callable[[Board, Sequence[object]], None]":
    return lambda board, differences: _tell(f"{desk.grafana.name}/{board.uid}", differences)


def _nothing(board: object, differences: object) -> None:  # noqa: ARG001 - shown in the document instead
    return


def _row(one: "Brought") -> tuple[str, str, str, str]:
    reason = str(getattr(one.decision, "reason", ""))
    answer = type(one.decision).__name__.lower()
    return f"{one.environment}/{one.board.uid}", answer, "" if one.version is None else str(one.version), reason


def _plain(one: "Brought") -> dict[str, Any]:
    place, answer, _, reason = _row(one)
    return {
        "dashboard": place,
        "answer": answer,
        "version": one.version,
        "reason": reason,
        "differences": one.differences,
    }
