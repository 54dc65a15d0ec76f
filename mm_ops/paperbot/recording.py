"""Writes days of the bot to a folder: whole days only, each with the digests of its files.

A day whose predecessor is there goes on from it, else the bot starts the day before, unrecorded, so that its
decayed sums are warm at the first sample. The same folder, profile, seed and days give the same bytes.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from filelock import FileLock

from mm_ops.paperbot.day import Day, day_start_s, simulate
from mm_ops.paperbot.drill import run_drill
from mm_ops.paperbot.profiles import PROFILES, Profile
from mm_ops.paperbot.selftest import run_selftest
from mm_ops.paperbot.state import BotState

_DAY = timedelta(days=1)


class RecordingError(ValueError):
    """The folder holds something else than what is to be recorded."""


@dataclass(frozen=True, slots=True)
class DayRecord:
    """A recorded day: digests by relative file name, and the bot's state at its end."""

    day: date
    files: dict[str, str]
    state: dict[str, Any]


def record(
    root: Path, *, profile: str, end: date, days: int, seed: int, progress: Callable[[str], None]
) -> list[DayRecord]:
    """Record the ``days`` UTC days up to and including ``end``; whole days that are there are left alone.

    Raises:
        RecordingError: the folder was recorded with another profile or seed.
    """
    chosen = PROFILES[profile]
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".recording.lock"):
        done = []
        for n in range(days):
            day = end - _DAY * (days - 1 - n)
            found = _read_day(root, day, chosen, seed)
            if found is not None and _is_whole(root, found):
                progress(f"paper bot: {day} is there ({n + 1} of {days})")
            else:
                if found is not None:
                    progress(f"paper bot: {day} is damaged, recording it again")
                found = _record_day(root, chosen, day, seed)
                progress(f"paper bot: {day} recorded ({n + 1} of {days})")
            done.append(found)
        return done


def _record_day(root: Path, profile: Profile, day: date, seed: int) -> DayRecord:
    state = _state_before(root, profile, day, seed)
    simulated = simulate(profile, day, seed, state)
    files = {}
    for name, data in _files(profile, day, seed, simulated):
        _write(root / name, data)
        files[name] = hashlib.sha256(data).hexdigest()
    found = DayRecord(day, files, state.to_json())
    entry = {"day": day.isoformat(), "profile": profile.name, "seed": seed, "files": files, "state": found.state}
    _write(root / _entry(day), json.dumps(entry, sort_keys=True).encode() + b"\n")
    return found


def _state_before(root: Path, profile: Profile, day: date, seed: int) -> BotState:
    yesterday = _read_day(root, day - _DAY, profile, seed)
    if yesterday is not None:
        return BotState.from_json(yesterday.state)
    state = BotState(start_s=day_start_s(day - _DAY))
    simulate(profile, day - _DAY, seed, state)
    return state


def _files(profile: Profile, day: date, seed: int, simulated: Day) -> Iterator[tuple[str, bytes]]:
    at = f"date={day.isoformat()}"
    yield f"samples/{at}/samples.parquet", _parquet(simulated.samples)
    for symbol, frame in simulated.quotes.items():
        yield f"quotes/{at}/symbol={symbol}/quotes.parquet", _parquet(frame)
    for symbol, frame in simulated.fills.items():
        yield f"fills/{at}/symbol={symbol}/fills.parquet", _parquet(frame)
    drill = run_drill(profile, day, seed)
    yield f"results/{at}/chaos_drill.json", json.dumps(drill, sort_keys=True, indent=1).encode() + b"\n"
    yield f"results/{at}/junit.xml", run_selftest(profile, simulated)


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=True, row_group_size=131_072)
    return buffer.getvalue()


def _entry(day: date) -> str:
    return f"days/date={day.isoformat()}/day.json"


def _read_day(root: Path, day: date, profile: Profile, seed: int) -> DayRecord | None:
    path = root / _entry(day)
    if not path.is_file():
        return None
    try:
        entry = json.loads(path.read_bytes())
        was = (entry["profile"], entry["seed"])
        found = DayRecord(day, dict(entry["files"]), dict(entry["state"]))
    except (ValueError, KeyError, TypeError) as error:
        raise RecordingError(f"{path}: not a recorded day ({error}); delete the folder and record again") from error
    if was != (profile.name, seed):
        raise RecordingError(
            f"{root}: recorded with profile {was[0]} and seed {was[1]}, asked for {profile.name} and {seed}; "
            "choose another folder with --out"
        )
    return found


def _is_whole(root: Path, found: DayRecord) -> bool:
    return all(
        (root / name).is_file() and hashlib.sha256((root / name).read_bytes()).hexdigest() == digest
        for name, digest in found.files.items()
    )


def _write(path: Path, data: bytes) -> None:
    """Write whole or not at all; a temporary file that a kill left behind is overwritten the next time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
