"""From what was observed to one document, in the form in which a day's drill is read: ok only when all was observed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mm_ops.domain.chaos.policy import Drill


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """One drill as it went.

    ``observed`` are seconds from the injection, or from its end, by outcome; ``None`` where it was never seen.
    ``fault`` says why the drill could not be carried through, or that the bot did not come back to where it was.
    """

    drill: Drill
    lasted_s: float | None
    observed: Mapping[str, float | None]
    fault: str | None = None

    @property
    def reasons(self) -> list[str]:
        """Why it is not ok; none when it is."""
        found = [] if self.fault is None else [f"{self.drill.name}: {self.fault}"]
        for name, limit in self.drill.limits.items():
            seen = self.observed.get(name)
            if seen is None or not 0 <= seen <= limit:
                was = "never seen" if seen is None else f"{seen:g} s"
                found.append(f"{self.drill.name}: {name}: expected within {limit:g} s, was {was}")
        return found


def chaos_document(
    drilled: Sequence[Drilled], expected: Sequence[Drill], *, seed: int, day: date, bot: Mapping[str, Any]
) -> dict[str, Any]:
    """Tell what was expected and observed; a drill that was expected and is not among those that went is a reason.

    Args:
        drilled: the drills that went, in order.
        expected: those that should have.
        seed: of how long each lasted.
        day: the UTC day.
        bot: which bot it was: version, address, speed of its clock.
    """
    gone = {item.drill.name for item in drilled}
    reasons = [reason for item in drilled for reason in item.reasons]
    reasons += [f"{drill.name}: not run" for drill in expected if drill.name not in gone]
    reasons += [] if expected else ["no drill was expected"]
    return {
        "drill": "live",
        "kind": "live",
        "date": day.isoformat(),
        "seed": seed,
        "bot": dict(bot),
        "expected": {name: limit for drill in expected for name, limit in drill.limits.items()},
        "observed": {name: seen for item in drilled for name, seen in item.observed.items()},
        "drills": [
            {
                "drill": item.drill.name,
                "faults": dict(item.drill.faults),
                "lasted_s": item.lasted_s,
                "expected": item.drill.limits,
                "observed": dict(item.observed),
                "outcome": "failed" if item.reasons else "ok",
                "reasons": item.reasons,
            }
            for item in drilled
        ],
        "outcome": "failed" if reasons else "ok",
        "reasons": reasons,
    }
