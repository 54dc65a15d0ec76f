"""``mm-ops sentinel edge`` as a user runs it: a live bot over HTTP, a real journal, a stored history."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mm_ops.cli.sentinel_edge import edge
from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import PolicyError, SourceUnavailableError
from mm_ops.domain.sentinel.edge_history import EdgeHistory
from mm_ops_tests.domain.sentinel.edge_rows import MODERATE, POLICY, counted
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.stopped_site import StoppedSite

WHO = ("--by", "ada", "--reason", "a planned listing")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running(tmp_path_factory.mktemp("bot"), speed=20) as one:
        yield one


@pytest.fixture
def bot(live: RunningBot) -> RunningBot:
    for n, state in enumerate(("REDUCING", "ACTIVE")):
        live.put("/trading-state", f"{datetime.now(UTC).isoformat()}-{n}", trading_state=state)
    live.put("/profile", datetime.now(UTC).isoformat(), profile="moderate")
    return live


@pytest.fixture
def site(bot: RunningBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoppedSite:
    monkeypatch.setenv("MM_OPS_ROOT", str(tmp_path / "site"))
    monkeypatch.delenv("MM_OPS_ARTIFACTS", raising=False)
    return StoppedSite(tmp_path / "site", bot.url)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(edge, list(arguments))


def store(site: StoppedSite, text: str, **different: Any) -> None:
    history = replace(EdgeHistory(state=MODERATE).extended(counted(text), POLICY, None), **different)
    file = site.root / "var/artifacts/paper/edge/edge_profile.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encode(history))


def words(result: Result) -> str:
    return " ".join(result.stdout.replace("│", " ").split())


def test_a_pin_is_read_back_written_down_and_shown_until_it_is_taken_away(site: StoppedSite, bot: RunningBot):
    store(site, "+")
    pinned = run("pin", "--profile", "conservative", "--for", "6h", *WHO)
    assert (pinned.exit_code, pinned.stdout.splitlines()) == (
        0,
        [
            "| edge policy | APPLIED | EDGE_POLICY_APPLIED=conservative |",
            "| sentinel edge pin | PINNED | SENTINEL_EDGE_PIN=PINNED |",
        ],
    )
    assert (bot.state()["profile"], bot.state()["profile_settings"]["max_in_flight"]) == ("conservative", 5)
    shown = run("status", "--json")
    (one,) = json.loads(shown.stdout)["bots"]
    assert (shown.exit_code, one["answer"], one["wanted"]) == (0, "AS_IT_SHOULD", "conservative")
    assert one["pin"].startswith("pinned to conservative by ada until ")
    taken = run("unpin", *WHO)
    assert taken.stdout.splitlines()[-1] == "| sentinel edge unpin | UNPINNED | SENTINEL_EDGE_UNPIN=UNPINNED |"
    assert bot.state()["profile"] == "conservative", "it keeps its profile until the windows say otherwise"
    after = run("status")
    assert after.exit_code == 1, "by the windows it should be in moderate"
    assert "pinned" not in after.stdout
    with site.open_journal() as journal:
        bodies = [record["body"] for record in journal.notes("edge_pin", "paper")]
    assert [(body["profile"], body["by"], body["reason"]) for body in bodies] == [
        (None, "ada", "a planned listing"),
        ("conservative", "ada", "a planned listing"),
    ]


def test_status_says_what_was_seen_and_what_is_read_back(site: StoppedSite):
    store(site, "+-")
    result = run("status", "--bot", "paper")
    assert result.exit_code == 0
    said = words(result)
    assert "paper ACTIVE moderate moderate 2026-11-01T00:00Z 1, 0 -0.001 bps 2.000 bps 2026-11-24T13:00Z" in said
    assert "paper: ema1h below 0 bps in 1 of 3" in said
    assert said.endswith("| sentinel edge | AS_IT_SHOULD | SENTINEL_EDGE=AS_IT_SHOULD |")


def test_a_bot_in_another_profile_is_told_by_exit_1(site: StoppedSite, bot: RunningBot):
    store(site, "---")
    result = run("status")
    assert (result.exit_code, result.stdout.splitlines()[-1].split()[4]) == (1, "OTHERWISE")
    assert bot.state()["profile"] == "moderate", "status commands nothing"


def test_what_is_not_known_is_exit_2(site: StoppedSite):
    assert run("status").exit_code == 2
    assert "no window was looked at: is the sensor edge_ema on" in run("status").stdout
    store(site, "+")
    path = site.root / "deploy/policies/bots.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(site.url, f"http://127.0.0.1:{free_port()}"))
    result = run("status")
    assert result.exit_code == 2
    assert "paper: not known: " in words(result)


def test_a_broken_entry_is_not_known_and_keeps_no_other_bot_from_being_pinned(site: StoppedSite):
    store(site, "+")
    site.break_entry("idle")
    shown = run("status", "--json")
    assert (shown.exit_code, json.loads(shown.stdout)["answer"]) == (2, "UNKNOWN")
    assert "bots.1.version: String should match" in shown.stderr
    assert run("status", "--bot", "paper").exit_code == 0
    pinned = ("pin", "--profile", "conservative", "--for", "1h", *WHO)
    assert "--bot: expected one of paper, was none; " in str(run(*pinned).exception)
    assert run(*pinned, "--bot", "paper").exit_code == 0
    absent = run("status", "--bot", "idle").exception
    assert "expected idle with a control; there are: paper; " in str(absent)
    assert "bots.1.version" in str(absent)


def test_a_journal_that_lost_records_leaves_what_is_pinned_unknown(site: StoppedSite):
    store(site, "+")
    with site.open_journal() as journal:
        journal.note_event("edge_pin", "paper", {"profile": None}, datetime.now(UTC))
    with closing(sqlite3.connect(site.journal)) as cut, cut:
        cut.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    shown = run("status")
    assert (shown.exit_code, shown.stdout.splitlines()[-1].split()[4]) == (2, "UNKNOWN")
    assert "paper: not known: " in words(shown)


@pytest.mark.usefixtures("site")
def test_a_pin_on_a_halted_bot_is_kept_and_the_bot_left_alone(bot: RunningBot):
    bot.put("/trading-state", datetime.now(UTC).isoformat(), trading_state="HALTED")
    result = run("pin", "--profile", "conservative", "--for", "1h", *WHO)
    assert (result.exit_code, result.stdout.splitlines()[-1].split()[5]) == (0, "KEPT")
    assert "trading state HALTED: nothing is asked of it" in result.stderr
    assert bot.state()["profile"] == "moderate"


def test_a_pin_that_does_not_read_back_is_exit_1_and_says_why(site: StoppedSite):
    path = site.root / "deploy/policies/bots.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(site.url, f"http://127.0.0.1:{free_port()}"))
    result = run("pin", "--profile", "conservative", "--for", "1h", *WHO)
    assert (result.exit_code, result.stdout.splitlines()[-1].split()[5]) == (1, "NOT_CONFIRMED")
    assert "profile: expected conservative, was unknown: " in result.stderr


REFUSED = {
    "a profile that is none": (("--profile", "brave", "--for", "6h", *WHO), "profile: expected one of moderate, "),
    "too long": (
        ("--profile", "moderate", "--for", "8d", *WHO),
        "for: expected more than 0s and 168h at most, was 192h",
    ),
    "no reason": (
        ("--profile", "moderate", "--for", "1h", "--by", "ada", "--reason", "so"),
        "reason: expected at least",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=list(REFUSED))
def test_a_pin_that_the_policy_does_not_allow_leaves_nothing_behind(
    site: StoppedSite, bot: RunningBot, arguments: tuple[str, ...], message: str
):
    result = run("pin", *arguments)
    assert isinstance(result.exception, PolicyError)
    assert message in str(result.exception)
    assert not site.journal.exists()
    assert bot.state()["profile"] == "moderate"


def test_a_bare_number_is_no_time(site: StoppedSite):
    result = run("pin", "--profile", "moderate", "--for", "6", *WHO)
    assert result.exit_code == 2
    assert "expected a duration such as 30m" in result.stderr
    assert isinstance(run("unpin", "--by", " ", "--reason", "so").exception, PolicyError)
    assert "nothing is pinned" in run("unpin", *WHO).stderr
    assert site.journal.exists()


def test_a_pin_that_cannot_be_written_down_does_not_hold(site: StoppedSite, bot: RunningBot):
    site.journal.parent.mkdir(parents=True)
    site.journal.mkdir()
    result = run("pin", "--profile", "conservative", "--for", "1h", *WHO)
    assert isinstance(result.exception, SourceUnavailableError)
    assert bot.state()["profile"] == "moderate"
