"""Whether the release asks the watcher's journal, and what it takes for a hold; the journals are real."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from mm_ops.adapters.journal_place import DEFAULT
from mm_ops.defs.release.hold import find_promotion_holds
from mm_ops.domain.rollback.decision import Hold, Record, Topic
from mm_ops_tests.rollback_world import alert
from mm_ops_tests.stopped_site import StoppedSite

BLIND = {"blind": True, "reason": "blind: the Watchdog was never heard"}


@pytest.fixture
def site(tmp_path: Path) -> StoppedSite:
    return StoppedSite(tmp_path, "http://127.0.0.1:9")


def setting(site: StoppedSite, **fields: Any) -> None:
    path = site.root / "deploy/policies/bots.yaml"
    fleet = yaml.safe_load(path.read_text())
    fleet["bots"][0] |= fields
    path.write_text(yaml.safe_dump(fleet))


def beat(site: StoppedSite, at: datetime) -> None:
    with site.open_journal() as journal:
        journal.note(alert("Watchdog", bot="", starts_at=at), Record("the heartbeat"), at, at)


def note_blind(site: StoppedSite, **body: Any) -> None:
    with site.open_journal() as journal:
        journal.note_event("blind", "watchdog", {**BLIND, **body}, datetime.now(UTC))


def holds(site: StoppedSite) -> str:
    location = site.location()
    return "; ".join(find_promotion_holds(location.site, location.fleet.bots[0]))


def test_a_watcher_that_hears_holds_nothing_and_one_that_is_blind_or_silent_does(site: StoppedSite):
    beat(site, datetime.now(UTC))
    assert holds(site) == ""
    note_blind(site)
    assert holds(site) == f"held: {BLIND['reason']}"
    note_blind(site, blind=False, reason="the Watchdog is heard again")
    assert holds(site) == ""


def test_a_watcher_that_died_without_a_word_is_missed(site: StoppedSite):
    beat(site, datetime.now(UTC) - timedelta(minutes=10))
    assert "held: the watcher has heard the heartbeat last at" in holds(site)


def test_without_a_journal_it_is_held_unless_no_watcher_is_required(site: StoppedSite):
    assert "held: whether alerts of the bot are heard is not known" in holds(site)
    assert "no journal there" in holds(site)
    setting(site, watcher="optional")
    assert holds(site) == ""
    setting(site, watcher="required", control=None)
    assert holds(site) == ""


def test_a_journal_that_is_there_is_believed_though_no_watcher_is_required(site: StoppedSite):
    setting(site, watcher="optional")
    note_blind(site)
    assert holds(site).startswith(f"held: {BLIND['reason']}; bots.yaml requires no watcher of paper")
    assert str(DEFAULT) in holds(site)


def test_a_journal_that_is_named_or_damaged_and_cannot_be_read_holds(
    site: StoppedSite, monkeypatch: pytest.MonkeyPatch
):
    setting(site, watcher="optional")
    monkeypatch.setenv("MM_OPS_JOURNAL", str(site.root / "elsewhere.sqlite"))
    assert "elsewhere.sqlite: no journal there" in holds(site)
    (site.root / "elsewhere.sqlite").write_bytes(b"this is no database" * 100)
    assert "held: whether alerts of the bot are heard is not known: journal: damaged" in holds(site)


def test_an_alert_that_asks_to_hold_does_so_until_it_is_over(site: StoppedSite):
    now = datetime.now(UTC)
    beat(site, now)
    down = alert("SoakTargetDown", starts_at=now)
    with site.open_journal() as journal:
        journal.note(down, Hold(Topic.FIRING, "not scraped"), now, now)
    assert holds(site) == f"held: an alert asks for it and is not over: SoakTargetDown, {down.episode}"
    with site.open_journal() as journal:
        journal.note(alert("SoakTargetDown", starts_at=now, firing=False), Record("resolved"), now, now)
    assert holds(site) == ""
