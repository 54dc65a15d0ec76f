from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.sentinel.runs import Beat, Evidence, Run, Signal, in_order, of_its_day, runs_of
from mm_ops_tests.domain.sentinel.cron_tasks import HOUR, at, run


def beats(*told: tuple[str, str]) -> list[Beat]:
    """``("00:30", "start")`` or ``("00:40", "3")``, an exit status."""
    return [
        Beat(at=at(when), signal=Signal.FAIL if what.isdigit() else Signal(what), exit_status=_exit(what))
        for when, what in told
    ]


def _exit(what: str) -> int | None:
    return int(what) if what.isdigit() else None


@pytest.mark.parametrize(
    ("told", "runs"),
    [
        ([("00:30", "start"), ("00:40", "success")], [run("00:30", "00:40")]),
        ([("00:40", "success")], [run(None, "00:40")]),
        ([("00:30", "start")], [run("00:30")]),
        ([("00:30", "start"), ("00:40", "fail")], [run("00:30", "00:40", "it said that it failed")]),
        ([("00:30", "start"), ("00:40", "3")], [run("00:30", "00:40", "it ended with exit status 3")]),
        # a start whose end was lost stays open, and the next end is of the next start
        ([("00:30", "start"), ("01:30", "start"), ("01:40", "success")], [run("00:30"), run("01:30", "01:40")]),
        # of two at once the later start ends first
        (
            [("00:30", "start"), ("00:31", "start"), ("00:40", "success"), ("00:41", "success")],
            [run("00:31", "00:40"), run("00:30", "00:41")],
        ),
        ([("00:40", "success"), ("00:30", "start")], [run("00:30", "00:40")]),
        ([], []),
    ],
)
def test_signals_become_runs(told: list[tuple[str, str]], runs: list[Run]):
    assert list(runs_of(beats(*told))) == runs


@given(st.lists(st.tuples(st.integers(0, 59), st.sampled_from(list(Signal))), unique_by=lambda one: one[0], max_size=9))
def test_no_signal_is_lost_and_their_order_of_arrival_does_not_matter(told: list[tuple[int, Signal]]):
    signals = [Beat(at=at(f"00:{minute:02}"), signal=signal) for minute, signal in told]
    runs = runs_of(signals)
    assert runs_of(reversed(signals)) == runs
    seen = [moment for one in runs for moment in (one.began_at, one.ended_at) if moment is not None]
    assert sorted(seen) == sorted(beat.at for beat in signals)


def test_what_is_told_twice_is_one_run():
    assert in_order([run("00:30", "00:40"), run("00:30", "00:40")]) == (run("00:30", "00:40"),)


def test_a_run_must_have_begun_or_ended():
    with pytest.raises(ValueError, match="expected a run that began or ended"):
        Run()


def test_then_is_what_was_known_then():
    evidence = Evidence(runs=(run("00:30", "00:40"), run("00:50", "00:55")))
    assert evidence.as_of(at("00:29")).runs == ()
    assert evidence.as_of(at("00:35")).runs == (run("00:30"),)
    assert evidence.as_of(at("00:40")).runs == (run("00:30", "00:40"),)
    assert evidence.as_of(at("00:52")).runs == (run("00:30", "00:40"), run("00:50"))


def test_a_run_that_failed_later_had_not_failed_then():
    assert Evidence(runs=(run("00:30", "00:40", "bad"),)).as_of(at("00:35")).runs == (run("00:30"),)


def test_a_result_counts_for_the_day_that_it_is_of():
    day = at("00:00").date() - timedelta(days=1)
    made = [Run(ended_at=at("00:50"), day=day), Run(ended_at=at("01:30"), day=day), Run(ended_at=at("00:50"))]
    assert of_its_day(made, HOUR) == (made[0],)
