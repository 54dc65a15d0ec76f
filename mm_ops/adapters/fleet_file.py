"""Reads ``bots.yaml`` so that a broken entry keeps no other bot from being loaded; the rest is as for every policy.

What decides over all bots at once, such as a rotation that spares what each one needs, reads it strictly instead.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from mm_ops.adapters import policy_files
from mm_ops.domain.bots import Bot, Fleet
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.policy import BotName

_BOTS = "bots"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The bots that can be loaded; of the others a line for each fault, and a name for each to be watched by.

    Where an entry's own is no name, or another bot's, it is ``entry_`` and its number in the file, from 1.
    """

    fleet: Fleet
    faults: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read_sound_bots(path: Path) -> Loaded:
    """Read the bots whose entries are sound.

    Raises:
        PolicyError: the file is no YAML, a field beside the bots is wrong, or no entry is sound.
    """
    try:
        return Loaded(policy_files.read_policy(path, Fleet))
    except PolicyError as error:
        whole = error
    node, data = policy_files.read_tree(path)
    entries = data.get(_BOTS) if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise whole
    faults = {number: list(_faults(path, node, entries, number)) for number in range(len(entries))}
    sound = [entry for number, entry in enumerate(entries) if not faults[number]]
    try:
        fleet = TypeAdapter(Fleet).validate_json(policy_files.as_json({**data, _BOTS: sound}))
    except ValidationError as error:
        raise whole from error  # it is not an entry that is wrong, or every one is
    known = {bot.name for bot in fleet.bots}
    left_out = dict.fromkeys(_name(entries[number], number, known) for number in faults if faults[number])
    return Loaded(fleet, tuple(line for lines in faults.values() for line in lines), tuple(left_out))


def _name(entry: Any, number: int, known: Collection[str]) -> str:
    """What a broken entry is called: nothing else may keep all the others from being loaded."""
    try:
        name = TypeAdapter(BotName).validate_python(entry["name"] if isinstance(entry, dict) else None, strict=True)
    except (KeyError, ValidationError):
        name = ""
    return name if name and name not in known else f"entry_{number + 1}"


def _faults(path: Path, node: yaml.Node, entries: list[Any], number: int) -> Iterator[str]:
    """Say what is wrong with one entry: its own faults, or a name that an earlier one has."""
    try:
        TypeAdapter(Bot).validate_json(policy_files.as_json(entries[number]))
    except ValidationError as error:
        yield from policy_files.faults_of(path, node, error, within=(_BOTS, number))
        return
    name = entries[number]["name"]
    before = Counter(entry.get("name") for entry in entries[:number] if isinstance(entry, dict))
    if before[name]:
        yield f"{path}:{policy_files.line_of(node, (_BOTS, number))}: bots.{number}.name: {name} stands above already"
