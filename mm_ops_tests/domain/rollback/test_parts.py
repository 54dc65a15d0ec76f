from mm_ops.domain.rollback.parts import Part, Parts, divide, stopped_by, take_part
from mm_ops.domain.rollback.payload import Payload
from mm_ops_tests.rollback_world import POLICY, alert

BOTS = frozenset({"a", "b"})
STOP_A, STOP_B, FOREIGN = alert(bot="a"), alert(bot="b"), alert(bot="c")
WARNING, OVER = alert("SoakWSLagHigh", bot="a"), alert(bot="a", firing=False)


def of(*alerts: object, truncated: int = 0) -> Payload:
    return Payload(alerts=alerts, faults=("one was none",), truncated=truncated, group={"bot": "a"})  # type: ignore[arg-type]


def test_only_a_breach_of_a_bot_of_ours_asks_for_its_stop():
    asked = [stopped_by(one, POLICY, BOTS) for one in (STOP_A, STOP_B, FOREIGN, WARNING, OVER, alert("Never", bot="a"))]
    assert asked == ["a", "b", None, None, None, None]


def test_a_body_of_one_bot_or_of_none_stays_whole():
    assert divide(of(STOP_A, WARNING, FOREIGN), POLICY, BOTS) == [("a", None)]
    assert divide(of(WARNING), POLICY, BOTS) == [(None, None)]
    whole = of(STOP_A, WARNING, truncated=3)
    assert take_part(whole, None, POLICY, BOTS) is whole


def test_a_body_of_two_bots_has_a_part_for_each_and_one_for_the_rest():
    whole = of(STOP_A, WARNING, STOP_B, OVER, FOREIGN, truncated=3)
    divided = divide(whole, POLICY, BOTS)
    assert [bot for bot, _ in divided] == ["a", "b", None]
    a, b, rest = (take_part(whole, part, POLICY, BOTS) for _, part in divided)
    assert (a.alerts, b.alerts, rest.alerts) == ((STOP_A,), (STOP_B,), (WARNING, OVER, FOREIGN))
    assert [(one.truncated, one.faults, dict(one.group)) for one in (a, rest)] == [
        (0, (), {}),
        (3, ("one was none",), {"bot": "a"}),
    ]


def test_a_body_is_dealt_with_when_its_last_part_is():
    parts = Parts(3)
    assert [parts.end_one() for _ in range(3)] == [False, False, True]
    assert Part("a", parts).of is parts
