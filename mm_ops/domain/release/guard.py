"""Why a release is refused: any hard gate that did not pass, on this day's evidence as it is stored now."""

from collections.abc import Mapping
from enum import StrEnum


class CheckState(StrEnum):
    """What is on record of one check, for the evidence as it stands."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    RUNNING = "running"
    NEVER_RAN = "never ran"
    STALE = "stale"
    POSTED = "posted"
    NO_EVIDENCE = "no evidence"


_WHY = {
    CheckState.FAILED: "did not pass",
    CheckState.CRASHED: "ended without an answer; see its run",
    CheckState.RUNNING: "is still running",
    CheckState.NEVER_RAN: "never ran for this day; run the checks job",
    CheckState.STALE: "judged an older materialisation; run the checks job again",
    CheckState.POSTED: "was posted from outside and not judged by a run",
    CheckState.NO_EVIDENCE: "judged evidence that was never materialised",
}


def find_refusals(states: Mapping[str, CheckState], expected: frozenset[str]) -> list[str]:
    """List why the release may not be built, in a fixed order; empty means that it may.

    Args:
        states: state by check, each named ``<asset>:<check>``.
        expected: every hard check that must have passed; one without a state never ran.
    """
    if not expected:
        return ["no hard gate is expected: a release that nothing judges is refused"]
    found = {name: states.get(name, CheckState.NEVER_RAN) for name in sorted(expected)}
    return [f"{name} {_WHY[state]}" for name, state in found.items() if state is not CheckState.PASSED]
