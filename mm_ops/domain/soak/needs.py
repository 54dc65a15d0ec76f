"""What evidence a rule on buckets asks for, and what of it is missing.

The same order as for a gate (:mod:`.gate`): first whether there is a value at all, and only after the limit whether
the evidence suffices. Beyond a gate's needs come those of the buckets: enough of them must be measured.
"""

from datetime import timedelta
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.sli.measurement import Measurement, Problem
from mm_ops.domain.soak.bucket_rules import Needs
from mm_ops.domain.soak.buckets import SliBuckets
from mm_ops.domain.soak.words import percent, seconds
from mm_ops.domain.windows import format_duration


def points_of(needs: Needs, sli: SliBuckets) -> NDArray[np.float64]:
    """Give the value of each bucket, (n_buckets,), NaN where it is not measured well enough."""
    values = np.array([np.nan if value is None else value for value in sli.values])
    return np.where(np.array(sli.coverage) >= needs.min_bucket_coverage, values, np.nan)


def find_unusable(name: str, measurement: Measurement | None) -> str | None:
    """Say why an SLI has no value that could be compared with anything."""
    if measurement is None:
        return f"no measurement of {name}"
    if measurement.not_finite:
        return f"{name} is tainted: {measurement.not_finite} samples are NaN or infinite"
    match measurement.problem:
        case Problem.SOURCE_ERROR:
            return f"{name}: the source gave no answer: {measurement.detail}"
        case Problem.NO_SERIES | Problem.NOT_A_NUMBER | Problem.AMBIGUOUS:
            return f"{name}: {measurement.detail}"
        case None:
            return f"{name} has no value" if measurement.value is None else None
        case unknown:
            assert_never(unknown)


def find_gaps(needs: Needs, name: str, measurement: Measurement) -> list[str]:
    """Say in which ways the samples of the window are fewer than the rule asks for."""
    faults = []
    if measurement.coverage < needs.min_coverage:
        faults.append(f"coverage of {name} is {percent(measurement.coverage)}, below {percent(needs.min_coverage)}")
    if timedelta(seconds=measurement.longest_gap_s) > needs.max_gap:
        limit = format_duration(needs.max_gap)
        faults.append(f"the longest gap of {name}, {gap_words(measurement)}, is over {limit}")
    if measurement.doubt:
        faults.append(f"{name}: {measurement.doubt}")
    return faults


def gap_words(measurement: Measurement) -> str:
    """Say how long the longest gap is, and where samples were there, what stood still in it."""
    stalled = f" in which {measurement.stalled} stood still" if measurement.stalled else ""
    return f"{seconds(measurement.longest_gap_s)}{stalled}"


def find_holes(needs: Needs, name: str, sli: SliBuckets) -> list[str]:
    """Say in which ways the buckets are fewer, or less certain, than the rule asks for."""
    faults = []
    measured = int(np.isfinite(points_of(needs, sli)).sum())
    if measured < needs.min_measured * len(sli.values):
        share = f"{measured} of {len(sli.values)} buckets of {name} are measured"
        faults.append(f"{share}, fewer than {percent(needs.min_measured)}{_first_cause(sli)}")
    if sli.doubtful:
        first = sli.doubtful[0]
        faults.append(f"{len(sli.doubtful)} buckets of {name} are doubtful: bucket {first}: {sli.remarks[first]}")
    return faults


def _first_cause(sli: SliBuckets) -> str:
    causes = [remark for number, remark in sorted(sli.remarks.items()) if sli.values[number] is None]
    return f" ({causes[0]})" if causes else ""
