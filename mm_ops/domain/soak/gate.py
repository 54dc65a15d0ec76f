"""One gate against one measurement: the verdict, and the reason in words.

Order of decision (design, section 3): source error, no series, NaN or infinite, several series: inconclusive;
limit broken: fail, on partial data too; coverage, gap or sample count below policy, or a value in doubt:
inconclusive; else pass. So evidence that is lost can turn a pass into an inconclusive, and nothing into a pass.
"""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from mm_ops.domain.sli.measurement import Measurement, Problem
from mm_ops.domain.soak.policy import Gate
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops.domain.windows import format_duration


def evaluate_gate(gate: Gate, measurement: Measurement | None, window: str, query: str | None) -> Finding:
    """Judge one gate.

    Args:
        gate: the rule.
        measurement: its SLI's; ``None`` where none was made.
        window: the window in words, for the finding.
        query: the whole-window PromQL, for the finding.
    """
    about = Finding(
        gate=gate.name,
        severity=gate.severity,
        verdict=Verdict.INCONCLUSIVE,
        reason=f"no measurement of {gate.sli}",
        unit=gate.unit,
        bound=gate.bound.value,
        limit=gate.limit,
        window=window,
        query=query,
    )
    if measurement is None:
        return about
    verdict, reason = _decide(gate, measurement)
    value = measurement.value
    return replace(
        about,
        verdict=verdict,
        reason=reason,
        value=value,
        margin=None if value is None else gate.bound.margin(value, gate.limit),
        samples=measurement.samples,
        coverage=measurement.coverage,
        longest_gap_s=measurement.longest_gap_s,
    )


def _decide(gate: Gate, measurement: Measurement) -> tuple[Verdict, str]:
    unusable = _find_unusable(gate, measurement)
    if measurement.value is None or unusable:
        return Verdict.INCONCLUSIVE, unusable or f"{gate.sli} has no value"
    shortfall = _find_shortfall(gate, measurement)
    margin = gate.bound.margin(measurement.value, gate.limit)
    rule = f"{gate.sli} was {_in_unit(measurement.value, gate)}, {gate.bound.words} {_in_unit(gate.limit, gate)}"
    if margin < 0:
        partial = f" (on partial data: {shortfall})" if shortfall else ""
        return Verdict.FAIL, f"{rule}: {_in_unit(-margin, gate)} beyond the limit{partial}"
    if shortfall:
        return Verdict.INCONCLUSIVE, f"{rule}, but {shortfall}"
    evidence = f"{measurement.samples} samples, coverage {_percent(measurement.coverage)}"
    gap = f"longest gap {_seconds(measurement.longest_gap_s)}"
    return Verdict.PASS, f"{rule}: {_in_unit(margin, gate)} to spare; {evidence}, {gap}"


def _find_unusable(gate: Gate, measurement: Measurement) -> str | None:
    """Say why there is no value to compare, in the order of the module's text."""
    match measurement.problem:
        case Problem.SOURCE_ERROR:
            return f"{gate.sli}: the source gave no answer: {measurement.detail}"
        case Problem.NO_SERIES:
            return f"{gate.sli}: {measurement.detail}"
        case Problem.NOT_A_NUMBER:
            return f"{gate.sli} is not a number: {measurement.detail}"
        case Problem.AMBIGUOUS | None:
            pass
        case unknown:
            assert_never(unknown)
    if measurement.not_finite:
        return f"{gate.sli} is tainted: {measurement.not_finite} samples are NaN or infinite"
    if measurement.problem is Problem.AMBIGUOUS:
        return f"{gate.sli} is ambiguous: {measurement.detail}"
    return None


def _find_shortfall(gate: Gate, measurement: Measurement) -> str | None:
    """Say in which ways the evidence is less than the policy asks for."""
    faults = []
    if measurement.coverage < gate.min_coverage:
        faults.append(f"coverage {_percent(measurement.coverage)} is below {_percent(gate.min_coverage)}")
    if timedelta(seconds=measurement.longest_gap_s) > gate.max_gap:
        gap = _seconds(measurement.longest_gap_s)
        faults.append(f"the longest gap of {gap} is over {format_duration(gate.max_gap)}")
    if measurement.samples < gate.min_samples:
        faults.append(f"{measurement.samples} samples are fewer than {gate.min_samples}")
    if measurement.doubt:
        faults.append(measurement.doubt)
    return "; ".join(faults) or None


def _in_unit(value: float, gate: Gate) -> str:
    return f"{value:.6g}" if gate.unit == "count" else f"{value:.6g} {gate.unit}"


def _percent(share: float) -> str:
    """Two decimals, never rounded up: 98.999 % must not read as 99 %."""
    return f"{int(share * 10_000) / 100:g} %"


def _seconds(seconds: float) -> str:
    return format_duration(timedelta(seconds=seconds))
