"""A bundle on its way, through Dagster: candidate, staging, live, back; verified, by somebody, for a reason."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_place import DEFAULT, anchor_beside
from mm_ops.adapters.promotions import go_back_of
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.records import DIGESTS
from mm_ops.defs.runs import run_promotion
from mm_ops.domain.canonical import digest
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.decision import Record
from mm_ops.domain.rollback.stop import Stop
from mm_ops_tests.conftest import LAST
from mm_ops_tests.rollback_world import alert
from mm_ops_tests.site import Deployment

KEY = BotKeys("paper").promotion
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def released(healthy: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment with a bundle of 1.0.0."""
    deployment = Deployment(tmp_path_factory.mktemp("released"), {"paper": healthy})
    assert deployment.night().word == "GO"
    return deployment


@pytest.fixture
def site(released: Deployment, tmp_path: Path) -> Deployment:
    return copied(released, tmp_path / "site")


def copied(of: Deployment, root: Path) -> Deployment:
    copy = Deployment(root, of.recordings)
    for folder in ("var", "dagster", "deploy"):
        shutil.copytree(of.root / folder, copy.root / folder, dirs_exist_ok=True)
    return copy


def control(deployment: Deployment) -> None:
    """Say how the bot is stopped."""
    policy = deployment.policy("bots.yaml")
    bots = yaml.safe_load(policy.read_text())
    bots["bots"][0]["control"] = {"kind": "http", "url": "http://127.0.0.1:9"}
    policy.write_text(yaml.safe_dump(bots))


def watcher(deployment: Deployment) -> Journal:
    """The journal, as a watcher opens it."""
    place = str(deployment.root / DEFAULT)
    return Journal(place, anchor_beside(place), owner="w", lease=timedelta(minutes=1))


def step(deployment: Deployment, to: str, version: str = "1.0.0", *, after: timedelta = HOUR * 0, **words: str) -> str:
    """Take a step so long after the start; why it was refused, or nothing."""
    config = {"to": to, "version": version, "by": "Ada Example", "why": "it soaked for three days", **words}
    with deployment.instance() as instance:
        return run_promotion(deployment.location_at(START + after).definitions, instance, "paper", config).refusals.get(
            KEY, ""
        )


def place(deployment: Deployment) -> Path:
    return deployment.root / "var/artifacts/paper/promoted/promotions.json"


def document(deployment: Deployment) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place(deployment).read_bytes())
    return found


def put_on_record(deployment: Deployment, found: dict[str, Any]) -> None:
    """Another document, as if a step had made it."""
    data = json.dumps(found).encode()
    place(deployment).write_bytes(data)

    @dg.asset(key=KEY)
    def made_up() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(metadata={DIGESTS: {"paper/promoted/promotions.json": digest(data)}})

    with deployment.instance() as instance:
        dg.materialize([made_up], instance=instance)


def test_a_bundle_goes_by_staging_to_live_and_each_step_is_on_record(site: Deployment):
    assert "1.0.0: is not in staging, nothing is: no step is skipped" in step(site, "live")
    assert "9.9.9: there is no such candidate" in step(site, "staging", "9.9.9")
    assert "why: expected 12 letters or more" in step(site, "staging", why="because")
    assert "to: expected staging, live, back" in step(site, "production")
    assert step(site, "staging") == ""
    assert "expected 24h or more there" in step(site, "live", after=23 * HOUR)
    assert step(site, "live", after=24 * HOUR) == ""
    assert "1.0.0: is live already" in step(site, "staging", after=25 * HOUR)
    assert "no version is known to be good" in step(site, "back", after=25 * HOUR)
    found = document(site)
    assert (found["staging"], found["live"]["version"], found["known_good"]) == (None, "1.0.0", None)
    assert [(one["to"], one["by"], one["at"]) for one in found["steps"]] == [
        ("staging", "Ada Example", "2026-11-21T12:00:00+00:00"),
        ("live", "Ada Example", "2026-11-22T12:00:00+00:00"),
    ]
    with site.instance() as instance:
        events = instance.fetch_materializations(KEY, limit=9).records
        last = events[0].asset_materialization
    assert last is not None
    assert (len(events), last.metadata["step"].value, last.metadata["by"].value) == (2, "live", "Ada Example")
    assert str(last.metadata["live"].value).startswith("1.0.0 (paper/promoted/v1.0.0-")


