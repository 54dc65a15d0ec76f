"""Puts a person's acceptance of a baseline on record: the record, the digest in the policy, the baseline.

In this order, each file whole or not at all. Killed between two of them, the pinned baseline is not the one that is
there or that was accepted, which every check refuses; accepting the same report again completes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mm_ops.adapters.artifacts import write_atomically
from mm_ops.adapters.golden_cases import read_records, records_path
from mm_ops.adapters.json_files import MAX_BYTES, parse_json, read_regular
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.comparison import Drift, Tolerance, compare
from mm_ops.domain.errors import EffectNotConfirmedError, IntegrityError, PolicyError
from mm_ops.domain.golden.acceptance import Acceptance, digest_of, find_unsound
from mm_ops.domain.golden.policy import Case, GoldenPolicy

_EXACT = Tolerance(0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who accepts, when and why, with what it was measured; see :class:`mm_ops.domain.golden.acceptance.Acceptance`."""

    utc: datetime
    by: str
    reason: str
    anchor: str | None
    made_by: str
    policies: Mapping[str, str]
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The project's root, and the policy file that pins the baselines."""

    root: Path
    policy: Path


def accept(case: Case, report: Mapping[str, Any], decision: Decision, place: Place) -> Acceptance | None:
    """Make a report the baseline of a case; ``None`` where there is nothing to accept.

    Nothing is where the baseline has the same bytes, is on record, and is not to be anchored.

    Raises:
        IntegrityError: the baseline that is there is neither the pinned one nor one that was just being accepted.
        PolicyError: the change may not be accepted so, or the policy does not name the baseline's digest exactly once.
        EffectNotConfirmedError: the policy reads back something else than was written.
    """
    policy, data = read_policy(place.policy, GoldenPolicy), encode(report)
    target, records = place.root / case.baseline.path, read_records(case, place.root)
    before = read_regular(target, MAX_BYTES) if target.exists() else None
    if _was_interrupted(case, before, data, records):
        write_atomically(target, data)
        return records[-1]
    _refuse_unless_pinned(case, before, records)
    if records and records[-1].after != case.baseline.digest and records[-1].before == case.baseline.digest:
        records = records[:-1]  # it was put on record and never pinned: this decision stands for it
    if before == data and records and decision.anchor is None:
        return None
    record = _record(case, before, report, records, decision)
    refused = find_unsound(record, records, policy.creep)
    if refused:
        raise PolicyError(
            f"{case.name}: not accepted: {'; '.join(refused)}; "
            "work the case out independently and say how with --anchor"
        )
    write_atomically(records_path(case, place.root), encode([*records, record]))
    _pin(case, digest(data), place.policy)
    write_atomically(target, data)
    return record


def _was_interrupted(case: Case, before: bytes | None, data: bytes, records: tuple[Acceptance, ...]) -> bool:
    """Whether this very report is on record and pinned, and only the file is still the one before."""
    if not records or records[-1].after != case.baseline.digest or digest(data) != case.baseline.digest:
        return False
    return before != data and _digest_of(before) == records[-1].before


def _refuse_unless_pinned(case: Case, before: bytes | None, records: tuple[Acceptance, ...]) -> None:
    if before is None and not records:
        return  # a new case: its first baseline is being made
    if _digest_of(before) != case.baseline.digest:
        raise IntegrityError(
            f"{case.baseline.path}: not the file that was pinned: expected {case.baseline.digest}, "
            f"found {_digest_of(before) or 'no file'}: take the pinned one back, then accept the change"
        )


def _digest_of(data: bytes | None) -> str | None:
    return None if data is None else digest(data)


def _record(
    case: Case, before: bytes | None, report: Mapping[str, Any], records: tuple[Acceptance, ...], decision: Decision
) -> Acceptance:
    try:
        return Acceptance(
            case=case.name,
            utc=decision.utc,
            by=decision.by,
            reason=decision.reason,
            anchor=decision.anchor,
            made_by=decision.made_by,
            before=_digest_of(before),
            after=digest(encode(report)),
            inputs=case.inputs,
            policies=dict(decision.policies),
            runs=decision.runs,
            drifts=tuple(_differences(before, report)),
            previous=digest_of(records[-1] if records else None),
        )
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise PolicyError(f"--{fault['loc'][0]}: {fault['msg'][:1].lower()}{fault['msg'][1:]}") from error


def _differences(before: bytes | None, report: Mapping[str, Any]) -> list[Drift]:
    """Every difference, those within the tolerance too: with the new baseline they would be forgotten."""
    return [] if before is None else compare(parse_json(before, "the baseline"), report, _EXACT)


def _pin(case: Case, new: str, path: Path) -> None:
    """Write the digest into the policy, comments and all else as they are, and read it back."""
    old, text = case.baseline.digest, path.read_text(encoding="utf-8")
    if old == new:
        return
    if text.count(old) != 1:
        raise PolicyError(
            f"{path}: expected {old} once, the digest of {case.baseline.path}, was {text.count(old)} times"
        )
    write_atomically(path, text.replace(old, new).encode())
    pinned = {one.name: one.baseline.digest for one in read_policy(path, GoldenPolicy).cases}
    if pinned[case.name] != new:
        raise EffectNotConfirmedError(f"{path}: wrote {new} for {case.name} and read back {pinned[case.name]}")
