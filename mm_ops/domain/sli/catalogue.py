"""The SLIs by name, as ``deploy/policies/slis.yaml`` states them."""

from collections import Counter
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.policy import CLOSED, Name, Source, Unit
from mm_ops.domain.sli.kinds import HistogramQuantile, Kind
from mm_ops.domain.sli.series import Selector


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Sli:
    """One indicator: its name, the unit of its value, and how it is measured."""

    name: Name
    unit: Unit
    measure: Kind
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class SliCatalogue:
    """All of them, each name once; SLIs of one histogram agree about its buckets."""

    slis: Annotated[tuple[Sli, ...], Field(min_length=1)]

    def __post_init__(self) -> None:
        doubled = [name for name, count in Counter(sli.name for sli in self.slis).items() if count > 1]
        if doubled:
            raise ValueError(f"slis: expected every name once, was twice: {', '.join(doubled)}")
        bounds: dict[str, tuple[float, ...]] = {}
        for sli in self.slis:
            measure = sli.measure
            if isinstance(measure, HistogramQuantile) and bounds.setdefault(measure.metric, measure.bounds) != (
                measure.bounds
            ):
                raise ValueError(f"slis: {sli.name}: expected the bounds that {measure.metric} has elsewhere")

    def of(self, name: str) -> Sli:
        """The SLI of a name.

        Raises:
            PolicyError: there is none.
        """
        for sli in self.slis:
            if sli.name == name:
                return sli
        raise PolicyError(f"slis.yaml: no sli {name}")

    def selectors(self) -> tuple[Selector, ...]:
        """Every series that any of them reads, each selector once."""
        wanted: list[Selector] = []
        for sli in self.slis:
            wanted += [selector for selector in sli.measure.selectors() if selector not in wanted]
        return tuple(wanted)
