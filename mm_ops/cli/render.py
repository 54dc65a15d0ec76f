"""``mm-ops render``: everything that is made from the catalogue, written or compared."""

import sys

import click

from mm_ops.cli.context import marker


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if anything is not what the catalogue renders.")
@click.option("--only", metavar="FOLDER", help="With --check: compare only what is rendered below it.")
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def render(*, check: bool, only: str | None, as_json: bool) -> None:
    """Render rules, their tests, both configurations, the dashboard, the table of checks and the runbooks' blocks.

    Exit 0 when all is as rendered, 1 when --check finds a difference, 2 when something cannot be rendered: a policy
    that is impossible, or disagrees with another, or an alert without a page to write its numbers into.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.renderings import (
        check_rollback,
        find_differences,
        find_faults,
        read_catalogue,
        render_all,
        write_changed,
    )
    from mm_ops.domain.canonical import encode

    environment = Environment.read()
    catalogue = read_catalogue(environment.policies)
    check_rollback(environment.policies, catalogue)
    rendered = _below(only, render_all(environment.root, environment.policies), check=check)
    differences = find_differences(environment.root, rendered)
    changed = [] if check else write_changed(environment.root, rendered)
    faults = find_faults(environment.root, catalogue)
    if as_json:
        found = {"differences": differences if check else [], "faults": faults, "written": changed}
        click.echo(encode(found), nl=False)
    else:
        for item in differences if check else ():
            click.echo(f"{item.path} is not what the catalogue renders (mm-ops render writes it):\n{item.diff}")
        for line in (*(f"wrote {path}" for path in changed), *faults):
            click.echo(line)
        click.echo(f"{len(rendered)} renderings, {len(differences)} differed")
    drifted = faults or (check and differences)
    marker("render", "DRIFT" if drifted else "OK", err=as_json)
    sys.exit(0 if not drifted else 1 if check else 2)


def _below(folder: str | None, rendered: dict[str, bytes], *, check: bool) -> dict[str, bytes]:
    """What is rendered below a folder, or all; a folder with nothing in it would compare nothing and look well."""
    if folder is None:
        return rendered
    if not check:
        raise click.UsageError("--only goes with --check: what is written is written whole")
    found = {path: data for path, data in rendered.items() if path.startswith(f"{folder.rstrip('/')}/")}
    if not found:
        raise click.UsageError(f"--only: nothing is rendered below {folder}")
    return found
