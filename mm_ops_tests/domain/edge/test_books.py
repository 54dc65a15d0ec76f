import pytest

from mm_ops.domain.edge.books import choose_quotes
from mm_ops_tests.builders import quotes
from mm_ops_tests.edge_inputs import books

MARKET = quotes((0, 99, 101), (1, 100, 100), (2, 101, 99), (3, 98, 99), (4, 100, 100))


@pytest.mark.parametrize(
    ("locked", "crossed", "bids"),
    [
        ("keep", "keep", [99, 100, 101, 98, 100]),
        ("exclude", "keep", [99, 101, 98]),
        ("keep", "exclude", [99, 100, 98, 100]),
        ("exclude", "exclude", [99, 98]),
    ],
)
def test_locked_and_crossed_quotes_are_counted_whatever_becomes_of_them(locked: str, crossed: str, bids: list[float]):
    kept, counts = choose_quotes(MARKET, books(locked, crossed))
    assert kept["bid_px"].to_list() == bids
    assert counts == {"locked": {"count": 2, "treat": locked}, "crossed": {"count": 1, "treat": crossed}}


def test_of_no_quotes_none_is_locked():
    assert choose_quotes(MARKET.clear(), books("exclude", "exclude"))[1]["locked"]["count"] == 0
