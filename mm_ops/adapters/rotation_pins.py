"""What of the stored evidence is still needed, whatever the rules say: where the following of names begins."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mm_ops.adapters.evidence import PROMOTIONS, READINESS, ROLLBACK_REPORT
from mm_ops.adapters.json_files import read_json
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.release.promotion import read_standing
from mm_ops.domain.retention.policy import RetentionPolicy
from mm_ops.domain.retention.references import follow
from mm_ops.domain.retention.units import Unit

_GO = "GO"
_ACTIVE = "ACTIVE"


def find_needed(
    root: Path, known_good: Mapping[str, Path], units: Mapping[str, list[Unit]], policy: RetentionPolicy, now: datetime
) -> dict[str, str]:
    """Name what is needed, each with why: see :func:`mm_ops.domain.retention.references.follow`.

    Needed is the readiness window of each bot, its last GO, what is in staging, live or known to be good, its newest
    bundle and that of the version before it, the known-good soak of each bot that names one, what the golden cases
    gave, every episode that is recent, and the last of each bot while it is not resumed, with its day; and what these
    name.
    """
    every = [unit for some in units.values() for unit in some]
    roots: dict[str, str] = {}
    for group in sorted({unit.group for unit in every} - {""}):
        mine = [unit for unit in every if unit.group == group]
        roots |= {
            name: why
            for needed in (
                _window(mine, policy),
                _last_go(root, group),
                _promoted(root, group),
                _bundles(root, group),
                _golden(root, group),
            )
            for name, why in needed
        }
    roots |= {
        path.resolve().relative_to(root).as_posix(): f"the known-good soak of {bot}"
        for bot, path in known_good.items()
        if path.resolve().is_relative_to(root)
    }
    roots |= dict(_episodes(root, every, policy, now))
    return follow(roots, lambda name: _read(root, name))


def _read(root: Path, name: str) -> Any:
    if not name.endswith(".json"):
        return None
    try:
        return read_json(root / name)
    except MmOpsError:  # not there, or damaged: it names nothing that could be followed
        return None


def _window(units: Iterable[Unit], policy: RetentionPolicy) -> Iterator[tuple[str, str]]:
    newest = max(unit.of for unit in units)
    since = newest - timedelta(days=policy.window_days)
    for unit in units:
        if unit.of > since:
            yield from ((folder.name, f"of the last {policy.window_days} days") for folder in unit.folders)


def _last_go(root: Path, bot: str) -> Iterator[tuple[str, str]]:
    for path in sorted((root / bot).glob(f"*/reports/{READINESS}"), reverse=True):
        name = path.relative_to(root).as_posix()
        document = _read(root, name)
        if isinstance(document, Mapping) and document.get("verdict") == _GO:
            yield name, "the last GO"
            return


def _bundles(root: Path, bot: str) -> Iterator[tuple[str, str]]:
    """The newest bundle of each of the last two versions: the one that runs, and the one to go back to."""
    seen: list[str] = []
    for path in sorted((root / bot).glob("*/release/*.zip"), reverse=True):
        if path.name not in seen[:2]:
            seen.append(path.name)
            if len(seen) <= 2:  # noqa: PLR2004 - live and last good
                name = path.relative_to(root).as_posix()
                why = "the newest bundle" if len(seen) == 1 else "the bundle of the version before"
                yield name, why
                yield f"{bot}/{path.parent.parent.name}/reports/{READINESS}", why


def _promoted(root: Path, bot: str) -> Iterator[tuple[str, str]]:
    """What is in staging, live or known to be good, and the evidence of its day.

    Raises:
        SchemaError: the document that says so is damaged: then nothing may be rotated.
    """
    path = root / bot / PROMOTIONS
    if not path.is_file():
        return
    standing = read_standing(read_json(path))
    words = {"staging": "in staging", "live": "the live bundle", "known_good": "the bundle to go back to"}
    for name, why in words.items():
        placed = getattr(standing, name)
        if placed is not None:
            yield placed.bundle, why
            yield f"{bot}/{placed.day}/release/{Path(placed.bundle).name}", why
            yield f"{bot}/{placed.day}/reports/{READINESS}", why


def _golden(root: Path, bot: str) -> Iterator[tuple[str, str]]:
    for path in sorted((root / bot / "golden").glob("*.json")):
        yield path.relative_to(root).as_posix(), "what the golden cases gave"


def _episodes(root: Path, units: Iterable[Unit], policy: RetentionPolicy, now: datetime) -> Iterator[tuple[str, str]]:
    """Recent episodes, and each bot's last stop until it trades again, with its whole day.

    A report is written when the stop ends and a quarter of an hour later, and not when somebody resumes the bot after
    that; a later stop of the bot says that somebody has.
    """
    every = list(units)
    told = [
        (unit, f"{folder.name}/{ROLLBACK_REPORT}", report)
        for unit in every
        for folder in unit.folders
        if isinstance(report := _read(root, f"{folder.name}/{ROLLBACK_REPORT}"), Mapping)
    ]
    last = {unit.group: name for unit, name, _ in sorted(told, key=lambda one: (_ended(one[0], one[2]), one[1]))}
    for unit, name, report in told:
        if last[unit.group] == name and not _trades_again(report):
            yield name, "an episode that is not resumed"
            days = {unit.of.date(), _ended(unit, report).date()}
            same = [other for other in every if other.group == unit.group and other.of.date() in days]
            yield from ((folder.name, f"of the day of {name}") for other in same for folder in other.folders)
        elif now - unit.of <= policy.episodes:
            yield name, "a recent episode"


def _ended(unit: Unit, report: Mapping[str, Any]) -> datetime:
    """When the stop ended, as far as its report says it."""
    stopped = report.get("stopped_at")
    return datetime.fromisoformat(stopped) if isinstance(stopped, str) else unit.of


def _trades_again(report: Mapping[str, Any]) -> bool:
    return any(step.get("confirmed") and step.get("to") == _ACTIVE for step in report.get("resumed") or ())
