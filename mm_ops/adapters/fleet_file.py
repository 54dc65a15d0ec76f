"""Reads ``bots.yaml`` so that a broken entry keeps no other bot from being loaded; the rest is as for every policy.

What decides over all bots at once, such as a rotation that spares what each one needs, reads it strictly instead.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from mm_ops.adapters import policy_files
from mm_ops.domain.bots import Bot, Fleet
from mm_ops.domain.errors import PolicyError

_BOTS = "bots"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The bots that can be loaded; of the others a line for each fault, and the names of those that have one."""

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
    broken = (entry for number, entry in enumerate(entries) if faults[number] and isinstance(entry, dict))
    names = dict.fromkeys(str(entry["name"]) for entry in broken if isinstance(entry.get("name"), str))
    left_out = tuple(name for name in names if name not in {bot.name for bot in fleet.bots})
    return Loaded(fleet, tuple(line for lines in faults.values() for line in lines), left_out)


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
