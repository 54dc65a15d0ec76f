"""The hard gates of the last day: any that is not a pass holds, whatever the score."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mm_ops.domain.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class HardGate:
    """What one hard gate answered, and why."""

    gate: str
    verdict: str
    reason: str


def hard_gates(findings: Sequence[Finding], expected: Collection[str]) -> tuple[HardGate, ...]:
    """The answer of every expected hard gate, and of any other hard one, by name.

    One that is absent, or answers more than once, is inconclusive: its absence is no pass.
    """
    hard = {finding.gate: finding for finding in findings if finding.hard}
    times = Counter(finding.gate for finding in findings if finding.hard)
    return tuple(_answer(name, hard.get(name), times[name]) for name in sorted({*expected, *hard}))


def _answer(name: str, finding: Finding | None, times: int) -> HardGate:
    if finding is None or times != 1:
        return HardGate(name, Verdict.INCONCLUSIVE.value, f"expected one finding, was {times or 'none'}")
    return HardGate(name, finding.verdict.value, " ".join(finding.reason.split()))


def find_dominating(gates: Sequence[HardGate]) -> list[str]:
    """Say of each hard gate that is not a pass why it holds; no gate at all is no pass either."""
    if not gates:
        return ["no hard gate was judged"]
    return [f"hard gate {one.gate}: {one.verdict}: {one.reason}" for one in gates if one.verdict != Verdict.PASS.value]
