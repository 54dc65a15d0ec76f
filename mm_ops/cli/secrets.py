"""``mm-ops secrets scan``: whether a secret lies in the repository, the artifacts, a bundle, or anything else."""

import sys
from pathlib import Path

import click

from mm_ops.cli.context import marker, policy_file, say, show_table


@click.group()
def secrets() -> None:
    """Look for secrets that lie where they should not."""


@secrets.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="What was found as canonical JSON; no secret is in it.")
def scan(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Look at PATHs, or at the repository and the artifacts root, archives and encoded text included.

    A finding tells its rule, its place, its length and a fingerprint, and never itself. Exit 0 when there is none that
    the baseline of secrets.yaml does not excuse, 1 when there is, 2 when something could not be read to its end.
    """
    from mm_ops.adapters.environment import Environment, WallClock
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.adapters.secret_files import SecretFiles, roots_of
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.secrets.policy import SecretsPolicy
    from mm_ops.domain.secrets.report import secrets_document, secrets_finding
    from mm_ops.domain.verdict import exit_code

    environment = Environment.read()
    policy = read_policy(policy_file("secrets.yaml"), SecretsPolicy)
    scanned = SecretFiles(policy, WallClock().monotonic, say).scan(roots_of(environment, paths))
    document = secrets_document(scanned, policy, environment.now().date())
    finding = secrets_finding(document)
    if as_json:
        click.echo(encode({**document, "verdict": finding.verdict, "reason": finding.reason}), nl=False)
    else:
        rows = [
            (
                item["rule"],
                f"{item['path']}:{item['line']}",
                item["via"],
                str(item["length"]),
                item["fingerprint"],
                item["known"] or "",
            )
            for item in document["findings"]
        ]
        if rows:
            show_table("secrets", ("rule", "place", "read", "characters", "fingerprint", "baseline"), rows)
        for line in (
            *document["baseline_faults"],
            *(f"baseline: unused: {one}" for one in document["baseline_unused"]),
        ):
            click.echo(line)
        click.echo(finding.reason)
        click.echo(scanned.counts)
    marker("secrets scan", finding.verdict.value.upper(), err=as_json)
    sys.exit(exit_code(finding.verdict))
