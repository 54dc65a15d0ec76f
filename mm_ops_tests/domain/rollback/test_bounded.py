import multiprocessing
import threading

import pytest

from mm_ops.domain.errors import EffectNotConfirmedError, SourceUnavailableError
from mm_ops.domain.rollback.bounded import call_within, start, together


def test_an_answer_in_time_is_the_answer():
    assert call_within(lambda: 7, 5) == 7


def test_an_error_is_an_answer_too():
    def refuse() -> int:
        raise EffectNotConfirmedError("no")

    found = call_within(refuse, 5)
    assert isinstance(found, EffectNotConfirmedError)


def test_a_fault_of_an_adapter_is_a_source_that_did_not_answer():
    found = call_within(lambda: 1 // 0, 5)
    assert isinstance(found, SourceUnavailableError)
    assert str(found) == "ZeroDivisionError: integer division or modulo by zero"


def test_what_hangs_is_left_behind():
    for seconds in (0.01, 0, -1):
        release = threading.Event()
        found = call_within(release.wait, seconds)
        release.set()
        assert isinstance(found, SourceUnavailableError)
        assert "expected an answer within" in str(found)


def test_what_is_called_together_runs_at_once_and_answers_in_order():
    meet = threading.Barrier(3, timeout=60)
    assert together([lambda n=n: (meet.wait(), n)[1] for n in range(3)]) == [0, 1, 2]  # type: ignore[misc]
    assert together([]) == []


def test_what_one_raised_is_raised_when_the_others_have_ended():
    ended: list[int] = []
    with pytest.raises(EffectNotConfirmedError, match="no"):
        together([refuses, lambda: ended.append(1)])
    assert ended == [1]


def refuses() -> None:
    raise EffectNotConfirmedError("no")


def test_what_is_started_runs_beside():
    done = threading.Event()
    start(done.set)
    assert done.wait(5)


def test_a_thread_that_has_become_free_is_used_again_and_one_that_is_busy_is_not():
    used: list[int] = []

    def note() -> None:
        used.append(threading.get_ident())

    release, first = threading.Event(), threading.Event()

    def busy() -> None:
        note()
        first.set()
        release.wait(20)

    start(busy)
    assert first.wait(20)
    for _ in range(200):
        assert call_within(note, 20) is None
    release.set()
    assert used[0] not in used[1:]
    assert len(set(used)) < 100


def test_more_than_are_kept_may_run_at_once():
    together = threading.Barrier(41)
    for _ in range(40):
        start(lambda: (together.wait(20), None)[1])
    together.wait(20)
    assert call_within(lambda: 7, 20) == 7


def test_a_process_that_was_forked_starts_its_own():
    context = multiprocessing.get_context("fork")
    assert call_within(lambda: 7, 20) == 7
    parent, child = context.Pipe()
    process = context.Process(target=lambda: child.send(call_within(lambda: 8, 20)))
    process.start()
    assert parent.poll(30)
    assert parent.recv() == 8
    process.join(20)
