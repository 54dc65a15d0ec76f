"""Commands a bot that watches a file, and reads back the state that it writes to another.

The overrides are one JSON object of the fields of ``deploy/bot/openapi.yaml`` that are to hold, and the newest keys,
so that a late second try of an old command is none. Only a state that the bot wrote after the overrides confirms.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mm_ops.adapters.bot_state import parse_state
from mm_ops.adapters.json_files import read_object
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import EffectNotConfirmedError, MmOpsError, SchemaError, SourceUnavailableError
from mm_ops.domain.rollback.bot import BotState, Command, aim_of, fields_of, shows

_KEYS = "keys"
_KEYS_KEPT = 1_000
_LOOK_EVERY_S = 0.05


class OverridesBot:
    """A ``BotControl`` over two files.

    Args:
        overrides: the file that the bot watches.
        state: the file that the bot writes, at least every ``fresh_within``.
        clock: the UTC time.
        fresh_within: a state that is older, or as far in the future, is no evidence.
        timeout: how long the bot may take to show a command.
    """

    def __init__(
        self,
        overrides: Path,
        state: Path,
        clock: Callable[[], datetime],
        *,
        fresh_within: timedelta = timedelta(seconds=5),
        timeout: timedelta = timedelta(seconds=5),
    ) -> None:
        self._overrides, self._state, self._clock = overrides, state, clock
        self._fresh_within, self._timeout_s = fresh_within, timeout.total_seconds()

    def read(self) -> BotState:
        """Read the state.

        Raises:
            SourceUnavailableError: there is no state file, none that can be understood, or a stale one.
        """
        try:
            state = parse_state(read_object(self._state), str(self._state))
        except MmOpsError as error:
            raise SourceUnavailableError(str(error)) from error
        age = self._clock() - state.observed_at
        if abs(age) > self._fresh_within:
            limit, was = self._fresh_within.total_seconds(), age.total_seconds()
            raise SourceUnavailableError(f"{self._state}: expected a state at most {limit:g} s old, was {was:.1f} s")
        return state

    def apply(self, command: Command, key: str) -> BotState:
        """Write a command, wait, and give the state that shows it; the same key twice is one effect.

        Raises:
            SourceUnavailableError: the overrides cannot be written, or no fresh state came after them.
            EffectNotConfirmedError: the bot went on writing, and its state does not show the command.
        """
        until = time.monotonic() + self._timeout_s
        try:
            written = self._write(command, key)
        except (OSError, Timeout, MmOpsError) as error:
            raise SourceUnavailableError(f"{self._overrides}: the overrides are not written: {error}") from error
        while True:
            seen = self._after(written)
            if isinstance(seen, BotState) and shows(seen, command):
                return seen
            if time.monotonic() >= until:
                break
            time.sleep(_LOOK_EVERY_S)
        if isinstance(seen, SourceUnavailableError):
            raise seen
        field, value = aim_of(command)
        raise EffectNotConfirmedError(
            f"{self._state}: {field} = {value} was asked for, and the state reads {getattr(seen, field)} "
            f"{self._timeout_s:g} s later"
        )

    def _after(self, written: datetime) -> BotState | SourceUnavailableError:
        """The state, if the bot has written one since; a file that is being replaced is looked at again."""
        try:
            state = self.read()
        except SourceUnavailableError as error:
            return error
        if state.observed_at < written:
            return SourceUnavailableError(f"{self._state}: the bot has written no state since it was commanded")
        return state

    def _write(self, command: Command, key: str) -> datetime:
        if not self._overrides.parent.is_dir():  # a lock would make the folder, and no bot would watch it
            raise SchemaError("there is no such folder")
        with FileLock(self._overrides.with_name(f".{self._overrides.name}.lock"), timeout=self._timeout_s):
            asked: dict[str, Any] = read_object(self._overrides) if self._overrides.exists() else {}
            keys = _keys(asked, self._overrides)
            fields = to_plain(fields_of(command))
            mark = [part for pair in fields.items() for part in pair]
            if key not in keys:
                keys[key] = mark
                newest = dict(list(keys.items())[-_KEYS_KEPT:])
                _replace(self._overrides, {**asked, **fields, _KEYS: newest})
            elif keys[key] != mark:
                raise SchemaError(f"the key {key!r} was used for another command")
            return self._clock()


def _keys(asked: dict[str, Any], path: Path) -> dict[str, Any]:
    keys = asked.get(_KEYS, {})
    if not isinstance(keys, dict):
        raise SchemaError(f"{path}: {_KEYS}: expected an object, was {type(keys).__name__}")
    return keys


def _replace(path: Path, document: dict[str, Any]) -> None:
    """Write whole or not at all, and durably: a bot that starts later must still find it."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(document, indent=1) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
