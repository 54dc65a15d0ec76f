"""How far repeated runs of the same pinned inputs differ, and the tolerances that follow from it.

A tolerance below that is no limit but a coin: it fails on the machine and not on the code. So the least tolerance of a
number is ``factor`` times its spread (highest − lowest), and a policy that is tighter is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.comparison import Tolerance, compare
from mm_ops.domain.golden.policy import GoldenPolicy

_EXACT = Tolerance(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class NumberSpread:
    """The lowest and the highest value that the runs gave for one number; in the number's own unit."""

    path: str
    lowest: float
    highest: float

    @property
    def width(self) -> float:
        """Highest less lowest."""
        return self.highest - self.lowest


@dataclass(frozen=True, slots=True)
class MeasuredSpread:
    """What ``runs`` runs differed in; ``unstable`` names what no tolerance can cover: keys, types, lengths, texts."""

    runs: int
    numbers: Sequence[NumberSpread]
    unstable: Sequence[str]


def measure_spread(reports: Sequence[Any]) -> MeasuredSpread:
    """Measure the spread of one case over repeated runs; a number that never differed is left out."""
    values: dict[str, list[float]] = {}
    unstable: dict[str, None] = {}
    for report in reports[1:]:
        for drift in compare(reports[0], report, _EXACT):
            if drift.why == "number":
                values.setdefault(drift.path, [drift.baseline]).append(drift.actual)
            else:
                unstable[f"{drift.path}: {drift.why}"] = None
    numbers = [NumberSpread(path, min(found), max(found)) for path, found in values.items()]
    return MeasuredSpread(len(reports), numbers, list(unstable))


def find_too_tight(spread: MeasuredSpread, policy: GoldenPolicy) -> list[str]:
    """Say of each number whose tolerance is tighter than its spread allows what it would have to be."""
    return [
        *(f"{text} from run to run, and no tolerance covers that" for text in spread.unstable),
        *_tight(spread, policy),
    ]


def _tight(spread: MeasuredSpread, policy: GoldenPolicy) -> list[str]:
    found = []
    for number in spread.numbers:
        least = policy.spread.factor * number.width
        allowed = policy.tolerance_at(number.path).allowed(number.lowest, number.highest)
        if allowed < least:
            found.append(
                f"{number.path}: golden.yaml tolerates {allowed!r}, and {spread.runs} runs differed by "
                f"{number.width!r}: expected at least {least!r} ({policy.spread.factor:g} times as much)"
            )
    return found
