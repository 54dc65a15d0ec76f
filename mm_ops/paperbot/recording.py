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
_FIRST, _LAST = date(1970, 1, 2), date(2261, 12, 31)  # int64 nanoseconds since 1970, and the day before the first


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

    A second recorder of the same folder waits for the first.

    Raises:
        RecordingError: no such profile, a seed below 0, days that cannot be counted in nanoseconds, or a folder with
            any day that another profile or seed made, or whose ``day.json`` cannot be read. Nothing is written then.
    """
    chosen = _profile(profile, seed)
    _refuse_days(end, days)
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".recording.lock"):
        for path in sorted(root.glob(_entry("*"))):
            _read_entry(root, path, chosen, seed)
        done = []
        for n in range(days):
            day = end - _DAY * (days - 1 - n)
            found = _whole_day(root, chosen, day, seed, progress)
            done.append(found if found is not None else _record_day(root, chosen, day, seed))
            progress(f"paper bot: {day} {'recorded' if found is None else 'is there'} ({n + 1} of {days})")
        return done


def _profile(name: str, seed: int) -> Profile:
    if name not in PROFILES:
        raise RecordingError(f"no profile {name}; there are: {', '.join(PROFILES)}")
    if seed < 0:
        raise RecordingError(f"the seed was {seed}, expected 0 or more")
    return PROFILES[name]


def _refuse_days(end: date, days: int) -> None:
    if days < 1 or not _FIRST <= end <= _LAST or days > (end - _FIRST).days + 1:
        raise RecordingError(f"{days} days up to {end} are none, or not all from {_FIRST} to {_LAST}")


def _whole_day(root: Path, profile: Profile, day: date, seed: int, progress: Callable[[str], None]) -> DayRecord | None:
    found = _read_day(root, day, profile, seed)
    if found is None or _is_whole(root, found):
        return found
    (root / _entry(day.isoformat())).unlink()  # while its files are replaced one by one the day does not exist
    progress(f"paper bot: {day} is damaged, recording it again")
    return None


def _record_day(root: Path, profile: Profile, day: date, seed: int) -> DayRecord:
    state = _state_before(root, profile, day, seed)
    simulated = simulate(profile, day, seed, state)
    files = {}
    for name, data in _files(profile, day, seed, simulated):
        write_whole(root / name, data)
        files[name] = hashlib.sha256(data).hexdigest()
    found = DayRecord(day, files, state.to_json())
    entry = {"day": day.isoformat(), "profile": profile.name, "seed": seed, "files": files, "state": found.state}
    write_whole(root / _entry(day.isoformat()), json.dumps(entry, sort_keys=True).encode() + b"\n")
    return found


def _state_before(root: Path, profile: Profile, day: date, seed: int) -> BotState:
    yesterday = _read_day(root, day - _DAY, profile, seed)
    if yesterday is not None:
        try:
            return BotState.from_json(yesterday.state)
        except (KeyError, TypeError, ValueError) as error:
            raise _not_a_day(root / _entry(yesterday.day.isoformat()), error) from error
    state = BotState(start_s=day_start_s(day - _DAY))
    simulate(profile, day - _DAY, seed, state)
    return state


def _files(profile: Profile, day: date, seed: int, simulated: Day) -> Iterator[tuple[str, bytes]]:
    at = f"date={day.isoformat()}"
    yield f"samples/{at}/samples.parquet", parquet_of(simulated.samples)
    yield from _market(at, simulated)
    drill = run_drill(profile, day, seed)
    yield f"results/{at}/chaos_drill.json", json.dumps(drill, sort_keys=True, indent=1).encode() + b"\n"
    yield f"results/{at}/junit.xml", run_selftest(profile, simulated)


def _market(at: str, simulated: Day) -> Iterator[tuple[str, bytes]]:
    for symbol, frame in simulated.quotes.items():
        yield f"quotes/{at}/symbol={symbol}/quotes.parquet", parquet_of(frame)
    for symbol, frame in simulated.fills.items():
        yield f"fills/{at}/symbol={symbol}/fills.parquet", parquet_of(frame)


def write_market(root: Path, day: date, simulated: Day) -> None:
    """Write a day's fills and quotes alone, without an entry: they are no recording."""
    for name, data in _market(f"date={day.isoformat()}", simulated):
        write_whole(root / name, data)


def parquet_of(frame: pl.DataFrame) -> bytes:
    """Encode a frame as every file of the bot is."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=True, row_group_size=131_072)
    return buffer.getvalue()


def _entry(day: str) -> str:
    return f"days/date={day}/day.json"


def _read_day(root: Path, day: date, profile: Profile, seed: int) -> DayRecord | None:
    path = root / _entry(day.isoformat())
    return _read_entry(root, path, profile, seed) if path.is_file() else None


def _read_entry(root: Path, path: Path, profile: Profile, seed: int) -> DayRecord:
    try:
        entry = json.loads(path.read_bytes())
        was = (entry["profile"], entry["seed"])
        found = DayRecord(date.fromisoformat(entry["day"]), dict(entry["files"]), dict(entry["state"]))
    except (ValueError, KeyError, TypeError) as error:
        raise _not_a_day(path, error) from error
    if was != (profile.name, seed):
        raise RecordingError(
            f"{root}: recorded with profile {was[0]} and seed {was[1]}, asked for {profile.name} and {seed}; "
            "choose another folder with --out"
        )
    return found


def _not_a_day(path: Path, error: Exception) -> RecordingError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return RecordingError(f"{path}: not a recorded day ({reason}); delete the folder and record again")


def _is_whole(root: Path, found: DayRecord) -> bool:
    return all(
        (root / name).is_file() and hashlib.sha256((root / name).read_bytes()).hexdigest() == digest
        for name, digest in found.files.items()
    )


def write_whole(path: Path, data: bytes) -> None:
    """Write whole or not at all; a temporary file that a kill left behind is overwritten the next time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
