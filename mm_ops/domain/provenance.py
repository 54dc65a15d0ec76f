"""What a stored result rests on, and whether that is still so.

Every stored document says ``version`` (of the bot that is judged), ``policies`` (digest of each policy file) and
``inputs`` (digest of each stored document that it was made from; null where there was none). A verdict speaks for
exactly those: when one of them has been replaced since, however far up the chain, it says nothing about what is there
now.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.canonical import digest


@dataclass(frozen=True, slots=True)
class Current:
    """What is there now: ``read`` gives a stored document's bytes, ``policy`` a policy file's digest, or ``None``."""

    read: Callable[[str], bytes | None]
    policy: Callable[[str], str | None]
    version: str


def find_departures(document: object, current: Current, *, where: str) -> list[str]:
    """List in which ways a document rests on something else than what is there now; empty means that it does not.

    Args:
        document: as stored; one that does not say what it rests on rests on nothing.
        current: what is there.
        where: the document's name, for the messages.
    """
    return list(dict.fromkeys(_walk(document, current, where)))


def _walk(document: object, current: Current, where: str) -> Iterator[str]:
    basis = document if isinstance(document, Mapping) else {}
    policies, inputs = basis.get("policies"), basis.get("inputs")
    if not isinstance(policies, Mapping) or not isinstance(inputs, Mapping):
        yield f"{where}: does not say what it rests on; materialise it again"
        return
    if basis.get("version", current.version) != current.version:
        yield f"{where}: made for version {basis['version']}, and {current.version} is judged; materialise it again"
    for name, recorded in policies.items():
        if current.policy(name) != recorded:
            yield f"{where}: made with another {name} than the one that is there; materialise it again"
    for name, recorded in inputs.items():
        yield from _walk_input(name, recorded, current, where)


def _walk_input(name: str, recorded: object, current: Current, where: str) -> Iterator[str]:
    data = current.read(name)
    if data is None and recorded is not None:
        yield f"{where}: rests on {name}, which is gone; materialise both again"
    elif data is not None and recorded is None:
        yield f"{where}: made before there was a {name}; materialise it again"
    elif data is not None and digest(data) != recorded:
        yield f"{where}: rests on another {name} than the one that is stored; materialise it again"
    elif data is not None:
        made: Any = json.loads(data)
        if isinstance(made, Mapping) and "inputs" in made:
            yield from _walk(made, current, name)
