import threading

from mm_ops.domain.errors import EffectNotConfirmedError, SourceUnavailableError
from mm_ops.domain.rollback.bounded import call_within, start


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


def test_what_is_started_runs_beside():
    done = threading.Event()
    start(done.set)
    assert done.wait(5)
