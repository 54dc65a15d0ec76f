from datetime import UTC, date, datetime

import dagster as dg
import pytest

from mm_ops.defs.automation import daily, days_as_of, refuse_unless_complete
from mm_ops.domain.errors import PolicyError

FIRST = date(2025, 1, 1)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("day", [FIRST, date(2026, 11, 20)])
def test_a_day_that_has_ended_is_complete_from_its_last_moment_on(day: date):
    refuse_unless_complete(day, FIRST, NOW)


@pytest.mark.parametrize("day", [date(2024, 12, 31), date(2026, 11, 21), date(2199, 1, 1)])
def test_any_other_day_is_refused_with_those_there_are_and_the_time(day: date):
    words = f"expected a complete UTC day from 2025-01-01 to 2026-11-20, was {day}; it is 2026-11-21T00:00:00Z"
    with pytest.raises(PolicyError) as refusal:
        refuse_unless_complete(day, FIRST, NOW)
    assert str(refusal.value) == words


def test_a_moment_before_midnight_the_day_has_not_ended():
    with pytest.raises(PolicyError, match=r"to 2026-11-19, was 2026-11-20; it is 2026-11-20T23:59:59Z$"):
        refuse_unless_complete(date(2026, 11, 20), FIRST, NOW.replace(day=20, hour=23, minute=59, second=59))


def test_before_the_fleets_first_day_there_is_none():
    with pytest.raises(PolicyError, match="expected a complete UTC day after the fleet's first day, 2025-01-01, was "):
        refuse_unless_complete(FIRST, FIRST, NOW.replace(year=2024))


@pytest.mark.parametrize("year", [2026, 2050])
def test_dagster_knows_the_days_of_the_time_that_is_given_and_of_no_other(year: int):
    days = daily(FIRST)
    before = days.get_last_partition_key()
    with days_as_of(NOW.replace(year=year)):
        assert days.get_last_partition_key() == f"{year}-11-20"
    assert days.get_last_partition_key() == before


def test_a_day_that_has_not_ended_by_dagsters_own_clock_can_be_run_as_of_a_later_time():
    @dg.asset(partitions_def=daily(FIRST))
    def it(context: dg.AssetExecutionContext) -> str:
        return str(context.partition_key)

    job = dg.Definitions(assets=[it], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(dg.DagsterUnknownPartitionError):
            job.execute_in_process(instance=instance, partition_key="2250-01-01")
        with days_as_of(datetime(2250, 1, 2, tzinfo=UTC)):
            ran = job.execute_in_process(instance=instance, partition_key="2250-01-01")
    assert ran.output_for_node("it") == "2250-01-01"
