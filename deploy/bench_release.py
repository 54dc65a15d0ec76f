"""Measures bundles and rotation beside the tools that do a part of it: ``zip``, ``sha256sum``, ``unzip``, ``find``.

A gigabyte in 2,000 files, as reports and samples are: seven eighths text of numbers, one that does not compress. A
million files of a bot's days; both on a file system in memory, so that no disk is measured. Run by itself with a word
and a folder it does one of its parts, so that each has a process of its own.
"""

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from mm_ops.adapters.bundle import Member, build
from mm_ops.adapters.bundle_verify import verify
from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.rotation_run import rotate
from mm_ops.domain.canonical import encode
from mm_ops.domain.release.manifest import Listed, build_manifest
from mm_ops.domain.retention.policy import RetentionPolicy

PROJECT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux has one
FILES, SIZE = 2000, 500_000
DAYS, PER_FOLDER = 250, 1000
LAST = date(2026, 11, 24)
NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)


def measure_release() -> Iterator[tuple[str, str, str]]:
    """Yield what was measured: name, value, the target of the issue."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        (folder / "files").mkdir()
        _write_files(folder / "files")
        yield from _measure_bundle(folder)
        shutil.rmtree(folder / "files")
        _write_days(folder / "root")
        yield from _measure_rotation(folder / "root")


def _measure_bundle(folder: Path) -> Iterator[tuple[str, str, str]]:
    files, archive = folder / "files", folder / "theirs.zip"
    sums = ["sh", "-c", "sha256sum * > ../sums"]
    built, memory = _part("bundle", folder)
    zipped = _seconds(["zip", "-6", "-q", "-r", str(archive), "."], files) + _seconds(sums, files)
    yield f"bundle of {FILES * SIZE / 1e9:.0f} GB in {FILES:,} files", f"{built:.1f} s of CPU", ""
    yield "  beside zip -6 and sha256sum", f"{built / zipped:.2f} x ({zipped:.1f} s)", "<= 1.2 x"
    yield "  its peak resident memory", f"{memory:.0f} MB", "< 200 MB"
    checked, memory = _part("verify", folder)
    read = _seconds(sums, files)
    opened = _seconds(["sh", "-c", f"unzip -p {archive} > /dev/null"], folder)
    share = (read + opened) / checked
    yield "verify it, beside sha256sum and unzip", f"{share:.0%} of their speed ({checked:.1f} s)", ">= 80 %"
    yield "  its peak resident memory", f"{memory:.0f} MB", "< 200 MB"
    archive.unlink()
    (folder / "ours.zip").unlink()


def _measure_rotation(root: Path) -> Iterator[tuple[str, str, str]]:
    planned, memory = _part("plan", root)
    listed = _seconds(["sh", "-c", f"find {root} -printf '%p %s %T@ %y\\n' > /dev/null"], root)
    yield f"rotation plan, {DAYS * 4 * PER_FOLDER:,} files", f"{planned:.1f} s of CPU", ""
    yield "  beside find -printf", f"{planned / listed:.2f} x ({listed:.1f} s)", "<= 2 x"
    yield "  its peak resident memory", f"{memory:.0f} MB", "< 1,000 MB"


def _part(word: str, folder: Path) -> tuple[float, float]:
    """CPU in seconds and peak megabytes of one part in a process of its own, without what importing takes."""
    command = [sys.executable, str(Path(__file__).resolve()), word, str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT).stdout.split()
    return float(said[-2]), float(said[-1])


def _seconds(command: Sequence[str], folder: Path) -> float:
    """CPU of a tool, its children's with it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _write_files(folder: Path) -> None:
    rng = random.Random(7)  # noqa: S311 - the same each time
    line = '{"gate": "tick_latency_p95_ms", "value": %.6f, "limit": 150, "samples": %d}\n'
    text = "".join(line % (rng.random() * 150, rng.randrange(10**6)) for _ in range(8000)).encode()
    noise = SIZE // 8
    for number in range(FILES):
        at = rng.randrange(len(text) - (SIZE - noise))
        (folder / f"f{number:04}.json").write_bytes(rng.randbytes(noise) + text[at : at + SIZE - noise])


def _write_days(root: Path) -> None:
    for back in range(DAYS):
        day = LAST - timedelta(days=back)
        then = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
        for folder in (f"{day}/reports", f"days/date={day}", f"samples/date={day}", f"segments/date={day}"):
            place = root / "paper" / folder
            place.mkdir(parents=True)
            for number in range(PER_FOLDER):
                (place / f"{number:04}").touch()
                os.utime(place / f"{number:04}", (then, then))
            os.utime(place, (then, then))


def _bundle(folder: Path) -> None:
    def describe(files: Sequence[Listed]) -> bytes:
        return encode(build_manifest(bot="paper", version="1.0.0", day=LAST, built_by="the bench", files=files))

    members = {path.name: Member(path, "") for path in (folder / "files").iterdir()}
    with (folder / "ours.zip").open("wb") as stream:
        build(stream, members, describe)


def _verify(folder: Path) -> None:
    found = verify(folder / "ours.zip")
    if found.faults or len(found.manifest["files"]) != FILES:
        raise SystemExit(f"bench: the bundle does not verify: {found.faults[:3]}")


def _plan(root: Path) -> None:
    policy = read_policy(PROJECT / "deploy/policies/retention.yaml", RetentionPolicy)
    plan = rotate(root.resolve(), policy, NOW, known_good={}, dry=True).plan
    if sum(entry.unit.files for entry in plan.entries) != DAYS * 4 * PER_FOLDER or not plan.rotated:
        raise SystemExit("bench: the plan does not see every file")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        start = time.process_time()
        {"bundle": _bundle, "verify": _verify, "plan": _plan}[sys.argv[1]](Path(sys.argv[2]))
        print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        for row in measure_release():
            print(*row, sep=" | ", flush=True)
