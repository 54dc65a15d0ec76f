"""One more of something is made while the last one is used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def work_ahead(items: Iterator[T]) -> Iterator[T]:
    """Give items in their order, the next one made by another thread meanwhile; so two are in memory at once.

    What the making raises is raised here, after the items before it. Whoever stops early waits for the one in work.
    """
    with ThreadPoolExecutor(1) as other:
        end = object()
        coming = other.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = other.submit(next, items, end)
            yield item  # type: ignore[misc]  # it is not the end