def test_the_copy_that_is_live_outlives_the_evidence_of_its_day(site: Deployment):
    assert step(site, "staging") == ""
    kept = site.root / "var/artifacts" / document(site)["staging"]["bundle"]
    site.evidence().withdraw_releases(LAST)
    assert kept.is_file()
    assert "1.0.0: there is no such candidate" in step(site, "staging")
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert "expected sha256:" in step(site, "live", after=24 * HOUR)
    kept.unlink()
    assert "was not there" in step(site, "live", after=24 * HOUR)


def test_a_bundle_whose_gates_are_not_on_record_or_whose_signature_is_asked_for_is_not_promoted(site: Deployment):
    policy = site.policy("release.yaml")
    before = policy.read_text()
    policy.write_text(before.replace("require_signature: false", "require_signature: true\nkey: {env: KEY}"))
    assert "signature: it is not signed" in step(site, "staging")
    policy.write_text(before)
    with site.instance() as instance:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=BotKeys("paper").release_bundle,
                check_name="gates_passed",
                passed=True,
                metadata={},
                partition=LAST.isoformat(),
            )
        )
    assert "paper/release_bundle:gates_passed was posted from outside" in step(site, "staging")


def test_a_document_that_no_step_made_puts_nothing_live(site: Deployment):
    assert step(site, "staging") == ""
    first = place(site).read_bytes()
    found = document(site)
    early = (START - 48 * HOUR).isoformat()
    place(site).write_text(json.dumps({**found, "staging": {**found["staging"], "since": early}}))
    altered = step(site, "live")
    assert "altered since the last step: restore it" in altered
    assert step(site, "back") == altered, "nobody knows what is known to be good"
    with site.instance() as instance:
        posted = {DIGESTS: {"paper/promoted/promotions.json": digest(place(site).read_bytes())}}
        instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=KEY, metadata=posted))
    assert step(site, "live") == altered, "a post from outside is no step"
    place(site).unlink()
    assert "was not there: altered since the last step: restore it" in step(site, "staging")
    place(site).write_bytes(first)
    assert step(site, "live", after=24 * HOUR) == ""


def test_a_step_that_was_cut_short_before_it_was_on_record_is_none(site: Deployment):
    place(site).parent.mkdir(parents=True)
    place(site).write_text("{}")
    assert "no step is on record: take it away, and begin with staging" in step(site, "staging")
    place(site).unlink()
    assert (step(site, "staging"), step(site, "live", after=24 * HOUR)) == ("", "")
    before = place(site).with_name("promotions.before.json")
    assert json.loads(before.read_bytes())["live"] is None
    before.write_bytes(place(site).read_bytes())
    place(site).write_text(json.dumps({**document(site), "live": None}))
    refused = step(site, "back", after=25 * HOUR)
    assert f"put {before} in its place" in refused
    before.replace(place(site))
    assert "no version is known to be good" in step(site, "back", after=25 * HOUR)


def test_what_is_in_staging_goes_live_only_while_the_gates_of_its_day_pass(site: Deployment):
    assert step(site, "staging") == ""
    with site.instance() as instance:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=BotKeys("paper").release_bundle,
                check_name="gates_passed",
                passed=False,
                metadata={},
                partition=LAST.isoformat(),
            )
        )
    assert "paper/release_bundle:gates_passed was posted from outside" in step(site, "live", after=24 * HOUR)


def test_two_steps_at_once_are_one_and_a_refusal(site: Deployment):
    with site.evidence().promoting():
        assert "another step of a bundle is being taken; try again" in step(site, "staging")
    assert step(site, "staging") == ""


def put_second_in_staging(site: Deployment) -> None:
    """1.0.0 is live since a day after the start, and a second bundle is in staging."""
    assert (step(site, "staging"), step(site, "live", after=24 * HOUR)) == ("", "")
    found = document(site)
    second = {**found["live"], "version": "1.1.0", "digest": found["live"]["digest"], "since": START.isoformat()}
    put_on_record(site, {**found, "staging": second})


def second_live(site: Deployment, after: timedelta) -> None:
    """The second one is live after so long."""
    put_second_in_staging(site)
    assert step(site, "live", "1.1.0", after=after) == ""


