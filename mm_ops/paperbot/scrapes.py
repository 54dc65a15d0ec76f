"""What the bot exports, as a scraper would have stored it every 15 s."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mm_ops.paperbot.profiles import BUCKETS_MS, SCRAPE_S, SCRAPES_PER_DAY

Values = NDArray[np.float64]
_NS = 1_000_000_000


@dataclass(slots=True)
class Scrapes:
    """A day's series on the grid; ``first`` is the index of the first sample of a series born later."""

    start_ns: int
    bot: str
    _series: list[tuple[str, str, int, Values]] = field(default_factory=list)

    @property
    def grid_ns(self) -> NDArray[np.int64]:
        """(5760,) times of the day's scrapes."""
        return self.start_ns + np.arange(SCRAPES_PER_DAY, dtype=np.int64) * SCRAPE_S * _NS

    def add(self, metric: str, values: Values, labels: Mapping[str, str] | None = None, *, first: int = 0) -> None:
        """Add one series, (5760 − first,); every series carries the bot's label."""
        text = json.dumps({"bot": self.bot, **(labels or {})}, sort_keys=True, separators=(",", ":"))
        self._series.append((metric, text, first, np.asarray(values, dtype=np.float64)))

    def frame(self) -> pl.DataFrame:
        """All samples, sorted by metric, labels and time."""
        ordered = sorted(self._series, key=lambda item: item[:2])
        grid = self.grid_ns
        return pl.concat(
            [
                pl.DataFrame(
                    {"ts_ns": grid[first:], "metric": metric, "labels": labels, "value": values},
                    schema_overrides={"ts_ns": pl.Int64, "value": pl.Float64},
                )
                for metric, labels, first, values in ordered
            ]
        )


class Counters:
    """Counters that go on from where yesterday ended, kept by series name."""

    def __init__(self, scrapes: Scrapes, carried: Mapping[str, float]) -> None:
        self._scrapes = scrapes
        self._carried = carried
        self.ended: dict[str, float] = {}

    def add(
        self, metric: str, increments: Values, labels: Mapping[str, str] | None = None, *, after: float = 0.0
    ) -> None:
        """Add a counter from what it grows by up to each scrape, and after the day's last one until midnight."""
        name = json.dumps([metric, labels or {}], sort_keys=True)
        values = self._carried.get(name, 0.0) + np.cumsum(increments)
        self.ended[name] = float(values[-1]) + after
        self._scrapes.add(metric, values, labels)

    def add_histogram(self, metric: str, drawn_ms: Values, labels: Mapping[str, str]) -> Values:
        """Add a histogram of draws (5760, k); returns each scrape's counts by bucket, not cumulated."""
        bucket = np.searchsorted(BUCKETS_MS, drawn_ms, side="left")
        flat = bucket + (np.arange(drawn_ms.shape[0]) * (len(BUCKETS_MS) + 1))[:, None]
        counts = np.bincount(flat.ravel(), minlength=drawn_ms.shape[0] * (len(BUCKETS_MS) + 1))
        per_scrape = counts.reshape(drawn_ms.shape[0], -1).astype(np.float64)
        cumulated = np.cumsum(per_scrape, axis=1)
        for column, bound in enumerate(_bounds()):
            self.add(f"{metric}_bucket", cumulated[:, column], {**labels, "le": bound})
        self.add(f"{metric}_count", cumulated[:, -1], labels)
        self.add(f"{metric}_sum", drawn_ms.sum(axis=1), labels)
        return per_scrape


def _bounds() -> Iterator[str]:
    yield from (str(bound) for bound in BUCKETS_MS)
    yield "+Inf"
