from dataclasses import replace

from mm_ops.domain.notify.delivery import Send
from mm_ops.domain.notify.message import MOST_LETTERS, compose, trial
from mm_ops.domain.notify.notice import About, Told
from mm_ops_tests.domain.notify.notices import NOW, POLICY, waiting

ABOUT = About(
    bot="paper",
    alert="SoakLatencyP95High",
    episode="e",
    evidence="limit ≤ 150 ms",
    state="HALTED, scale 0",
    todo="find the cause",
    runbook="deploy/runbooks/SoakLatencyP95High.md",
)


def test_one_notice_says_what_happened_the_evidence_the_state_what_to_do_and_where_it_is_written():
    message = compose(Send((waiting(1, "paper: tick was 204 ms", about=ABOUT),)), POLICY, NOW)
    assert message.title == "PAGE paper: tick was 204 ms"
    assert message.text.splitlines() == [
        "paper: tick was 204 ms",
        "evidence: limit ≤ 150 ms",
        "state: HALTED, scale 0",
        "to do: find the cause",
        "runbook: deploy/runbooks/SoakLatencyP95High.md",
        "at: 2026-11-25T12:00:00Z",
    ]
    assert (message.count, message.late, message.about) == (1, False, ABOUT)


def test_a_runbook_becomes_a_link_where_the_policy_says_where_they_are():
    linked = replace(POLICY, runbooks="https://git.example.org/")
    text = compose(Send((waiting(1, about=ABOUT),)), linked, NOW).text
    assert "runbook: https://git.example.org/deploy/runbooks/SoakLatencyP95High.md" in text
    whole = replace(ABOUT, runbook="https://wiki.example.org/x")
    assert "runbook: https://wiki.example.org/x" in compose(Send((waiting(1, about=whole),)), linked, NOW).text
    assert "runbook" not in compose(Send((waiting(1),)), linked, NOW).text


def test_a_repeated_notice_says_how_often():
    told = (waiting(1, "paper: slow", ago=60), waiting(2, "paper: slow", ago=1))
    assert "said 2 times, the last at 2026-11-25T11:59:59Z" in compose(Send(told), POLICY, NOW).text


def test_many_notices_are_listed_counted_and_cut():
    told = [*(waiting(number) for number in range(1, 31)), waiting(31, "paper: 3")]
    message = compose(Send(tuple(told)), POLICY, NOW)
    assert message.title == "PAGE 31 notices, the first: paper: 1"
    lines = message.text.splitlines()
    assert lines[0] == ("31 notices since 2026-11-25T12:00:00Z, 30 different; what is grave comes first")
    assert lines[3] == "- paper: 3 (2 times)"
    assert len(lines) == 22
    assert lines[-1].startswith("- and 10 more: ")
    assert len(message.every) == 30


def test_what_waited_or_was_left_by_a_former_process_is_late():
    for one in (waiting(1, ago=121), waiting(1, ago=5, former=True)):
        message = compose(Send((one,)), POLICY, NOW)
        assert message.late
        assert message.title == "LATE PAGE paper: 1"
        assert "LATE: 1 waited, the oldest for " in message.text
    assert not compose(Send((waiting(1, ago=120),)), POLICY, NOW).late


def test_what_was_held_back_is_counted():
    message = compose(Send((waiting(1),), (waiting(2), waiting(3))), POLICY, NOW)
    assert message.text.splitlines()[-1] == "held back since the last message: 2 repeats of what was told"


def test_the_team_is_not_paged_unless_somebody_on_call_is_concerned():
    team = waiting(1, told=Told.TEAM)
    assert compose(Send((team,)), POLICY, NOW).title == "note paper: 1"
    assert compose(Send((team, waiting(2))), POLICY, NOW).told is Told.ONCALL


def test_long_words_are_cut_and_lines_stay_lines():
    message = compose(Send((waiting(1, "a\nb" + "c" * 5000),)), POLICY, NOW)
    assert len(message.title) == 150
    assert len(message.text.splitlines()[0]) == MOST_LETTERS
    assert message.text.startswith("a bc")


def test_what_is_said_again_and_again_is_not_late_while_it_goes_on():
    told = tuple(waiting(number, "paper: slow", ago=600 - 60 * number) for number in range(1, 10))
    message = compose(Send(told), POLICY, NOW)
    assert not message.late
    assert "said 9 times" in message.text


def test_a_trial_says_that_it_is_one():
    message = trial("pager", NOW)
    assert message.title.startswith("TEST of channel pager at 2026-11-25T12:00:00Z")
    assert "nothing is to be done" in message.text
