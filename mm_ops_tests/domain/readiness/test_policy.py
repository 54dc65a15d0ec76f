from dataclasses import replace

import pytest
from pydantic import ValidationError

from mm_ops.domain.readiness.policy import EdgeSection
from mm_ops_tests.builders import WORDS
from mm_ops_tests.domain.readiness.week import POLICY


def test_points_that_do_not_sum_to_a_hundred_are_refused():
    with pytest.raises(ValidationError, match="expected the sections to sum to 100, was 101"):
        replace(POLICY, edge=EdgeSection(points=31, full_at_bps=2.5, source=WORDS))
