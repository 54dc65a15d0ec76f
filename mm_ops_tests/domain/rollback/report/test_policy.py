from datetime import timedelta

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.server_clock import MOST_SKEW, SETTLED
from mm_ops.domain.rollback.report.policy import ReportPolicy
from mm_ops_tests.requirements import PROJECT


def test_the_projects_policy_shows_a_quarter_of_an_hour():
    policy = read_policy(PROJECT / "deploy/policies/rollback_report.yaml", ReportPolicy)
    assert policy.whole_after == timedelta(minutes=16, seconds=10)
    assert policy.settled > SETTLED + MOST_SKEW, "else a Prometheus refuses each report that is made at once"
    assert (policy.around, policy.still, policy.runs_per_tick) == (timedelta(minutes=15), timedelta(seconds=5), 5)


@pytest.mark.parametrize("name", ["around", "settled", "still", "state_at_least"])
def test_no_length_is_nothing(name: str):
    lengths = {
        "around": timedelta(2),
        "settled": timedelta(1),
        "still": timedelta(1),
        "state_at_least": timedelta(1),
        name: timedelta(0),
    }
    with pytest.raises(ValueError, match=f"{name}: expected more than 0s"):
        ReportPolicy(**lengths, runs_per_tick=1, source="made up for a test")


def test_what_is_shown_is_longer_than_what_may_not_be_read_yet():
    lengths = {"around": timedelta(1), "settled": timedelta(1), "still": timedelta(1), "state_at_least": timedelta(1)}
    with pytest.raises(ValueError, match="around: expected more than settled, 24h"):
        ReportPolicy(**lengths, runs_per_tick=1, source="made up for a test")