@pytest.fixture(scope="module")
def watched(released: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The second one is in staging, and the bot can be stopped."""
    copy = copied(released, tmp_path_factory.mktemp("watched") / "site")
    put_second_in_staging(copy)
    control(copy)
    return copy


LATENCY = "SoakLatencyP95High"
GOOD = "1.0.0 is known to be good: live since"
STOPPED = f"1.0.0 is not known to be good: it was stopped: {LATENCY} at"
JOURNALS: dict[str, tuple[list[tuple[int, str]], str]] = {
    "nothing happened": ([], GOOD),
    "stopped, and traded again, before it was live": ([(10, LATENCY), (11, "ACTIVE")], GOOD),
    "stopped by a drill alone": ([(30, "RollbackDrill"), (31, "ACTIVE")], GOOD),
    "stopped, and traded again": ([(30, LATENCY), (31, "ACTIVE")], f"{STOPPED} 2026-11-22T18:00:00Z"),
    "stopped before it was live, and never back": (
        [(10, LATENCY), (11, "REDUCING")],
        f"{STOPPED} 2026-11-21T22:00:00Z, and not back to trading since",
    ),
    "not heard for a while": (
        [(30, "blind"), (90, "heard")],
        "1.0.0 is not known to be good: whether it was stopped is not known",
    ),
}


@pytest.mark.parametrize("name", JOURNALS)
def test_what_is_known_to_be_good_was_never_stopped_and_always_heard(watched: Deployment, tmp_path: Path, name: str):
    events, note = JOURNALS[name]
    site = copied(watched, tmp_path / "site")
    with watcher(site) as journal:
        for hours, what in events:
            at = START + hours * HOUR
            if what in set(TradingState):
                journal.note_resume("paper", TradingState(what), by="Ada", why=name, confirmed=True, at=at)
            elif what in {"blind", "heard"}:
                journal.note_event("blind", "watchdog", {"blind": what == "blind", "reason": what}, at)
            else:
                stop = Stop(
                    episode=f"x@{at:%Y-%m-%dT%H:%M:%SZ}", round=1, bot="paper", alert=what, reason="", actions=()
                )
                assert journal.claim(stop, at)
        beat = START + 96 * HOUR
        journal.note(alert("Watchdog", bot="", starts_at=beat), Record("the heartbeat"), beat, beat)
    assert step(site, "live", "1.1.0", after=96 * HOUR) == ""
    assert document(site)["steps"][-1]["note"].startswith(note)
    assert (document(site)["known_good"] is not None) is (note == GOOD)


def test_what_was_live_long_enough_is_known_to_be_good_and_is_gone_back_to(site: Deployment):
    second_live(site, after=96 * HOUR)
    found = document(site)
    assert found["known_good"]["version"] == "1.0.0"
    assert found["steps"][-1]["note"].startswith("1.0.0 is known to be good: live since 2026-11-22T12:00:00Z")
    good = found["known_good"]
    put_on_record(site, {**found, "live": {**found["live"], "digest": "sha256:other"}})
    assert go_back_of(str(site.root / "var/artifacts"), "paper") == (
        f"live is 1.1.0; go back to 1.0.0 ({good['bundle']}, {good['digest']})"
    )
    assert step(site, "back", "", after=97 * HOUR, why="1.1.0 was stopped twice") == ""
    assert (document(site)["live"]["version"], document(site)["steps"][-1]["to"]) == ("1.0.0", "back")


def test_what_was_live_for_an_hour_is_not(site: Deployment):
    second_live(site, after=25 * HOUR)
    assert document(site)["known_good"] is None
    assert "it was live for less than 72h" in document(site)["steps"][-1]["note"]


def test_nothing_is_promoted_while_alerts_may_not_be_heard_and_one_may_always_go_back(site: Deployment):
    second_live(site, after=96 * HOUR)
    found = document(site)
    put_on_record(site, {**found, "live": {**found["live"], "digest": "sha256:other"}})
    control(site)
    assert "held: whether alerts of the bot are heard is not known" in step(site, "staging", after=98 * HOUR)
    with watcher(site) as journal:
        blind = {"blind": True, "reason": "blind: the Watchdog is silent"}
        journal.note_event("blind", "watchdog", blind, datetime.now(UTC))
    assert "held: blind: the Watchdog is silent" in step(site, "staging", after=98 * HOUR)
    assert step(site, "back", "", after=98 * HOUR) == ""


def test_the_command_says_where_everything_stands(site: Deployment):
    words = ["--by", "Ada Example", "--why", "it soaked for three days"]
    done = site.run("bundle", "promote", "1.0.0", "--to", "staging", *words)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "| bundle | STAGING | BUNDLE=STAGING |"), done.stderr
    assert "paper/promoted/v1.0.0-" in done.stdout
    early = site.run("bundle", "promote", "1.0.0", "--to", "live", *words)
    assert (early.returncode, early.stdout.splitlines()[-1]) == (1, "| bundle | REFUSED | BUNDLE=REFUSED |")
    assert "1.0.0 to live refused: 1.0.0: in staging since" in early.stdout
    back = site.run("bundle", "back", *words)
    assert (back.returncode, back.stdout.splitlines()[-1]) == (1, "| bundle | REFUSED | BUNDLE=REFUSED |")
