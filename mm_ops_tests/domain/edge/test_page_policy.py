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


def test_a_horizon_of_nothing_is_refused():
    with pytest.raises(ValueError, match="horizon: expected a duration above zero, was 0s"):
        EdgePagePolicy(horizon=timedelta(0), source=WORDS)
