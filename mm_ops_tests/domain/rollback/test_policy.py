from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rollback.bot import shows
from mm_ops.domain.rollback.policy import COMMANDS, ActionName, RollbackPolicy
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.rollback_world import ACTIVE, HALTED, POLICY

FILE = PROJECT / "deploy/policies/rollback.yaml"
STOP = """response: rollback
    cause: hard
    actions: [halt, scale_to_zero, open_circuit, freeze_orders]
    told: oncall"""


def test_every_action_asks_for_something_that_an_active_bot_does_not_show():
    assert set(COMMANDS) == set(ActionName)
    for command in COMMANDS.values():
        assert shows(HALTED, command)
        assert not shows(ACTIVE, command)


def test_a_run_is_dead_only_after_everything_that_it_may_wait_for():
    """Deadline 5 s, all of it again after a restart of the bot, and 10 s for its orders: 20 s."""
    assert POLICY.attempts.longest == timedelta(seconds=20)


def test_the_alerts_that_stop_are_known_by_name():
    assert POLICY.stopping() == {
        "SoakLatencyP95High",
        "SoakDeadlineMissRate",
        "SoakEdgeDegradation",
        "SoakMDCacheHitRatio",
        "RollbackDrill",
    }
    assert POLICY.rule_of("SoakOther") is None
    assert [rule.name for rule in POLICY.alerts if POLICY.is_drill(rule.name)] == ["RollbackDrill"]
    assert not POLICY.is_drill("SoakOther")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("length: 15m", "length: 0s", "cooldown: length: expected more than 0s"),
        ("rollbacks: 3", "rollbacks: 1", "escalation.rollbacks: Input should be greater than or equal to 2"),
        ("attempt: 1s", "attempt: 6s", "attempts: attempt: expected more than 0s, at most the deadline, 5s"),
        ("attempt: 1s", "attempt: 0s", "attempts: attempt: expected more than 0s"),
        ("strategy_scale: 0.25", "strategy_scale: 1.25", "resume.reducing.strategy_scale: Input should be less"),
        ("name: SoakGuardTrip", "name: Watchdog", "alerts: expected every alert once, was twice: Watchdog"),
        (STOP, "response: rollback\n    cause: hard\n    told: oncall", "actions: expected at least one for rollback"),
        (STOP, STOP.replace("halt, ", ""), "actions: expected halt among them"),
        ("told: team", "told: team\n    confirm: prometheus", "confirm: expected none: only an alert that stops a bot"),
        ("told: team", "told: team\n    drill: true", "drill: expected a hard cause that stops a bot"),
        ("every: 5s", "every: 0s", "backstop: every: expected more than 0s"),
        ("timeout: 2s", "timeout: 0s", "backstop: timeout: expected more than 0s"),
        (
            "every: 5s",
            "every: 10s",
            "backstop: heard_within and every: expected less than blind_after, 1m30s, together",
        ),
        (STOP, STOP.replace("halt", "halt, halt"), "actions: expected every action once"),
        (STOP, f"{STOP}\n    caused_by_halt: true", "caused_by_halt: expected false for an alert that stops a bot"),
        (STOP, STOP.replace("oncall", "team"), "told: expected oncall for rollback"),
        (STOP, STOP.replace("\n    told: oncall", ""), "told: expected oncall or team for rollback"),
        (STOP, STOP.replace("hard", "soft"), "confirmations: expected some for a soft cause that stops a bot"),
        (STOP, f"{STOP}\n    confirmations: {{needed: 1, of: 2}}", "confirmations: expected none: only a soft cause"),
        ("response: heartbeat", "response: heartbeat\n    told: team", "told: expected nobody for heartbeat"),
        ("response: heartbeat", "response: heartbeat\n    actions: [halt]", "actions: expected none for heartbeat"),
        (
            STOP,
            f"{STOP.replace('hard', 'soft')}\n    confirmations: {{needed: 3, of: 2}}",
            "confirmations: needed: expected at most 2, as `of` says, was 3",
        ),
    ],
    ids=lambda text: text if len(text) < 50 else "",
)
def test_what_would_not_stop_a_bot_or_stop_it_too_easily_is_refused(tmp_path: Path, old: str, new: str, message: str):
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "rollback.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        read_policy(path, RollbackPolicy)
    assert message in str(refused.value)
    assert str(refused.value).startswith(f"{path}:")


def test_a_soft_cause_may_stop_a_bot_when_it_is_confirmed(tmp_path: Path):
    soft = f"{STOP.replace('hard', 'soft')}\n    confirmations: {{needed: 2, of: 3}}"
    path = tmp_path / "rollback.yaml"
    path.write_text(FILE.read_text(encoding="utf-8").replace(STOP, soft, 1), encoding="utf-8")
    rule = read_policy(path, RollbackPolicy).rule_of("SoakLatencyP95High")
    assert rule is not None
    assert rule.confirmations is not None
    assert (rule.confirmations.needed, rule.confirmations.of) == (2, 3)


@pytest.mark.parametrize("change", [lambda: replace(POLICY, alerts=())], ids=["no alert at all"])
def test_a_policy_that_can_do_nothing_is_refused(change: Callable[[], RollbackPolicy]):
    with pytest.raises(ValueError, match="alerts"):
        change()
