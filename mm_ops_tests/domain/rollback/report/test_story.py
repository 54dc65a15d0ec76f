from datetime import UTC, datetime

import pytest

from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.report.story import StopRecord, start_in
from mm_ops_tests.stories import EPISODE, UNCONFIRMED, resume, standing, stop, story


@pytest.mark.parametrize(
    ("one", "answer"),
    [
        (stop(), "confirmed"),
        (stop(**UNCONFIRMED), "unconfirmed"),
        (stop(finished_at=None, confirmed=False), "not ended"),
    ],
)
def test_a_stop_has_one_of_three_answers(one: StopRecord, answer: str):
    assert one.answer == answer


def test_the_last_round_and_the_last_step_that_was_read_back_count():
    assert story(stop(), stop(round=2)).last.round == 2
    asked = resume(TradingState.ACTIVE, minutes=40, confirmed=False)
    assert standing(resumes=(resume(), asked)).resumed == resume()
    assert standing(resumes=(asked,)).resumed is None


def test_an_episode_names_its_start():
    assert start_in(EPISODE) == datetime(2026, 11, 25, 11, 58, 30, tzinfo=UTC)
