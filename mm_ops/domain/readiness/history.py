"""The scores of the last weeks as a picture: every day is there, also the one without a score."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from mm_ops.domain.charts.bars import Bars
from mm_ops.domain.readiness.what_if import GO
from mm_ops.domain.windows import DAY

SHOWN_DAYS = 30

Find = Callable[[date], Mapping[str, Any] | None]
"""The stored readiness of a day, or ``None`` where there is none."""


def score_history(document: Mapping[str, Any], find: Find, last: date, days: int = SHOWN_DAYS) -> Bars:
    """Picture the scores up to a day; a HOLD is drawn as one, whatever its score.

    Args:
        document: the readiness of the last day.
        find: that of any day before.
        last: the last day.
        days: how many.
    """
    shown = [last - DAY * back for back in reversed(range(days))]
    found = [document if day == last else find(day) for day in shown]
    return Bars(
        name="readiness_history",
        title=f"Readiness, {shown[0]} to {last}",
        unit="points",
        labels=tuple(f"{day:%d}" for day in shown),
        values=tuple(None if one is None else _score(one) for one in found),
        bad=tuple(one is not None and one.get("verdict") != GO for one in found),
        bad_word="HOLD",
    )


def _score(document: Mapping[str, Any]) -> float | None:
    score = document.get("score")
    return float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None
