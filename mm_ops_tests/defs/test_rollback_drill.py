"""The drill in Dagster where it is refused, and the check of the last one, with a real journal and a live bot."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
import yaml

from mm_ops.domain.rollback.drill.notes import SUBJECT
from mm_ops_tests.live_paperbot import RunningBot, running
from mm_ops_tests.stopped_site import StoppedSite


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running(tmp_path_factory.mktemp("bot"), speed=1) as started:
        yield started


@pytest.fixture
def site(tmp_path: Path, bot: RunningBot) -> StoppedSite:
    made = StoppedSite(tmp_path, bot.url)
    path = tmp_path / "deploy/policies/bots.yaml"
    fleet = yaml.safe_load(path.read_text())
    fleet["bots"][0]["drill"] = "live"
    path.write_text(yaml.safe_dump(fleet))
    with made.open_journal():
        pass
    return made


def run(site: StoppedSite, job: str, run_id: str | None = None) -> dg.ExecuteInProcessResult:
    with site.instance() as instance:
        definitions = site.location().definitions
        return definitions.resolve_job_def(job).execute_in_process(
            instance=instance, raise_on_error=False, run_id=run_id
        )


def look(site: StoppedSite) -> dg.AssetCheckEvaluation:
    (found,) = run(site, "drill_age").get_asset_check_evaluations()
    return found


def note(site: StoppedSite, at: datetime, **body: Any) -> None:
    with site.open_journal() as journal:
        journal.note_event(SUBJECT, "paper", {"drill": "d1", **body}, at)


def test_a_drill_that_is_refused_fails_its_run_says_why_pages_and_touches_no_bot(site: StoppedSite, bot: RunningBot):
    before = bot.state()["sequence"]
    result = run(site, "fire_drill")
    assert not result.success
    assert not result.get_asset_materialization_events()
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    said = str(failed.step_failure_data)
    assert "paper: the drill shows nothing: alerts: expected what fires now, but nobody could say" in said
    assert bot.state()["sequence"] == before
    with site.open_journal() as journal:
        subjects = [record["subject"] for record in journal.records_after(0)]
        told = [str(record["body"]) for record in journal.records_after(0) if record["subject"] == "told"]
    assert SUBJECT not in subjects
    assert any("DRILL paper: the drill shows nothing" in one for one in told)


def test_a_run_that_was_killed_and_goes_on_begins_no_second_drill(site: StoppedSite, bot: RunningBot):
    run_id, at = str(uuid4()), datetime.now(UTC) - timedelta(minutes=10)
    why = f"the weekly drill, Dagster's run {run_id[:8]}"
    note(site, at, event="asked", by="ada", why=why, until=(at + timedelta(minutes=2)).isoformat())
    note(site, at, event="closed")
    before = bot.state()["sequence"]
    (failed,) = [event for event in run(site, "fire_drill", run_id).all_events if event.is_step_failure]
    assert f"d1: asked for already by {why}, which was cut off" in str(failed.step_failure_data)
    assert bot.state()["sequence"] == before
    (other,) = [event for event in run(site, "fire_drill").all_events if event.is_step_failure]
    assert "asked for already" not in str(other.step_failure_data)  # it is refused for what it would begin on


def test_the_check_reads_the_last_drill_whoever_asked_for_it(site: StoppedSite):
    assert (look(site).passed, "no drill was ever begun" in str(look(site).description)) == (False, True)
    now = datetime.now(UTC)
    note(site, now, event="asked", by="ada", why="the weekly one", until=now.isoformat())
    assert "it has no end" in str(look(site).description)
    ended = {"event": "ended", "reasons": [], "detect_to_halt_ms": 80.0}
    note(site, now, **ended, verdict="pass")
    good = look(site)
    assert (good.passed, good.severity) == (True, dg.AssetCheckSeverity.ERROR)
    assert good.metadata["value"].value == 80.0
    site.edit("drill.yaml", budget={"length": "50ms", "source": "made up for a test"})
    assert not look(site).passed


def test_an_old_drill_and_a_journal_that_is_not_there_are_inconclusive(site: StoppedSite):
    old = datetime.now(UTC) - timedelta(days=9)
    note(site, old, event="asked", by="ada", why="the weekly one", until=old.isoformat())
    note(site, old, event="ended", reasons=[], detect_to_halt_ms=80.0, verdict="pass")
    found = look(site)
    assert (found.passed, found.metadata["verdict"].value) == (False, "inconclusive")
    assert "older than 192h" in str(found.description)
    for file in site.journal.parent.glob("journal.sqlite*"):
        file.unlink()
    assert "no journal there" in str(look(site).description)


def test_only_a_bot_that_may_be_drilled_has_one_and_the_schedules_are_the_policys(site: StoppedSite):
    definitions = site.location().definitions
    drilled = [key for key in definitions.resolve_asset_graph().get_all_asset_keys() if key.path[-1] == "fire_drill"]
    assert drilled == [dg.AssetKey(["paper", "fire_drill"])]
    crons = {
        one.name: one.cron_schedule for one in definitions.schedules or () if isinstance(one, dg.ScheduleDefinition)
    }
    assert crons["fire_drill_schedule"] == "0 9 * * 2"
    assert crons["drill_age_schedule"] == "30 9 * * *"
    off = {
        one.name: one.default_status for one in definitions.schedules or () if isinstance(one, dg.ScheduleDefinition)
    }
    assert off["fire_drill_schedule"] is dg.DefaultScheduleStatus.STOPPED
    nightly, checks = (definitions.resolve_job_def(name) for name in ("nightly", "checks"))
    assert drilled[0] not in nightly.asset_layer.executable_asset_keys
    assert not [key for key in checks.asset_layer.asset_graph.asset_check_keys if key.name == "last_drill"]


def test_a_fleet_that_may_not_be_drilled_has_neither_job_nor_schedule(site: StoppedSite):
    path = site.root / "deploy/policies/bots.yaml"
    path.write_text(path.read_text().replace("drill: live", "drill: never"))
    definitions = site.location().definitions
    assert not [one.name for one in definitions.schedules or () if "drill" in one.name]
    assert not [job for job in definitions.jobs or () if "drill" in job.name]
