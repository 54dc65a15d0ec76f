"""Drills on the real paper bot, in a process of its own, over HTTP; limits are wide, since the machine may be busy."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from mm_ops.adapters.chaos_bot import ChaosBot
from mm_ops.adapters.chaos_run import ChaosRun
from mm_ops.adapters.environment import WallClock
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.chaos.policy import ChaosPolicy, Drill
from mm_ops.domain.chaos.report import Drilled
from mm_ops_tests.live_paperbot import RunningBot, running
from mm_ops_tests.requirements import PROJECT

POLICY = read_policy(PROJECT / "deploy/policies/chaos.yaml", ChaosPolicy)
SPEED = 10.0


def patient(drill: Drill) -> Drill:
    during, after = ([replace(item, within=500.0) for item in items] for items in (drill.during, drill.after))
    return replace(drill, lasts=(1.0, 2.0), during=tuple(during), after=tuple(after))


def hold(bot: RunningBot, *names: str, policy: ChaosPolicy = POLICY, as_asked: bool = False) -> list[Drilled]:
    chosen = [drill for drill in POLICY.drills if drill.name in names]
    clock = WallClock()
    run = ChaosRun(
        bot=ChaosBot(bot.url, clock.now),
        policy=policy,
        clock=clock,
        seed=7,
        began=clock.now(),
        speed=SPEED,
        say=lambda _: None,
    )
    return run.hold(chosen if as_asked else [patient(drill) for drill in chosen])


def test_every_drill_is_seen_on_the_real_bot_which_then_quotes_again(tmp_path: Path):
    policy = replace(POLICY, settles_within=600.0)
    with running(tmp_path, "--allow-faults", "--state-file", str(tmp_path / "state.json"), speed=SPEED) as bot:
        held = hold(bot, *(drill.name for drill in POLICY.drills), policy=policy)
    assert [(item.drill.name, item.reasons) for item in held] == [(drill.name, []) for drill in POLICY.drills]
    assert held[0].observed["breaker_open_s"] is not None


def test_a_bot_that_keeps_quoting_on_a_dead_feed_fails_its_drill(tmp_path: Path):
    with running(tmp_path, "--allow-faults", "--profile", "degraded", speed=SPEED) as bot:
        held = hold(bot, "feed_cut", as_asked=True)
    assert held[0].observed["breaker_open_s"] is None
    assert "feed_cut: breaker_open_s: expected within 2.5 s, was never seen" in held[0].reasons


def test_a_bot_that_takes_no_faults_is_told_and_nothing_is_done_to_it(tmp_path: Path):
    with running(tmp_path, speed=SPEED) as bot:
        held = hold(bot, "deafness")
    assert held[0].fault is not None
    assert "takes no faults: 404" in held[0].fault


@pytest.mark.parametrize("names", [("feed_cut", "deafness")])
def test_a_bot_that_is_not_there_is_not_drilled(names: tuple[str, ...]):
    gone = RunningBot("http://127.0.0.1:9", None, Path())  # type: ignore[arg-type]
    held = hold(gone, *names, policy=replace(POLICY, settles_within=1.0))
    assert [item.drill.name for item in held] == ["feed_cut"]
    assert held[0].fault == "the bot does not quote within 1 s, so nothing was done to it"


class Interrupted(WallClock):
    """Ctrl-C while a drill waits."""

    def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt(seconds)


def test_a_drill_that_is_interrupted_leaves_the_bot_without_its_faults(tmp_path: Path):
    clock = Interrupted()
    with running(tmp_path, "--allow-faults", speed=SPEED) as bot:
        bot.until(lambda: bot.state()["open_orders"] > 0)
        run = ChaosRun(
            bot=ChaosBot(bot.url, clock.now),
            policy=POLICY,
            clock=clock,
            seed=7,
            began=clock.now(),
            speed=SPEED,
            say=lambda _: None,
        )
        with pytest.raises(KeyboardInterrupt):
            run.hold([patient(POLICY.drills[1])])
        assert requests.get(f"{bot.url}/faults", timeout=10).json() == {}
