import pytest

from mm_ops.domain.release.guard import CheckState, find_refusals

EXPECTED = frozenset({"paper/a:one", "paper/b:two"})


def test_every_expected_check_passed_is_the_only_way_through():
    assert find_refusals(dict.fromkeys(EXPECTED, CheckState.PASSED), EXPECTED) == []


@pytest.mark.parametrize("state", [state for state in CheckState if state is not CheckState.PASSED])
def test_any_other_state_refuses_and_names_the_check(state: CheckState):
    (refusal,) = find_refusals({"paper/a:one": CheckState.PASSED, "paper/b:two": state}, EXPECTED)
    assert refusal.startswith("paper/b:two ")


def test_a_check_without_a_record_never_ran():
    assert find_refusals({"paper/a:one": CheckState.PASSED}, EXPECTED) == [
        "paper/b:two never ran for this day; run the checks job"
    ]


def test_a_pass_of_another_check_does_not_stand_in():
    states = {"paper/a:one": CheckState.PASSED, "paper/c:three": CheckState.PASSED}
    assert len(find_refusals(states, EXPECTED)) == 1


def test_nothing_to_judge_is_no_release():
    assert find_refusals({}, frozenset()) != []
