"""Retries, failures and partitions: decided once, for every asset."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime

import dagster as dg

from mm_ops.domain.errors import MmOpsError, PolicyError, SourceUnavailableError

RETRY_SOURCE = dg.RetryPolicy(max_retries=1, delay=3, jitter=dg.Jitter.PLUS_MINUS)
"""A source that does not answer (its adapter has asked four times by then) is asked once more; every other refusal is
final at once."""


@contextmanager
def refusals_end_the_step() -> Iterator[None]:
    """Turn a refusal of mm_ops into a failed step whose description is the refusal, with no traceback.

    Only a source that did not answer is tried again: a wrong policy or a broken file stays wrong.
    """
    try:
        yield
    except MmOpsError as error:
        retry = isinstance(error, SourceUnavailableError)
        raise dg.Failure(description=str(error), allow_retries=retry) from error


def daily(first_day: date) -> dg.DailyPartitionsDefinition:
    """UTC days, named by their start."""
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC")


def days_as_of(now: datetime) -> AbstractContextManager[object]:
    """Let Dagster know, for a while, the days that have ended by ``now``, whatever its own clock says.

    It asks its own otherwise, and would refuse a day that has ended by a made-up time only.
    """
    return dg.partition_loading_context(effective_dt=now)


def refuse_unless_complete(day: date, first_day: date, now: datetime) -> None:
    """Refuse a day that has not ended by ``now``, or is before the fleet's first.

    Raises:
        PolicyError: says from which day to which there are.
    """
    known = daily(first_day).get_partition_keys(current_time=now)
    if day.isoformat() not in known:
        span = f"from {known[0]} to {known[-1]}" if known else f"after the fleet's first day, {first_day}"
        raise PolicyError(f"expected a complete UTC day {span}, was {day}; it is {now:%Y-%m-%dT%H:%M:%SZ}")


def last_days(count: int) -> dg.TimeWindowPartitionMapping:
    """The day itself and the ``count - 1`` before it, as far as there are any."""
    return dg.TimeWindowPartitionMapping(start_offset=1 - count, allow_nonexistent_upstream_partitions=True)


def partition_day(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> date:
    """The UTC day that a step works on."""
    return date.fromisoformat(context.partition_key)
