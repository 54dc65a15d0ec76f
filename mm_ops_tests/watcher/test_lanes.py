import threading
from dataclasses import replace

from mm_ops.domain.rollback.response import Pending
from mm_ops.watcher.lanes import Lane, Lanes, Load
from mm_ops_tests.rollback_world import NOW


def body(digest: str, seen: int = 1, content: bytes = b"xxx") -> Pending:
    return Pending(digest, content, seen, NOW)


class Worker:
    """Deals with a body only when it may."""

    def __init__(self) -> None:
        self.may, self.begun = threading.Semaphore(0), threading.Semaphore(0)
        self.dealt: list[tuple[str, int]] = []

    def __call__(self, pending: Pending) -> None:
        self.begun.release()
        assert self.may.acquire(timeout=20)
        self.dealt.append((pending.digest, pending.seen))


def test_bodies_are_dealt_with_in_the_order_in_which_they_came():
    work = Worker()
    load = Load()
    lane = Lane("x", work, load)
    for digest in "abc":
        lane.put(body(digest))
    work.may.release(3)
    for _ in range(3):
        assert work.begun.acquire(timeout=20)
    assert lane.close(20)
    assert work.dealt == [("a", 1), ("b", 1), ("c", 1)]


def test_the_same_bytes_wait_once_with_the_highest_count_and_never_run_twice_at_once():
    work = Worker()
    load = Load()
    lane = Lane("x", work, load)
    lane.put(body("a"))
    assert work.begun.acquire(timeout=20)  # a runs; what comes now waits behind it
    for seen in (2, 4, 3):
        lane.put(body("a", seen))
    assert lane.has("a")
    assert load.now == (1, 3)
    work.may.release(2)
    assert work.begun.acquire(timeout=20)
    assert lane.close(20)
    assert work.dealt == [("a", 1), ("a", 4)]
    assert not lane.has("a")


def test_a_closed_lane_finishes_what_runs_and_leaves_the_rest():
    work = Worker()
    load = Load()
    lane = Lane("x", work, load)
    lane.put(body("a"))
    assert work.begun.acquire(timeout=20)
    lane.put(body("b"))
    closing = threading.Thread(target=lane.close, args=(20,))
    closing.start()
    work.may.release(2)
    closing.join(20)
    assert work.dealt == [("a", 1)]
    assert not lane.alive
    assert load.now == (1, 3)


def test_a_lane_that_cannot_end_says_so():
    work = Worker()
    load = Load()
    lane = Lane("x", work, load)
    lane.put(body("a"))
    assert work.begun.acquire(timeout=20)
    assert not lane.close(0.01)
    work.may.release()


def test_a_bot_that_hangs_keeps_no_other_waiting():
    work = Worker()
    lanes = Lanes.open(["slow", "quick"], 2, work)
    lanes.put(body("0" * 64), "slow")
    assert work.begun.acquire(timeout=20)
    for number, bot in enumerate(["quick", None, "foreign"]):
        lanes.put(body(f"{number:08x}"), bot)
        assert work.begun.acquire(timeout=20), bot
    lanes.put(replace(body("f" * 64)), "slow")
    assert lanes.load == (1, 3)
    assert lanes.has("f" * 64)
    assert not lanes.has("e" * 64)
    work.may.release(5)
    assert all(lane.close(20) for lane in lanes.every)


def test_all_lanes_begin_nothing_more_as_soon_as_they_are_closed():
    """None goes on to its next body while another is waited for."""
    work = Worker()
    lanes = Lanes.open(["a", "b"], 1, work)
    for bot in ("a", "b"):
        lanes.put(body(f"{bot}1"), bot)
        assert work.begun.acquire(timeout=20)
        lanes.put(body(f"{bot}2"), bot)
    assert not lanes.close(0.01)
    work.may.release(4)
    assert lanes.close(20)
    assert {digest for digest, _ in work.dealt} == {"a1", "b1"}
