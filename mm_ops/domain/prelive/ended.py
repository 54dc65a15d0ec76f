"""How a step ended, from what its command did; silence is never green."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mm_ops.domain.markdown import table
from mm_ops.domain.prelive.policy import Step

HEADER = ("step", "ended", "took", "why")
_FAILED = 1
_SHOWN = 300


class Ended(StrEnum):
    """Passed is green; failed says no; could-not-run says nothing, and so does what was not run."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could-not-run"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command did: its exit code (``None``: it was ended for its time) and its last lines, of both streams."""

    exit_code: int | None
    said: Sequence[str]
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """One step with its end and why; ``took_s`` in seconds, ``None`` when it was not run."""

    step: Step
    ended: Ended
    why: str
    took_s: float | None = None


def judge_step(step: Step, ran: Ran | None) -> StepEnd:
    """Say how a step ended.

    Args:
        step: what was to be run.
        ran: what its command did; ``None`` when it was not run.
    """
    if ran is None:
        return StepEnd(step=step, ended=Ended.NOT_RUN, why="not asked for")
    ended, why = _judge(step, ran)
    return StepEnd(step=step, ended=ended, why=why, took_s=round(ran.took_s, 3))


def _judge(step: Step, ran: Ran) -> tuple[Ended, str]:
    last = _last(ran.said)
    if ran.exit_code is None:
        return Ended.COULD_NOT_RUN, f"no end within {step.within:g} s; {last}"
    if ran.exit_code == _FAILED:
        return Ended.FAILED, last
    if ran.exit_code:
        return Ended.COULD_NOT_RUN, f"exit {ran.exit_code}: {last}"
    if not _marker(ran.said).endswith(f"| {step.marker} |"):
        return Ended.COULD_NOT_RUN, f"exit 0 without the line that ends in {step.marker}; {last}"
    return Ended.PASSED, last


def _marker(said: Sequence[str]) -> str:
    """The last line in the form of a marker; empty without one."""
    return next((line for line in map(str.strip, reversed(said)) if _is_marker(line)), "")


def _is_marker(line: str) -> bool:
    return line.startswith("| ") and line.endswith(" |")


def _last(said: Sequence[str]) -> str:
    """The last line that is no marker, which says why, or that there is none."""
    words = [" ".join(line.split()) for line in said]
    return next(
        (line[:_SHOWN] for line in reversed(words) if any(map(str.isalnum, line)) and not _is_marker(line)),
        "it said nothing",
    )


def prelive_document(ends: Sequence[StepEnd]) -> dict[str, Any]:
    """Tell how every step ended and what stands in the way of going live: every step that did not pass."""
    return {
        "steps": [
            {
                "step": end.step.name,
                "command": f"mm-ops {' '.join(end.step.command)}",
                "ended": end.ended.value,
                "why": end.why,
                "took_s": end.took_s,
            }
            for end in ends
        ],
        "blockers": blockers(ends),
    }


def prelive_markdown(ends: Sequence[StepEnd]) -> str:
    """Tell the same as a table."""
    took = ["" if end.took_s is None else f"{end.took_s:.1f} s" for end in ends]
    rows = [(end.step.name, end.ended.value, seconds, end.why) for end, seconds in zip(ends, took, strict=True)]
    return table(HEADER, rows)


def blockers(ends: Sequence[StepEnd]) -> list[str]:
    """Every step that did not pass, with how it ended and why; one line where there is no step at all."""
    if not ends:
        return ["no step is named"]
    return [f"{end.step.name}: {end.ended.value}: {end.why}" for end in ends if end.ended is not Ended.PASSED]


def verdict_code(ends: Sequence[StepEnd]) -> int:
    """0 when every step passed, 1 when one failed, 2 when none failed and not all passed."""
    if any(end.ended is Ended.FAILED for end in ends):
        return 1
    return 2 if blockers(ends) else 0
