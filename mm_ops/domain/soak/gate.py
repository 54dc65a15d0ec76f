"""One gate against one measurement: the verdict, and the reason in words.

Order of decision (design, section 3): source error, no series, NaN or infinite, several series: inconclusive;
limit broken: fail, on partial data too; coverage, gap or sample count below policy, or a value in doubt:
inconclusive; else pass. So evidence that is lost can turn a pass into an inconclusive, and nothing into a pass.

Where the gate says ``on_missing: fail``, what is missing or too little fails instead. Several series or a value in
doubt stay inconclusive: there is evidence, and it is not known what it says.
"""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from mm_ops.domain.sli.measurement import Measurement, Problem
from mm_ops.domain.soak.needs import gap_words
from mm_ops.domain.soak.policy import Gate, OnMissing
from mm_ops.domain.soak.words import percent, seconds
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
        verdict=_verdict_of_missing(gate),
        reason=_of_missing(gate, f"no measurement of {gate.sli}"),
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
    missing = _find_missing(gate, measurement)
    if missing:
        return _verdict_of_missing(gate), _of_missing(gate, missing)
    if measurement.problem is Problem.AMBIGUOUS:
        return Verdict.INCONCLUSIVE, f"{gate.sli} is ambiguous: {measurement.detail}"
    if measurement.value is None:
        return _verdict_of_missing(gate), _of_missing(gate, f"{gate.sli} has no value")
    return _compare(gate, measurement, measurement.value)


def _compare(gate: Gate, measurement: Measurement, value: float) -> tuple[Verdict, str]:
    too_little = _find_shortfall(gate, measurement)
    shortfall = "; ".join([*too_little, *([measurement.doubt] if measurement.doubt else [])])
    margin = gate.bound.margin(value, gate.limit)
    rule = f"{gate.sli} was {_in_unit(value, gate)}, {gate.bound.words} {_in_unit(gate.limit, gate)}"
    if margin < 0:
        partial = f" (on partial data: {shortfall})" if shortfall else ""
        return Verdict.FAIL, f"{rule}: {_in_unit(-margin, gate)} beyond the limit{partial}"
    if too_little:
        return _verdict_of_missing(gate), _of_missing(gate, f"{rule}, but {shortfall}")
    if shortfall:
        return Verdict.INCONCLUSIVE, f"{rule}, but {shortfall}"
    evidence = f"{measurement.samples} samples, coverage {percent(measurement.coverage)}"
    gap = f"longest gap {seconds(measurement.longest_gap_s)}"
    return Verdict.PASS, f"{rule}: {_in_unit(margin, gate)} to spare; {evidence}, {gap}"


def _verdict_of_missing(gate: Gate) -> Verdict:
    match gate.on_missing:
        case OnMissing.HOLD:
            return Verdict.INCONCLUSIVE
        case OnMissing.FAIL:
            return Verdict.FAIL
        case unknown:
            assert_never(unknown)


def _of_missing(gate: Gate, reason: str) -> str:
    return f"{reason}; missing evidence fails this gate" if gate.on_missing is OnMissing.FAIL else reason


def _find_missing(gate: Gate, measurement: Measurement) -> str | None:
    """Say why there is no value to compare, in the order of the module's text."""
    match measurement.problem:
        case Problem.SOURCE_ERROR:
            return f"{gate.sli}: the source gave no answer: {measurement.detail}"
        case Problem.NO_SERIES:
            return f"{gate.sli}: {measurement.detail}"
        case Problem.NOT_A_NUMBER:
            return f"{gate.sli} has no value: {measurement.detail}"
        case Problem.AMBIGUOUS | None:
            pass
        case unknown:
            assert_never(unknown)
    if measurement.not_finite:
        return f"{gate.sli} is tainted: {measurement.not_finite} samples are NaN or infinite"
    return None


def _find_shortfall(gate: Gate, measurement: Measurement) -> list[str]:
    """Say in which ways the samples are fewer than the policy asks for."""
    faults = []
    if measurement.coverage < gate.min_coverage:
        faults.append(f"coverage {percent(measurement.coverage)} is below {percent(gate.min_coverage)}")
    if timedelta(seconds=measurement.longest_gap_s) > gate.max_gap:
        faults.append(f"the longest gap of {gap_words(measurement)} is over {format_duration(gate.max_gap)}")
    if measurement.samples < gate.min_samples:
        faults.append(f"{measurement.samples} samples are fewer than {gate.min_samples}")
    return faults


def _in_unit(value: float, gate: Gate) -> str:
    return f"{value:.6g}" if gate.unit == "count" else f"{value:.6g} {gate.unit}"
