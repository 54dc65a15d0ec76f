"""``mm-ops readiness validate``: can this readiness file be believed, and is it GO?"""

import sys
from pathlib import Path

import click

from mm_ops.cli.context import marker, policy_file

UNDECIDED = 2


@click.group()
def readiness() -> None:
    """Check a readiness file."""


@readiness.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def validate(file: Path, *, as_json: bool) -> None:
    """Check structure, ranges, arithmetic and verdict of FILE.

    Exit 0 only on GO, 1 on a sound HOLD, 2 when the file cannot be believed.
    """
    from mm_ops.adapters.json_files import read_json
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.readiness.document import find_problems
    from mm_ops.domain.readiness.policy import ReadinessPolicy

    document = read_json(file)
    problems = find_problems(document, read_policy(policy_file("readiness.yaml"), ReadinessPolicy))
    answer = "INVALID" if problems else document["verdict"]
    if as_json:
        click.echo(encode({"file": str(file), "answer": answer, "problems": problems}), nl=False)
    else:
        for problem in problems:
            click.echo(f"{file}: {problem}")
        if not problems:
            reasons = [*document["reasons"], *document["missing"]]
            click.echo(f"{document['bot']} {document['day']}: {document['score']:g} of 100")
            click.echo("\n".join(f"  because {reason}" for reason in reasons), nl=bool(reasons))
    marker("readiness", answer)
    sys.exit({"GO": 0, "HOLD": 1, "INVALID": UNDECIDED}[answer])
