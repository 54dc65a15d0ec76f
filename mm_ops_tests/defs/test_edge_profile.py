"""The sensor, the asset and its checks through a real instance: a live paper bot, a real journal, recorded samples."""

import copy
import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from mm_ops.adapters.bot import HttpBot
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.sentinel.edge_record import find_history
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.errors import IntegrityError
from mm_ops.domain.rollback.bot import SetProfile, SetTradingState, TradingState
from mm_ops.domain.sentinel.edge_history import EdgeHistory
from mm_ops.domain.sli.series import Series
from mm_ops.domain.windows import to_ns
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.stopped_site import StoppedSite

KEY = BotKeys("paper").edge_profile
DAY = datetime(2026, 11, 24, tzinfo=UTC)
WINDOW = timedelta(minutes=30)
WITHIN = timedelta(seconds=5)
FAST = {"-": -1.0, "+": 2.0, "n": math.nan}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running(tmp_path_factory.mktemp("bot"), "--allow-faults", speed=20) as one:
        yield one


@dataclass
class EdgeSite(StoppedSite):
    """A site whose windows are written as text from midnight on, one letter each, and ``.`` for none."""

    def lay(self, text: str, state: str = "ACTIVE", profile: str = "base") -> None:
        """Record the windows, and let it be two minutes after the last one."""
        ends = [DAY + WINDOW * (n + 1) for n, letter in enumerate(text) if letter != "."]
        times = np.array([to_ns(end - timedelta(seconds=15)) for end in ends], dtype=np.int64)
        fast = np.array([FAST[letter] for letter in text if letter != "."])
        one = np.ones(times.size)
        self.record(
            [
                Series("mm_edge_bps_ema1h", {}, times, fast),
                Series("mm_edge_bps_ema24h", {}, times, one * 2.5),
                Series("mm_position", {"symbol": "AAA-USDT"}, times, one),
                Series("mm_profile", {"profile": profile}, times, one),
                Series("mm_trading_state", {"state": state}, times, one),
            ],
            DAY,
        )
        self.now = DAY + WINDOW * len(text) + timedelta(minutes=2)

    def asks(self, instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
        return self.tick(instance, cursor, "edge_ema")

    def make(self, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
        job = self.location().definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(instance=instance, asset_selection=[KEY], raise_on_error=False)

    def look(self, instance: dg.DagsterInstance, text: str, **options: str) -> dg.ExecuteInProcessResult:
        """Let windows pass one by one, each with a look."""
        for n in range(len(text)):
            self.lay(text[: n + 1], **options)
            result = self.make(instance)
        return result

    @property
    def file(self) -> Path:
        return self.root / "var/artifacts/paper/edge/edge_profile.json"

    def history(self) -> EdgeHistory:
        return EdgeHistory.load(json.loads(self.file.read_text(encoding="utf-8")), "file")

    def notes(self, subject: str = "edge_profile") -> list[dict[str, Any]]:
        with self.open_journal() as journal:
            return [one["body"] for one in reversed(journal.notes(subject, "paper"))]

    def pages(self, subject: str = "told") -> list[str]:
        with self.open_journal() as journal:
            return [json.dumps(one["body"]) for one in journal.notes(subject, "oncall")]


@pytest.fixture
def bot(live: RunningBot) -> RunningBot:
    live.faults()
    control = HttpBot(live.url, timeout=WITHIN, attempt=WITHIN)
    if live.state()["trading_state"] == "HALTED":
        control.apply(SetTradingState(TradingState.REDUCING), datetime.now(UTC).isoformat())
    control.apply(SetTradingState(TradingState.ACTIVE), datetime.now(UTC).isoformat())
    control.apply(SetProfile("base"), datetime.now(UTC).isoformat())
    return live


@pytest.fixture
def site(bot: RunningBot, tmp_path: Path) -> EdgeSite:
    return EdgeSite(tmp_path / "site", bot.url)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {one.check_name: one.passed for one in result.get_asset_check_evaluations()}


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = result.get_asset_materialization_events()
    made = event.step_materialization_data.materialization
    return {name: value.value for name, value in made.metadata.items()}


def test_three_windows_below_switch_the_bot_and_it_is_all_written_down(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        result = site.look(instance, "+---")
    state = bot.state()
    assert (state["profile"], state["profile_settings"]["spread_factor"]) == ("conservative", 1.5)
    assert [one["is"] for one in site.notes()] == ["requested", "confirmed"]
    assert site.notes()[0]["reason"] == "ema1h below 0 bps in 3 windows in a row"
    shown = metadata(result)
    assert shown["marker"] == "| edge policy | APPLIED | EDGE_POLICY_APPLIED=conservative |"
    assert (shown["answer"], shown["profile"], shown["ema1h"]) == ("degrade", "conservative", -1.0)
    assert "data:image/svg+xml" in shown["charts"]
    assert "degrade" in shown["report"]
    assert checks(result) == {"profile_applied": True, "gauges_agree": False}
    assert result.success


def test_a_broken_entry_of_another_bot_keeps_no_profile_from_being_switched(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "+--")
        site.lay("+---")
        job = site.location().definitions.resolve_implicit_global_asset_job_def()
        site.break_entry("idle")
        assert job.execute_in_process(instance=instance, asset_selection=[KEY]).success
    assert bot.state()["profile"] == "conservative"


def test_it_recovers_after_the_dwell_and_never_before(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "---+++")
        assert bot.state()["profile"] == "conservative"
        site.look(instance, "---++++")
    assert bot.state()["profile"] == "moderate"
    assert [one["profile"] for one in site.notes() if one["is"] == "confirmed"] == ["conservative", "moderate"]


def test_a_window_that_is_looked_at_again_changes_nothing_but_the_revision(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "---")
        before, sequence = site.history(), bot.state()["sequence"]
        site.make(instance)
        assert site.asks(instance).run_requests == []
    after = site.history()
    assert (after.rows, after.state, after.revision) == (before.rows, before.state, before.revision + 1)
    assert bot.state()["sequence"] == sequence
    assert len(site.notes()) == 2


def test_a_look_between_two_windows_leaves_a_pin_that_was_made_since(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "---")
        assert bot.state()["profile"] == "conservative"
        made, until = DAY + 3 * WINDOW + timedelta(minutes=1), DAY + 6 * WINDOW
        pin = {"profile": "moderate", "by": "ann", "reason": "the venue's maker day", "at": made, "until": until}
        with site.open_journal() as journal:
            journal.note_event("edge_pin", "paper", pin, made)
        site.make(instance)
        assert bot.state()["profile"] == "moderate"
        assert site.notes()[-2]["reason"].startswith("pinned to moderate by ann until")
        site.lay("---+")
        site.make(instance)
    assert (bot.state()["profile"], site.history().state.pinned) == ("moderate", "moderate")


def test_a_pin_that_cannot_be_read_any_more_is_not_loosened(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "---")
        made, until = DAY + 3 * WINDOW + timedelta(minutes=1), DAY + 30 * WINDOW
        pin = {"profile": "conservative", "by": "ann", "reason": "the venue's maker day", "at": made, "until": until}
        with site.open_journal() as journal:
            journal.note_event("edge_pin", "paper", pin, made)
        with closing(sqlite3.connect(site.journal)) as cut, cut:
            cut.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
        site.look(instance, "---++++")
    assert bot.state()["profile"] == "conservative"
    history = site.history()
    assert (history.state.profile, history.effect and history.effect.asked) == ("conservative", False)


def test_the_sensor_asks_once_a_window_with_the_same_key_until_it_was_counted(site: EdgeSite):
    site.lay("++")
    with site.instance() as instance:
        first = site.asks(instance)
        again = site.asks(instance, first.cursor)
        assert [one.run_key for one in first.run_requests] == ["paper/2026-11-24T01:00:00Z/0"]
        assert [one.run_key for one in again.run_requests] == ["paper/2026-11-24T01:00:00Z/0"]
        assert first.run_requests[0].tags["mm_ops/window_end"] == "2026-11-24T01:00:00Z"
        site.make(instance)
        done = site.asks(instance, again.cursor)
        assert done.run_requests == []
        assert "paper: counted up to 2026-11-24T01:00:00Z, profile its own" in str(done.skip_message)
        site.lay("+++")
        assert [one.run_key for one in site.asks(instance, done.cursor).run_requests] == [
            "paper/2026-11-24T01:30:00Z/1"
        ]


def test_cursor_and_history_agree_after_a_restart_and_a_lost_cursor_asks_for_nothing_twice(site: EdgeSite):
    site.lay("+")
    with site.instance() as instance:
        cursor = site.asks(instance).cursor
        site.make(instance)
    with site.instance() as instance:  # another process: another handle on the same storage
        history, _ = find_history(instance, site.location().site, site.bot(), lambda _: None)
        kept = json.loads(str(cursor))["paper"]
        assert kept["window"] == f"{history.state.last:%Y-%m-%dT%H:%M:%SZ}"
        assert kept["revision"] + 1 == history.revision
        assert site.asks(instance, None).run_requests == site.asks(instance, cursor).run_requests == []


def test_a_daemon_that_stood_for_a_day_asks_for_one_run_and_that_pages_once(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "--")
        site.now = DAY + timedelta(days=1, hours=1, minutes=2)
        asked = site.asks(instance, None).run_requests
        assert len(asked) == 1
        result = site.make(instance)
        assert bot.state()["profile"] == "base"
        assert site.asks(instance, None).run_requests == []
    (page,) = [one for one in site.pages() if "edge sentinel" in one]
    assert "windows of ema1h were not seen" in page
    assert result.success
    assert [row.answer.value for row in site.history().rows[2:]] == ["record"] * 3


def test_a_bot_that_is_halted_is_only_recorded(site: EdgeSite, bot: RunningBot):
    bot.put("/trading-state", datetime.now(UTC).isoformat(), trading_state="HALTED")
    with site.instance() as instance:
        site.look(instance, "---")
    state = bot.state()
    assert (state["profile"], state["trading_state"]) == ("base", "HALTED")
    assert [row.answer.value for row in site.history().rows] == ["record"] * 3
    assert site.notes() == []


def test_a_bot_that_does_not_answer_at_the_switch_is_paged_and_asked_again(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "--")
        dead = copy.copy(site)
        dead.url = f"http://127.0.0.1:{free_port()}"
        _point(dead)
        dead.lay("---")
        result = dead.make(instance)
        assert not result.success
        assert checks(result)["profile_applied"] is False
        history = dead.history()
        assert (history.state.profile, history.pending) == ("conservative", True)
        assert "was unknown: " in str(history.effect and history.effect.reason)
        assert [one["is"] for one in dead.notes()] == ["requested", "unconfirmed"]
        assert sum("is not confirmed" in one for one in dead.pages()) == 1
        assert "profile conservative is not confirmed" in str(dead.asks(instance).skip_message)
        dead.now = datetime.now(UTC) + timedelta(minutes=6)
        assert len(dead.asks(instance).run_requests) == 1
        site.now = dead.now
        _point(site)
        site.lay("---")
        assert site.make(instance).success
        assert bot.state()["profile"] == "conservative"
        assert not site.history().pending
        assert sum("is not confirmed" in one for one in site.pages()) == 1


def _point(site: EdgeSite) -> None:
    path = site.root / "deploy/policies/bots.yaml"
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(f"    url: {site.url}" if "url: http" in one else one for one in text) + "\n")


def test_a_bot_that_was_set_otherwise_by_hand_is_asked_again(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "---")
        bot.put("/profile", datetime.now(UTC).isoformat(), profile="moderate")
        site.lay("----")
        site.make(instance)
    assert bot.state()["profile"] == "conservative"
    assert site.notes()[2]["reason"] == "it should trade by this profile, and does not"


def test_a_profile_outside_its_limits_stops_the_run_with_one_line_and_the_bot_is_left_alone(
    site: EdgeSite, bot: RunningBot
):
    path = site.root / "deploy/policies/profiles.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("spread_factor_delta: 0.5", "spread_factor_delta: 9.5"))
    with site.instance() as instance:
        site.lay("---")
        result = site.make(instance)
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    words = "profiles: conservative: spread_factor: expected 0.5 to 3, was 10.5 (base 1 +9.5)"
    assert words in str(failure.step_failure_data.user_failure_data)
    assert bot.state()["profile"] == "base"


def test_a_bot_that_lies_about_its_profile_is_not_believed(site: EdgeSite, bot: RunningBot):
    bot.faults(lie=True)
    with site.instance() as instance:
        result = site.look(instance, "---")
    assert not result.success
    assert site.history().pending
    assert bot.state()["profile"] == "base"


def test_a_history_that_lacks_is_taken_from_dagsters_record(site: EdgeSite, bot: RunningBot):
    with site.instance() as instance:
        site.look(instance, "---")
        state = site.history().state
        site.file.unlink()
        site.lay("---+")
        site.make(instance)
        after = site.history()
    assert (after.state.profile, after.state.since, len(after.rows)) == ("conservative", state.since, 1)
    assert bot.state()["profile"] == "conservative"


def test_a_history_that_was_changed_is_refused_and_one_that_was_only_written_is_not(site: EdgeSite):
    with site.instance() as instance:
        site.look(instance, "--")
        stored = json.loads(site.file.read_text(encoding="utf-8"))
        where = site.location().site
        find_history(instance, where, site.bot(), lambda _: None)
        recorded = json.loads(json.dumps(stored))
        recorded["state"]["below"] = 0
        site.file.write_bytes(encode(recorded))
        with pytest.raises(IntegrityError, match="altered since it was materialised"):
            find_history(instance, where, site.bot(), lambda _: None)
        assert "altered since it was materialised" in str(site.asks(instance).skip_message)
        recorded["previous"] = digest(encode(stored))
        site.file.write_bytes(encode(recorded))  # killed between the file and its record
        history, _ = find_history(instance, where, site.bot(), lambda _: None)
        assert history.state.below == 0


def test_where_nothing_is_recorded_yet_nothing_is_asked_for(site: EdgeSite):
    site.now = DAY + timedelta(hours=1)
    with site.instance() as instance:
        answer = site.asks(instance)
    assert answer.run_requests == []
    assert "no samples of today are recorded in samples_of_it" in str(answer.skip_message)
