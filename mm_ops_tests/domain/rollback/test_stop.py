from mm_ops.domain.rollback.decision import RollBack
from mm_ops.domain.rollback.policy import COMMANDS, ActionName
from mm_ops.domain.rollback.stop import plan_stop


def test_the_keys_of_a_stop_are_the_same_however_often_it_is_planned():
    decision = RollBack(bot="paper", round=2, actions=tuple(ActionName), reason="latency")
    stop = plan_stop(decision, "e", "A")
    assert stop == plan_stop(decision, "e", "A")
    assert [action.key for action in stop.actions] == [
        "e/2/halt",
        "e/2/scale_to_zero",
        "e/2/open_circuit",
        "e/2/freeze_orders",
    ]
    assert [action.command for action in stop.actions] == [COMMANDS[name] for name in ActionName]
