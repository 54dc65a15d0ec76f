"""The commands that a page shows, run as it prints them."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MARK = "@@ command"


@dataclass(frozen=True)
class Ran:
    """One command of a page: how it ended and what it said."""

    command: str
    code: int
    said: str


def commands_of(page: str) -> list[str]:
    """Each command of its ``console`` blocks; lines after ``>`` belong to the command before."""
    found: list[str] = []
    for block in re.findall(r"^```console\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(line[2:])
            elif line.startswith(">"):
                found[-1] += "\n" + line[2:]
    return found


def run_page(commands: list[str], folder: Path, variables: Mapping[str, str]) -> list[Ran]:
    """Run them one after the other in one shell, in the folder; what they left running is ended."""
    script = "".join(f"{command}\necho; echo '{_MARK}' $?\n" for command in commands)
    log = folder / "page.log"
    with log.open("wb") as stream:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        try:
            shell.wait(timeout=240)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    parts = re.split(rf"\n{_MARK} (\d+)\n", log.read_text(encoding="utf-8"))
    said, codes = parts[:-1:2], parts[1::2]
    return [Ran(command, int(code), text) for command, code, text in zip(commands, codes, said, strict=True)]
