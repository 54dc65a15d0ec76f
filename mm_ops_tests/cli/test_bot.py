"""``mm-ops bot check`` against a paper bot that really runs: it passes, and each fault is named."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mm_ops_tests.hostile_server import answer, hostile, says
from mm_ops_tests.live_paperbot import RunningBot, running

KEPT = ("trading_state", "strategy_scale", "circuit", "orders_frozen", "profile")


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[RunningBot]:
    with running(tmp_path, "--allow-faults", speed=100) as found:
        found.until(lambda: "mm_edge_bps_ema24h" in found.text() and "mm_order_age" in found.text())
        yield found


def check(*arguments: str) -> tuple[int, dict[str, str], str]:
    command = [sys.executable, "-m", "mm_ops", "bot", "check", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if not done.stdout:
        return done.returncode, {}, done.stderr.strip()
    document, _, marker = done.stdout.rstrip("\n").rpartition("\n")
    rows = json.loads(document)["checks"]
    return done.returncode, {row["promise"]: row["was"] for row in rows if row["verdict"] != "pass"}, marker


def test_the_paper_bot_passes_and_is_left_as_it_was_found(bot: RunningBot):
    wide = {"spread_factor": 1.2, "max_in_flight": 7, "backoff_ms": 150}
    bot.put("/profile", "before", profile="moderate", profile_settings=wide)
    before = bot.state()
    assert check(bot.url) == (0, {}, "| bot check | PASS | BOT_CHECK=PASS |")
    after = bot.state()
    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
    assert after["profile_settings"] == wide
    bot.until(lambda: bot.state()["open_orders"] > 0)


DEAF = {
    "hang": ("refuses no key", "no answer: no whole answer within 2 s"),
    "error_500": ("strategy_scale = 0.5", "answered 500 internal error: the fault error_500 is injected"),
    "refuse": ("strategy_scale = 0.5", "answered 409 refused: the fault refuse is injected"),
    "lie": ("strategy_scale = 0.5", "said it was done, and the state reads 1.0"),
    "lie_state": ("metrics say HALTED", 'mm_trading_state{state="HALTED"} is 0.0'),
    "restart": ("strategy_scale = 0.5", "the bot restarted amid the command (no answer: "),
}


@pytest.mark.parametrize("fault", DEAF)
def test_each_way_of_being_deaf_is_named(bot: RunningBot, fault: str):
    bot.faults(**{fault: True})
    code, failed, marker = check(bot.url)
    promise, said = DEAF[fault]
    assert (code, marker) == (1, "| bot check | FAIL | BOT_CHECK=FAIL |")
    assert failed[promise].startswith(said)
    bot.faults()
    state = bot.state()
    assert [state[name] for name in KEPT] == ["ACTIVE", 1.0, "closed", False, "base"]


def test_a_bot_that_somebody_halted_is_not_touched(bot: RunningBot):
    bot.put("/trading-state", "k", trading_state="HALTED")
    sequence = bot.state()["sequence"]
    code, failed, marker = check(bot.url)
    assert (code, marker) == (2, "| bot check | INCONCLUSIVE | BOT_CHECK=INCONCLUSIVE |")
    assert failed == {"commands": "the bot is left alone: trading_state is HALTED"}
    assert bot.state()["sequence"] == sequence


def test_reading_only_commands_nothing_and_decides_nothing(bot: RunningBot):
    sequence = bot.state()["sequence"]
    code, failed, _ = check(bot.url, "--read-only")
    assert (code, failed) == (2, {"commands": "the bot is left alone: only reading was asked for"})
    assert bot.state()["sequence"] == sequence


def test_metrics_elsewhere_are_read_there_and_what_they_lack_fails(bot: RunningBot):
    with hostile(says(answer("mm_ticks_total 1\n", kind="text/plain"))) as (url, _):
        code, failed, _ = check(bot.url, "--metrics-url", f"{url}/metrics")
    assert code == 1
    assert failed["metric mm_orders_sent_total"] == "no series mm_orders_sent_total"
    assert failed["metrics say HALTED"].startswith('mm_trading_state{state="HALTED"} is None')
    assert "metric mm_ticks_total" not in failed


def test_orders_that_go_on_while_the_bot_says_halted_are_seen(bot: RunningBot):
    texts = [f'mm_trading_state{{state="HALTED"}} 1\nmm_orders_open 0\nmm_orders_sent_total {n}\n' for n in (7, 7, 9)]
    with hostile(*(says(answer(text, kind="text/plain")) for text in texts)) as (url, _):
        _, failed, _ = check(bot.url, "--metrics-url", f"{url}/metrics")
    assert failed["metrics say HALTED"] == "mm_orders_sent_total went from 7.0 to 9.0 in 1 s"


def test_a_bot_with_a_token_is_checked_with_it_and_must_refuse_without(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("hunter2")
    with running(tmp_path, "--token-file", str(token), speed=100) as found:
        found.until(lambda: "mm_edge_bps_ema24h" in found.text() and "mm_order_age" in found.text())
        assert check(found.url, "--token-file", str(token))[:2] == (0, {})
        code, _, said = check(found.url)
        assert (code, said) == (
            2,
            f"mm-ops: bot {found.url}: the state is not given: 401 token: expected the bot's bearer token",
        )


def test_nobody_there_is_one_line_and_exit_2():
    code, _, said = check("http://user:hunter2@127.0.0.1:9")
    assert (code, said) == (2, "mm-ops: metrics http://127.0.0.1:9/metrics: connection refused")
