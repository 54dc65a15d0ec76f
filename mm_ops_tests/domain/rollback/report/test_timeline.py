from mm_ops.domain.rollback.report.timeline import tell_timeline
from mm_ops_tests.stories import action, after, resume, stop, story


def told(one: object) -> list[tuple[float, str]]:
    return [(line.ms, line.what) for line in tell_timeline(one)]  # type: ignore[arg-type]


def test_everything_is_told_in_milliseconds_since_the_alert_was_received():
    assert told(story(stop(actions=(action(),)), resumes=(resume(), resume(minutes=31, confirmed=False)))) == [
        (-90_000.0, "alert started"),
        (0.0, "alert received"),
        (5.0, "decided and journalled: stop paper"),
        (11.0, "halt: asked, attempt 1"),
        (25.0, "halt: read back"),
        (40.0, "confirmed, written down"),
        (1_800_000.0, "resumed to REDUCING by Ada at 2026-11-25T12:30:00Z: the feed is back"),
        (1_860_000.0, "asked to be resumed to REDUCING by Ada at 2026-11-25T12:31:00Z: the feed is back"),
    ]


def test_rounds_are_told_apart_and_an_action_that_left_no_steps_still_shows():
    second = stop(round=2, claimed_at=after(30_000), finished_at=None, confirmed=False, steps=(), actions=(action(),))
    lines = told(story(stop(), second, received_at=None))
    assert (0.0, "round 1: decided and journalled: stop paper") in lines
    assert (5.0, "round 2: halt: asked") in lines
    assert not [what for _, what in lines if what.startswith("round 2: ") and "written down" in what]


def test_an_action_that_was_never_asked_for_is_not_told():
    waiting = stop(steps=(), actions=(action(requested_at=None),))
    assert not [what for _, what in told(story(waiting)) if "asked" in what]
