"""Two soaks side by side: what of each can be compared, and whether they were measured alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_ops.domain.sli.measurement import Measurement
from mm_ops.domain.soak.bucket_rules import Needs
from mm_ops.domain.soak.buckets import Buckets, SliBuckets
from mm_ops.domain.soak.needs import find_gaps, find_holes, find_unusable, points_of
from mm_ops.domain.soak.words import seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One soak: what it is called, and what is stored of it about one SLI."""

    name: str
    buckets: Buckets | None
    measurement: Measurement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """A side that can be compared: its measured buckets, (n_points,), and what they rest on."""

    name: str
    points: NDArray[np.float64]
    sli: SliBuckets
    buckets: Buckets
    measurement: Measurement


def find_usable(needs: Needs, name: str, side: Side) -> Usable | str:
    """Give the measured buckets of an SLI, or say why there are not enough of them."""
    unusable = find_unusable(name, side.measurement)
    if side.measurement is None or unusable:
        return f"{side.name}: {unusable}"
    if side.buckets is None or name not in side.buckets.slis:
        return f"{side.name}: {name} was not measured in buckets"
    sli = side.buckets.slis[name]
    points = points_of(needs, sli)
    points = points[np.isfinite(points)]
    if points.size < needs.min_points:
        return f"{side.name}: {points.size} measured buckets of {name} are fewer than {needs.min_points}"
    return Usable(name=side.name, points=points, sli=sli, buckets=side.buckets, measurement=side.measurement)


def find_overlap(this: Usable, that: Usable) -> str | None:
    """Say that both were measured at one time, if only in part: what is compared with itself is no worse than itself.

    By the buckets, which hold what is compared, and not by what either is called.
    """
    mine, other = this.buckets.window, that.buckets.window
    if mine.start >= other.end or other.start >= mine.end:
        return None
    return f"compared with itself: {this.name} is of {mine}, {that.name} of {other}, and they overlap"


def find_misfits(name: str, unit: str, this: Usable, that: Usable) -> list[str]:
    """Say in what the two were not measured alike, or not in the unit that the rule is in."""
    definitions = (this.sli.definition, that.sli.definition)
    fields = sorted({*definitions[0], *definitions[1]})
    changed = [field for field in fields if definitions[0].get(field) != definitions[1].get(field)]
    faults = [f"{name} is defined otherwise in {that.name}: {', '.join(changed)}"] if changed else []
    for what, one, two in (
        ("buckets of", seconds(this.buckets.length_s), seconds(that.buckets.length_s)),
        ("scrapes every", seconds(this.buckets.scrape_interval_s), seconds(that.buckets.scrape_interval_s)),
        ("values in", this.sli.unit, that.sli.unit),
    ):
        if one != two:
            faults.append(f"{name} has {what} {one} in {this.name} and {two} in {that.name}")
    if this.sli.unit != unit:
        faults.append(f"{name} was measured in {this.sli.unit}, not in {unit}")
    return faults


def find_shortfall(needs: Needs, name: str, sides: tuple[Usable, Usable]) -> str:
    """Say in which ways the evidence of either is less than the rule asks for; empty where it suffices."""
    return "; ".join(
        f"{side.name}: {fault}"
        for side in sides
        for fault in (*find_gaps(needs, name, side.measurement), *find_holes(needs, name, side.sli))
    )
