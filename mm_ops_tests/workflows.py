"""The workflows of ``.github``, their scripts, and the commands of ours in them."""

import re
import shlex
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mm_ops_tests.requirements import PROJECT

WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")
_INPUT = re.compile(r"\$\{\{ inputs\.(\w+).*\}\}")


@dataclass(frozen=True)
class Step:
    """One ``run:`` of a job, with the variables that the workflow itself sets for it."""

    workflow: str
    name: str
    script: str
    variables: Mapping[str, str]


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - plain words
    return document


def steps_of(path: Path) -> Iterator[Step]:
    """Every step that runs a script; an input is its default."""
    workflow = read(path)
    inputs = workflow["on"].get("workflow_dispatch", {}).get("inputs", {})
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                stated = {**job.get("env", {}), **step.get("env", {})}
                named = {name: found[1] for name, value in stated.items() if (found := _INPUT.fullmatch(value))}
                variables = {name: inputs[one]["default"] for name, one in named.items()}
                yield Step(path.name, step.get("name", step["run"]), step["run"], variables)


def commands_of(step: Step, day: str) -> Iterator[list[str]]:
    """The arguments of each ``mm-ops`` of a script, its variables replaced; an array is left out."""
    whole = _EXPRESSION.sub("", step.script).replace("\\\n", " ")
    for line in whole.splitlines():
        for part in re.split(r"&&|\|\||;|\|", line):
            words = shlex.split(part, comments=True)
            if "mm-ops" in words:
                known = {**step.variables, "DAY": day}
                said = [string.Template(word).safe_substitute(known) for word in words[words.index("mm-ops") + 1 :]]
                yield [word for word in said[: said.index(">") if ">" in said else None] if "[@]" not in word]
