"""Drills that the asset itself holds on a live bot, and a test run that it fetches: through Dagster, over real HTTP."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from mm_ops.adapters.evidence import CHAOS_DRILL, TEST_RESULTS
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.runs import run_assets
from mm_ops.domain.readiness.evidence import DayReports, read_day
from mm_ops_tests.conftest import LAST
from mm_ops_tests.hostile_server import answer, hostile, says
from mm_ops_tests.live_paperbot import running
from mm_ops_tests.site import Deployment

KEYS = BotKeys("paper")
CASES = "".join(f'<testcase name="{n}"/>' for n in range(9))
JUNIT = f'<testsuite timestamp="2026-11-20T10:00:00Z">{CASES}</testsuite>'


def configured(folder: Path, **fields: Any) -> Deployment:
    """A deployment without any recording, whose bot has these fields, and that holds two short drills."""
    deployment = Deployment(folder, {"paper": folder / "nothing"})
    bots = yaml.safe_load(deployment.policy("bots.yaml").read_text(encoding="utf-8"))
    bots["bots"][0] |= fields
    deployment.policy("bots.yaml").write_text(yaml.safe_dump(bots), encoding="utf-8")
    chaos = yaml.safe_load(deployment.policy("chaos.yaml").read_text(encoding="utf-8"))
    chaos["drills"] = [one for one in chaos["drills"] if one["name"] in {"feed_cut", "deafness"}]
    for drill in chaos["drills"]:
        drill["lasts"] = [0.5, 0.6]
    deployment.policy("chaos.yaml").write_text(yaml.safe_dump(chaos), encoding="utf-8")
    return deployment


def made(deployment: Deployment, asset: str, *, days_ago: int = 0) -> str:
    """Make an asset of the last day, or of one before; gives back why not."""
    key = getattr(KEYS, asset)
    with deployment.instance() as instance:
        definitions = deployment.location().definitions
        outcome = run_assets(definitions, instance, "paper", LAST - timedelta(days=days_ago), [key])
    return outcome.refusals.get(key, "")


def test_drills_are_held_on_the_live_bot_and_count_for_its_day(tmp_path: Path):
    with running(tmp_path, "--allow-faults", speed=10) as bot:
        deployment = configured(tmp_path / "site", chaos={"url": bot.url})
        assert made(deployment, "chaos_drill") == ""
        assert bot.state()["trading_state"] == "ACTIVE"
    evidence = deployment.evidence()
    stored = evidence.read_json(evidence.report(LAST, CHAOS_DRILL))
    assert (stored["kind"], stored["date"], stored["outcome"]) == ("live", "2026-11-20", "ok")
    assert [one["drill"] for one in stored["drills"]] == ["feed_cut", "deafness"]
    assert all(seen is not None for seen in stored["observed"].values())
    reports = DayReports(edge=None, soak={"ran": "1.0.0", "day": {"slis": {}}}, chaos=stored, tests=None)
    judged = read_day(LAST, reports, deployment.location().shape.readiness, version="1.0.0", symbols=())
    assert judged.chaos_ok is True


def test_a_broken_entry_of_another_bot_keeps_no_embedded_drill_from_being_held(tmp_path: Path):
    deployment = configured(tmp_path / "site", chaos={})
    location = deployment.location()
    path = deployment.policy("bots.yaml")
    fleet = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**fleet, "bots": [*fleet["bots"], {"name": "mm2"}]}))
    with deployment.instance() as instance:
        outcome = run_assets(location.definitions, instance, "paper", LAST, [KEYS.chaos_drill])
    assert outcome.refusals == {}


def test_a_bot_that_does_not_answer_and_a_day_long_ago_have_no_drill(tmp_path: Path):
    deployment = configured(tmp_path / "site", chaos={"url": "http://127.0.0.1:9"})
    policy = deployment.policy("chaos.yaml")
    policy.write_text(policy.read_text(encoding="utf-8").replace("settles_within: 60", "settles_within: 1"))
    assert "no drill could be held: the bot does not quote within 1 s" in made(deployment, "chaos_drill")
    assert made(deployment, "chaos_drill", days_ago=2) == (
        "no drill can be held for 2026-11-18 any more: it ended 48 h ago, at most 36h may pass (chaos.yaml)"
    )
    assert not deployment.evidence().has(deployment.evidence().report(LAST, CHAOS_DRILL))


def test_a_bot_that_trades_is_not_drilled_by_the_asset(tmp_path: Path):
    control = {"kind": "http", "url": "http://127.0.0.1:9"}
    deployment = configured(tmp_path / "site", chaos={"url": "http://127.0.0.1:9"}, control=control)
    assert "paper is controlled there (bots.yaml)" in made(deployment, "chaos_drill")


def test_a_test_run_is_fetched_from_the_url_of_its_day(tmp_path: Path):
    with hostile(says(answer(JUNIT)), says(answer("<html/>"))) as (url, heads):
        deployment = configured(tmp_path / "site", tests={"at": f"{url}/{{day}}/junit.xml"})
        assert made(deployment, "test_results") == ""
        assert heads[0].startswith("GET /2026-11-20/junit.xml ")
        evidence = deployment.evidence()
        before = evidence.read(evidence.report(LAST, TEST_RESULTS))
        assert json.loads(before)["passed"] == 9
        assert "expected testsuite or testsuites, was html" in made(deployment, "test_results")
        assert evidence.read(evidence.report(LAST, TEST_RESULTS)) == before
