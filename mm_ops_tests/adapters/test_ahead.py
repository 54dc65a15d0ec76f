import threading
from collections.abc import Iterator

import pytest

from mm_ops.adapters.ahead import work_ahead


def test_items_come_in_their_order_and_the_next_is_made_while_one_is_used():
    made: list[int] = []
    second = threading.Event()

    def items() -> Iterator[int]:
        for n in range(3):
            made.append(n)
            if n == 1:
                second.set()
            yield n

    found = []
    for item in work_ahead(items()):
        if item == 0:
            assert second.wait(60), "the second was made before the first was given back"
        found.append(item)
        assert len(made) <= item + 2, "one is made ahead, and not more"
    assert found == [0, 1, 2]


def test_what_the_making_raises_is_raised_after_the_items_before_it():
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    found: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        found.extend(item for item in work_ahead(items()))
    assert found == [1]


def test_of_nothing_nothing_comes():
    assert list(work_ahead(iter(()))) == []
