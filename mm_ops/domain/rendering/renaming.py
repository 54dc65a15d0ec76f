"""Where a deployment has names in place of this machine's addresses: the same files, with other words in them."""

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.policy import CLOSED, Source

Word = Annotated[str, StringConstraints(min_length=4)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Renamed:
    """A file below the project, and what it is called below the deployment's folder."""

    of: Annotated[str, StringConstraints(pattern=r"^deploy/[A-Za-z0-9_./-]+$")]
    to: Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9_./-]*$")]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Replaced:
    """What stands in the project's file, and what stands there in the deployment's."""

    this: Word
    by: Word


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Renaming:
    """Which files a deployment takes with other names in them."""

    files: Annotated[tuple[Renamed, ...], Field(min_length=1)]
    names: Annotated[tuple[Replaced, ...], Field(min_length=1)]
    source: Source


def rename(texts: dict[str, str], renaming: Renaming) -> dict[str, str]:
    """Write every file with the deployment's names in it, by what it is called there.

    Args:
        texts: the project's files by their paths: every one that the renaming names.
        renaming: the files and the names.

    Raises:
        PolicyError: a name stands in none of them, so that a deployment would keep an address of one machine.
    """
    whole = "".join(texts[file.of] for file in renaming.files)
    idle = [name.this for name in renaming.names if name.this not in whole]
    if idle:
        raise PolicyError(f"names.yaml: {', '.join(idle)}: expected in one of the files, was in none")
    return {file.to: _replaced(texts[file.of], renaming) for file in renaming.files}


def _replaced(text: str, renaming: Renaming) -> str:
    for name in renaming.names:
        text = text.replace(name.this, name.by)
    return text
