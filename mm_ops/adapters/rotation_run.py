"""One rotation from end to end: scan, find what is needed, plan, and, unless it is dry, act."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from mm_ops.adapters.rotation import Moved, Rotation
from mm_ops.adapters.rotation_pins import find_needed
from mm_ops.adapters.rotation_scan import scan, stored_days
from mm_ops.domain.retention.plan import Plan, make_plan
from mm_ops.domain.retention.policy import RetentionPolicy
from mm_ops.domain.retention.references import pin


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was planned and done; ``purged`` are the bytes that went for good, by rotation."""

    plan: Plan
    moved: Moved | None
    purged: Mapping[str, int]

    @property
    def left(self) -> Mapping[str, str]:
        """What should have been moved and was not, with why."""
        return self.moved.left if self.moved is not None else {}


def rotate(
    root: Path,
    policy: RetentionPolicy,
    now: datetime,
    *,
    known_good: Mapping[str, Path],
    archive: Path | None = None,
    dry: bool,
) -> Rotated:
    """Plan and, unless ``dry``, move and purge.

    Args:
        root: as :func:`mm_ops.adapters.rotation_scan.local_root` gives it.
        policy: what is kept.
        now: by which ages are counted.
        known_good: by bot, the soak that it is compared with.
        archive: a folder for a tar of what is deleted for good.
        dry: only plan; nothing is written, not even a lock.

    Raises:
        IntegrityError: the clock may be wrong.
        PolicyError: two rules name one folder.
        SourceUnavailableError: a folder cannot be read, or another rotation is at work.
        OSError: a folder cannot be written.
    """
    if dry:
        return Rotated(_plan(root, policy, now, known_good), None, {})
    rotation = Rotation(root)
    with rotation.alone():
        plan = _plan(root, policy, now, known_good)
        moved = rotation.quarantine(plan)
        return Rotated(plan, moved, rotation.purge(now, policy.quarantine, archive))


def kept_days(root: Path, policy: RetentionPolicy) -> set[date]:
    """The days of which anything is stored, or lies in quarantine and may be brought back.

    Raises:
        SourceUnavailableError: a folder cannot be read.
    """
    rotation = Rotation(root)
    waiting = [files for name in rotation.rotations() if (files := rotation.place / name / "files").is_dir()]
    return {day for folder in (root, *waiting) for day in stored_days(folder, policy)}


def _plan(root: Path, policy: RetentionPolicy, now: datetime, known_good: Mapping[str, Path]) -> Plan:
    units = scan(root, policy)
    needed = find_needed(root, known_good, units, policy, now)
    return make_plan(units, policy, pin([unit for some in units.values() for unit in some], needed), now)
