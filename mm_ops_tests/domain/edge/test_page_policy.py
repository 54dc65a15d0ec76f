from datetime import timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.edge.page_policy import EdgePagePolicy
from mm_ops.domain.edge.policy import EdgePolicy
from mm_ops_tests.builders import WORDS

POLICIES = Path("deploy/policies")


def test_the_pages_horizon_is_one_that_is_measured():
    page = read_policy(POLICIES / "edge_page.yaml", EdgePagePolicy)
    assert page.horizon in read_policy(POLICIES / "edge.yaml", EdgePolicy).horizons
    assert 0 < page.max_outside_touch_share_alone < 0.1


def test_a_horizon_of_nothing_is_refused():
    with pytest.raises(ValueError, match="horizon: expected a duration above zero, was 0s"):
        EdgePagePolicy(horizon=timedelta(0), max_outside_touch_share_alone=0.1, source=WORDS)


@pytest.mark.parametrize("share", [-0.01, 1.0, float("nan")])
def test_a_share_that_nothing_exceeds_is_refused(share: float):
    with pytest.raises(ValueError, match="max_outside_touch_share_alone"):
        EdgePagePolicy(horizon=timedelta(seconds=5), max_outside_touch_share_alone=share, source=WORDS)
