import numpy as np
import pytest

from mm_ops.domain.edge.arrays import with_neighbour


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], []), ([1], [False]), ([1, 1, 2, 3, 3, 3], [True, True, False, True, True, True]), ([1, 2, 1], [False] * 3)],
)
def test_a_value_has_a_neighbour_where_the_one_before_or_after_is_alike(values: list[int], expected: list[bool]):
    assert with_neighbour(np.array(values, dtype=np.int64)).tolist() == expected
