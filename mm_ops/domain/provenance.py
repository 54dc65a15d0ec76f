"""What a stored result rests on, and whether that is still so.

Every stored document says ``stored_as`` (its own name), ``version`` (of the bot that is judged), ``made_by`` (the
version of mm_ops), ``origin`` (where the bot's evidence comes from), ``policies`` (digest of each policy file),
``sources`` (digest of each entry that a recorder keeps of its day's files) and ``inputs`` (digest of each stored
document that it was made from; null where there was none). One that compares with the known-good release also says
``known_good`` (digest of that soak; null where none was named). A verdict speaks for exactly those: when one of them
has been replaced since, however far up the chain, it says nothing about what is there now.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.canonical import digest


@dataclass(frozen=True, slots=True)
class Current:
    """What is there now.

    ``read`` gives a stored document's bytes, ``policy`` the digest of a policy file and ``source`` that of an entry of
    a recorder, or ``None`` where there is none. ``version`` is the bot's that is judged, ``made_by`` that of mm_ops,
    ``origin`` the digest of where the bot's evidence comes from. ``known_good`` is the digest of the soak that the bot
    is compared with, or ``None`` where none is named or there.
    """

    read: Callable[[str], bytes | None]
    policy: Callable[[str], str | None]
    source: Callable[[str], str | None]
    version: str
    made_by: str
    origin: str
    known_good: str | None


def find_departures(document: object, current: Current, *, where: str) -> list[str]:
    """List in which ways a document rests on something else than what is there now; empty means that it does not.

    Args:
        document: as stored; one that does not say what it rests on rests on nothing.
        current: what is there.
        where: the name under which it is stored.
    """
    return list(dict.fromkeys(_walk(document, current, where)))


def _walk(document: object, current: Current, where: str) -> Iterator[str]:
    basis = document if isinstance(document, Mapping) else {}
    policies, inputs = basis.get("policies"), basis.get("inputs")
    if not isinstance(policies, Mapping) or not isinstance(inputs, Mapping):
        yield f"{where}: does not say what it rests on; materialise it again"
        return
    if basis.get("stored_as", where) != where:
        yield f"{where}: is what was stored as {basis['stored_as']}; materialise it again"
    yield from _walk_identity(basis, current, where)
    for name, recorded in basis.get("sources", {}).items():
        found = current.source(name)
        if found is not None and found != recorded:
            yield f"{where}: {name} was recorded again since; materialise it again"
    for name, recorded in policies.items():
        if current.policy(name) != recorded:
            yield f"{where}: made with another {name} than the one that is there; materialise it again"
    for name, recorded in inputs.items():
        yield from _walk_input(name, recorded, current, where)


def _walk_identity(basis: Mapping[str, Any], current: Current, where: str) -> Iterator[str]:
    version, made_by = basis.get("version"), basis.get("made_by")
    if version != current.version:
        yield f"{where}: made for version {version}, and {current.version} is judged; materialise it again"
    if made_by != current.made_by:
        yield f"{where}: made by mm_ops {made_by}, and {current.made_by} judges; materialise it again"
    if basis.get("origin") != current.origin:
        yield f"{where}: the bot's evidence comes from elsewhere now (bots.yaml); materialise it again"
    if "known_good" in basis and basis["known_good"] != current.known_good:
        yield f"{where}: compared with another known-good soak than the one that bots.yaml names; materialise it again"


def _walk_input(name: str, recorded: object, current: Current, where: str) -> Iterator[str]:
    data = current.read(name)
    if data is None and recorded is not None:
        yield f"{where}: rests on {name}, which is gone; materialise both again"
    elif data is not None and recorded is None:
        yield f"{where}: made before there was a {name}; materialise it again"
    elif data is not None and digest(data) != recorded:
        yield f"{where}: rests on another {name} than the one that is stored; materialise it again"
    elif data is not None:
        made = _parse(data)
        if made is None:
            yield f"{where}: rests on {name}, which is not the JSON that was stored; materialise both again"
        elif "inputs" in made:
            yield from _walk(made, current, name)


def _parse(data: bytes) -> Mapping[str, Any] | None:
    try:
        made = json.loads(data)
    except ValueError:
        return None
    return made if isinstance(made, Mapping) else None
