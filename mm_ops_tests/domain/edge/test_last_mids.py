import numpy as np
import pytest

from mm_ops.domain.edge.last_mids import LastMids, earned_when


def seen(*parts: list[tuple[int, float]]) -> list[float]:
    """The mids of five stretches of ten, from 100 on."""
    mids = LastMids(100, 10, 5)
    for part in parts:
        mids.see(np.array([at for at, _ in part], dtype=np.int64), np.array([mid for _, mid in part]))
    found: list[float] = mids.filled(-1.0).tolist()
    return found


def test_each_stretch_has_its_last_mid_or_that_of_the_one_before():
    assert seen([(101, 1.0), (109, 2.0), (110, 3.0), (139, 4.0)]) == [2.0, 3.0, 3.0, 4.0, 4.0]


def test_parts_that_overlap_give_what_the_whole_gives():
    quotes = [(101, 1.0), (109, 2.0), (110, 3.0), (119, 4.0), (139, 5.0)]
    whole = seen(quotes)
    assert [seen(quotes[:cut], quotes[cut:]) for cut in range(6)] == [whole] * 6
    assert seen(quotes[:2], [(119, 4.0), (139, 5.0)], [(105, 9.0), (110, 3.0)]) == whole, "older than what was seen"
    assert seen([(109, 1.0)], [(109, 2.0)])[0] == 2.0, "of one time the last"


def test_quotes_before_the_first_stretch_are_its_own_until_it_has_some():
    assert seen([(20, 1.0), (99, 2.0), (125, 3.0)]) == [2.0, 2.0, 3.0, 3.0, 3.0]
    assert seen([(99, 2.0), (101, 4.0)])[0] == 4.0
    assert seen([(112, 6.0)]) == [6.0] * 5, "where nothing came before, nothing is held"


def test_without_any_quote_there_is_no_mid():
    assert seen([]) == [-1.0] * 5


def test_money_is_told_where_the_price_moved():
    """Bought 10 at 99, sold 4 at 103; a fee of 1 on the second; U is 100, 102 and at the end 101.

    By the end: 10·(101 − 99) = 20 and −4·(101 − 103) − 1 = 7. As it came: 10·(100 − 99) = 10; then
    −4·(102 − 103) − 1 = 3 and 10·(102 − 100) = 20 on what was held; at last 6·(101 − 102) = −6.
    """
    net, moved = np.array([20.0, 7.0, 0.0]), np.array([10.0, -4.0, 0.0])
    found = earned_when(net, moved, np.array([100.0, 102.0, 101.0]), 101.0)
    assert found.tolist() == [10.0, 23.0, -6.0]
    assert found.sum() == pytest.approx(net.sum())
