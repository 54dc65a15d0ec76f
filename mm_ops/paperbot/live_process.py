"""The live bot as a process sees it: paced by the wall clock, watched by many threads, with files beside it.

The state file is written before a command is answered, and twice a second; a bot that starts where one lies goes on
with what it says, so that a halt outlives the process. The overrides and the faults file are read when they change.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_ops.paperbot.control import Asked, Control, RefusalError, restored
from mm_ops.paperbot.faults import CRASH_EXIT, FaultError, Strengths, parse_faults
from mm_ops.paperbot.live import LiveBot
from mm_ops.paperbot.live_metrics import expose
from mm_ops.paperbot.live_symbol import STEP_S
from mm_ops.paperbot.profiles import Profile
from mm_ops.paperbot.state import BotState

if TYPE_CHECKING:
    from mm_ops.paperbot.live_tape import Tape

_PAUSE_S = 0.02
_STEPS_AT_ONCE = 200
_WRITTEN_EVERY_S = 0.5
_FORGOTTEN_S = 2.0
_TAPED_EVERY_S, _TAPED_EVERY_BOT_S = 0.25, 10.0
"""Of the wall clock at least, and of its own: a window is read a minute after its end."""


class StartError(ValueError):
    """A file that the bot was started with cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How the bot is run; ``faults`` from the command line, and the files that are watched.

    ``market`` is the folder that its quotes and fills are written to.
    """

    profile: Profile
    seed: int
    speed: float
    faults: Strengths
    state_file: Path | None = None
    overrides_file: Path | None = None
    faults_file: Path | None = None
    market: Path | None = None


@dataclass(slots=True)
class _Every:
    """Says when so many seconds have passed since it last said so."""

    seconds: float
    at_s: float = 0.0

    def are_due(self) -> bool:
        now_s = time.monotonic()
        if now_s - self.at_s < self.seconds:
            return False
        self.at_s = now_s
        return True


class LiveProcess:
    """One bot behind one lock.

    Args:
        setup: how it is run.
        clock: the UTC wall time.
        say: tells the operator.

    Raises:
        StartError: the state file or the faults file is none, or the market's folder cannot be made.
    """

    def __init__(self, setup: Setup, clock: Callable[[], datetime], say: Callable[[str], None]) -> None:
        self._setup, self._clock, self._say = setup, clock, say
        self._started = clock()
        self._lock = threading.RLock()
        self._seen: dict[Path, tuple[int, int, int]] = {}
        self._claims: dict[str, Any] = {}
        control = Control(round(self._started.timestamp() * 1000), _read_asked(setup.state_file))
        self._bot = LiveBot(setup.profile, setup.seed, BotState(0.0), control)
        self._tape: Tape | None = None
        self._lost_s = 0.0
        _make_folder(setup.market)
        self._crash_at_s: float | None = None
        self._suffer(dict(setup.faults))
        self._read_faults(starting=True)
        self._read_overrides()
        self._write_state(durable=True)

    @property
    def faults(self) -> dict[str, float]:
        """What goes wrong now."""
        with self._lock:
            return dict(self._bot.faults)

    def metrics(self) -> str:
        """Everything that is exported, as text."""
        with self._lock:
            return expose(self._bot, self._started.timestamp())

    def state(self) -> dict[str, Any]:
        """What the bot says of itself."""
        with self._lock:
            return {**self._true_state(), **self._claims}

    def put(self, name: str, value: Any, key: str | None, settings: Any = None) -> tuple[dict[str, Any], bool]:
        """Obey one command; gives the state after it, and whether the key was new.

        Raises:
            RefusalError: it is not done.
        """
        with self._lock:
            done = self._bot.put(name, value, key, settings)
            self._write_state(durable=True)
            return self.state(), done

    def claim(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Say that a command was done without doing it, and go on saying so under ``lie_state``."""
        with self._lock:
            if "lie_state" in self._bot.faults:
                self._claims |= values
            return {**self.state(), **values}

    def suffer(self, faults: dict[str, float]) -> None:
        """Let these faults, and no others, be the case from now on."""
        with self._lock:
            self._suffer(faults)

    def run(self, stop: threading.Event) -> None:
        """Run until told to stop: as many steps as are due, however long each took.

        Time that cannot be caught up with, as after the machine slept, is forgotten instead of run in one burst.
        """
        begun, done = time.monotonic(), 0
        self._tape = self._begin_tape()
        writes, tapes = _Every(_WRITTEN_EVERY_S), _Every(max(_TAPED_EVERY_S, _TAPED_EVERY_BOT_S / self._setup.speed))
        while not stop.is_set():
            due = int((time.monotonic() - begun) * self._setup.speed / STEP_S) - done
            if due * STEP_S > _FORGOTTEN_S * self._setup.speed + 1:
                done += due
                self._lost_s += due * STEP_S
                self._say(f"paper bot: {due * STEP_S:.0f} s of its clock were not run: the machine was too slow")
                continue
            while due > 0:
                done, due = done + min(due, _STEPS_AT_ONCE), due - _STEPS_AT_ONCE
                self._steps(min(due + _STEPS_AT_ONCE, _STEPS_AT_ONCE))
            self._look_at_files()
            if writes.are_due():
                with self._lock:
                    self._write_state(durable=False)
            if tapes.are_due():
                self._write_tape()
            stop.wait(_PAUSE_S)
        self._write_tape()

    def _begin_tape(self) -> "Tape | None":
        """Begin to write down the market, where there is a folder for it; the bot's clock stands at 0 now."""
        if self._setup.market is None:
            return None
        from mm_ops.paperbot.live_tape import Tape  # noqa: PLC0415 - it loads polars, which no other bot needs

        return Tape(self._setup.market, self._clock(), self._setup.speed)

    def _write_tape(self) -> None:
        """Write what has come; what cannot be written now is kept for the next time, and the bot goes on."""
        if self._tape is None:
            return
        try:
            self._tape.write()
        except OSError as error:
            self._say(f"paper bot: {self._setup.market}: its market is not written: {error.strerror}")

    def _steps(self, count: int) -> None:
        with self._lock:
            for _ in range(count):
                self._bot.step()
                if self._tape is not None:
                    self._tape.take(self._bot.now_s + self._lost_s, self._bot.symbols, self._bot.half_spread_bps)
                if self._crash_at_s is not None and self._bot.now_s >= self._crash_at_s:
                    os._exit(CRASH_EXIT)

    def _suffer(self, faults: dict[str, float]) -> None:
        if "crash" not in faults:
            self._crash_at_s = None
        elif self._crash_at_s is None:
            self._crash_at_s = self._bot.now_s + faults["crash"]
        if "lie_state" not in faults:
            self._claims = {}
        self._bot.suffer(faults)

    def _true_state(self) -> dict[str, Any]:
        moment = (self._clock() + timedelta(seconds=self._bot.clock_skew_s)).isoformat()
        return {**self._bot.state(), "observed_at": moment, "instance": self._started.isoformat()}

    def _write_state(self, *, durable: bool) -> None:
        path = self._setup.state_file
        if path is None:
            return
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(json.dumps(self.state(), sort_keys=True) + "\n")
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.replace(path)

    def _look_at_files(self) -> None:
        with self._lock:
            self._read_overrides()
            self._read_faults(starting=False)

    def _read_overrides(self) -> None:
        path = self._setup.overrides_file
        data = None if path is None else self._changed(path)
        if data is None:
            return
        refused = ["expected an object"]
        try:
            values = json.loads(data)
            if isinstance(values, dict):
                refused = self._bot.override({name: value for name, value in values.items() if name != "keys"})
                self._write_state(durable=True)
        except ValueError as error:
            refused = [f"not JSON: {error}"]
        for reason in refused:
            self._say(f"paper bot: {path}: {reason}")

    def _read_faults(self, *, starting: bool) -> None:
        path = self._setup.faults_file
        if path is None:
            return
        data = self._changed(path)
        try:
            if data is not None:
                self._suffer({**self._setup.faults, **parse_faults(json.loads(data))})
            elif starting:
                raise FaultError("no such file")
        except ValueError as error:
            if starting:
                raise StartError(f"{path}: {error}") from error
            self._say(f"paper bot: {path}: {error}; the faults stay as they are")

    def _changed(self, path: Path) -> bytes | None:
        """The bytes of a file that is new or another than before."""
        try:
            about = path.stat()
            mark = (about.st_mtime_ns, about.st_size, about.st_ino)
            if self._seen.get(path) == mark:
                return None
            data = path.read_bytes()
        except OSError:
            return None
        self._seen[path] = mark
        return data


def _make_folder(folder: Path | None) -> None:
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"{folder}: {error.strerror}") from error


def _read_asked(path: Path | None) -> Asked:
    if path is None or not path.exists():
        return Asked()
    try:
        return restored(json.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError, RefusalError, OSError) as error:
        raise StartError(f"{path}: not a state that a paper bot wrote: {type(error).__name__}: {error}") from error
