"""From a stored pack to one finding."""

from collections.abc import Mapping
from typing import Any

from mm_ops.domain.prelive.ended import Ended
from mm_ops.domain.prelive.policy import REQUIRED
from mm_ops.domain.verdict import Finding, Verdict, none_allowed

ALL_STEPS_PASSED = "all_steps_passed"


def pack_finding(document: Mapping[str, Any]) -> Finding:
    """Judge what :func:`mm_ops.domain.prelive.ended.prelive_document` says.

    Pass only when every required step is there and every step passed; one that failed fails, whatever the others did.
    """
    ends = {step["step"]: step["ended"] for step in document["steps"]}
    lacking = [f"{name}: not there" for name in REQUIRED if name not in ends]
    red = [f"{step['step']}: {step['ended']}: {step['why']}" for step in document["steps"] if not _is_green(step)]
    if Ended.FAILED.value in ends.values():
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.INCONCLUSIVE if lacking or red else Verdict.PASS
    against = [*red, *lacking]
    reason = "; ".join(against) or f"{len(ends)} steps passed"
    return none_allowed(ALL_STEPS_PASSED, verdict, reason, len(against), unit="steps")


def _is_green(step: Mapping[str, Any]) -> bool:
    return bool(step["ended"] == Ended.PASSED.value)
