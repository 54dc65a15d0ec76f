"""An artifacts root of made-up evidence, rotated, and killed on the way where a test asks for it.

Run as a program it kills rotations at the n-th change of the file system and prints how many changes a whole one makes;
it has one thread when it forks.
"""

import json
import os
import signal
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from mm_ops.adapters.rotation_run import Rotated, rotate
from mm_ops.domain.retention.policy import RetentionPolicy
from mm_ops_tests.retention_world import policy, rule

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
LAST = date(2026, 11, 24)
SAMPLES = ["{bot}/days/date={day}", "{bot}/samples/date={day}"]
POLICY = policy(rule(keep_last=3), rule(kind="samples", folders=SAMPLES, ttl=timedelta(days=4)), window_days=1)
CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.unlink"}


def write(root: Path, name: str, text: str = "x", at: date = LAST) -> Path:
    """A file that changed last at the end of a day."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = datetime(at.year, at.month, at.day, tzinfo=UTC).timestamp()
    for part in (path, *list(path.relative_to(root).parents)[:-1]):
        os.utime(root / part if not Path(part).is_absolute() else part, (then, then))
    return path


def evidence(root: Path, count: int = 8) -> Path:
    """So many days of one bot, each with a report, a day's entry and samples; nothing was written today."""
    for back in range(count):
        day = LAST - timedelta(days=back)
        write(root, f"paper/{day}/reports/edge_report.json", '{"inputs": {}}', day)
        write(root, f"paper/days/date={day}/day.json", json.dumps({"files": {f"samples/date={day}/s": "1"}}), day)
        write(root, f"paper/samples/date={day}/s", "samples", day)
    return root


def run(root: Path, now: datetime = NOW, asked: RetentionPolicy = POLICY, *, dry: bool = False) -> Rotated:
    return rotate(root.resolve(), asked, now, known_good={}, dry=dry)


def tree(root: Path) -> dict[str, str]:
    """Every file below a folder with its text; nothing where there is no folder."""
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def visible(root: Path) -> dict[str, str]:
    """What is not in quarantine."""
    return {name: text for name, text in tree(root).items() if not name.startswith(".rotation/")}


def quarantined(root: Path) -> dict[str, str]:
    """What is, wherever a rotation put it."""
    found = {}
    for name, text in tree(root / ".rotation").items():
        stamp, _, rest = name.partition("/files/")
        if rest and not stamp.startswith("gone-"):
            assert rest not in found
            found[rest] = text
    return found


def _rotate_and_die(root: Path, now: datetime, after: int) -> int:
    """Rotate in a child that kills itself after so many changes; 0 lets it end. Returns how many it made, or −1."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        made = 0

        def count(event: str, _: object) -> None:
            nonlocal made
            if event in CHANGES:
                made += 1
                if made == after:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        run(root, now)
        os.write(writer, str(made).encode())
        os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as said:
        text = said.read()
    return int(text) if os.waitstatus_to_exitcode(status) == 0 else -1


if __name__ == "__main__":
    job = json.load(sys.stdin)
    made = [_rotate_and_die(Path(root), datetime.fromisoformat(now), after) for root, now, after in job]
    json.dump(made, sys.stdout)
