"""Looks at a bot: its metrics as it exposes them, and its state as it says it is, at one moment."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from mm_ops.adapters.bot_http import NoAnswerError, exchange, shown
from mm_ops.adapters.exposition import Sample, parse_exposition
from mm_ops.domain.errors import MmOpsError, SourceUnavailableError
from mm_ops.domain.rollback.bot import BotControl, BotState
from mm_ops.domain.rollback.bounded import call_within
from mm_ops.domain.rollback.report.halt import Look

_OK = 200
_NEEDED = {
    "sent": ("mm_orders_sent_total", None),
    "open": ("mm_orders_open", None),
    "halted": ("mm_trading_state", "HALTED"),
    "started": ("process_start_time_seconds", None),
}


def scrape(url: str, *, within_s: float) -> list[Sample]:
    """Read the metrics once.

    Raises:
        SourceUnavailableError: they were not given in time.
        SchemaError: they are not in the text format.
    """
    try:
        answer = exchange("GET", url, within_s=within_s, headers={})
    except NoAnswerError as error:
        raise SourceUnavailableError(f"metrics {shown(url)}: {error}") from error
    if answer.status != _OK:
        raise SourceUnavailableError(f"metrics {shown(url)}: answered {answer.words()}")
    return parse_exposition(answer.body.decode("utf-8", "replace"), shown(url))


def look_at(
    control: BotControl | None, metrics_url: str | None, clock: Callable[[], datetime], *, within: timedelta
) -> Look:
    """Read state and metrics of a bot once, each in a bounded time; what cannot be read is a fault of the look."""
    at, faults = clock(), []
    state = _state(control, within)
    if isinstance(state, MmOpsError):
        faults.append(f"the bot's state is unknown: {state}")
    values: dict[str, float | None] = {}
    try:
        if metrics_url is None:
            raise SourceUnavailableError("no address of its metrics in bots.yaml")
        samples = scrape(metrics_url, within_s=within.total_seconds())
        values = {name: _value(samples, metric, of) for name, (metric, of) in _NEEDED.items()}
        faults += [f"metrics: no number of {_NEEDED[name][0]}" for name, value in values.items() if value is None]
    except MmOpsError as error:
        faults.append(f"the bot's metrics are unknown: {error}")
    return Look(at=at, state=state if isinstance(state, BotState) else None, faults=tuple(faults), **values)


def _state(control: BotControl | None, within: timedelta) -> BotState | MmOpsError:
    if control is None:
        return SourceUnavailableError("no control of it in bots.yaml")
    return call_within(control.read, within.total_seconds())


def _value(samples: Sequence[Sample], metric: str, state: str | None) -> float | None:
    """The sum of all series of a metric; of none there is no number, and one that is not finite is none."""
    found = [
        one.value for one in samples if one.metric == metric and (state is None or one.labels.get("state") == state)
    ]
    total = math.fsum(found) if found else math.nan
    return total if math.isfinite(total) else None
