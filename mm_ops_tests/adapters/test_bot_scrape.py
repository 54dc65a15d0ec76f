from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from mm_ops.adapters.bot import HttpBot
from mm_ops.adapters.bot_scrape import look_at, scrape
from mm_ops.adapters.environment import WallClock
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops_tests.live_paperbot import RunningBot, free_port, running

WITHIN = timedelta(seconds=5)
NOW = WallClock().now


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running(tmp_path_factory.mktemp("bot"), speed=1) as one:
        yield one


def test_a_look_holds_the_state_and_the_numbers_of_the_metrics(bot: RunningBot):
    before = bot.value("mm_orders_sent_total")
    found = look_at(HttpBot(bot.url, timeout=WITHIN, attempt=WITHIN), f"{bot.url}/metrics", NOW, within=WITHIN)
    assert found.state is not None
    assert (found.state.trading_state.value, found.halted, found.faults) == ("ACTIVE", 0.0, ())
    assert found.sent is not None
    assert found.sent >= before
    assert found.started == bot.value("process_start_time_seconds")


def test_what_is_not_there_is_none_and_said_and_the_rest_is_still_read(bot: RunningBot):
    dead = f"http://127.0.0.1:{free_port()}"
    control = HttpBot(bot.url, timeout=WITHIN, attempt=WITHIN)
    found = look_at(control, f"{dead}/metrics", NOW, within=WITHIN)
    assert found.state is not None
    assert (found.sent, found.open, found.halted, found.started) == (None, None, None, None)
    assert "the bot's metrics are unknown" in found.faults[0]
    short = timedelta(milliseconds=200)
    found = look_at(HttpBot(dead, timeout=short, attempt=short), f"{bot.url}/metrics", NOW, within=WITHIN)
    assert (found.state, found.sent is None) == (None, False)
    assert "the bot's state is unknown" in found.faults[0]


def test_a_bot_without_addresses_is_not_seen_at_all():
    found = look_at(None, None, NOW, within=WITHIN)
    assert found.faults == (
        "the bot's state is unknown: no control of it in bots.yaml",
        "the bot's metrics are unknown: no address of its metrics in bots.yaml",
    )


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ('mm_orders_sent_total{symbol="A"} 3\nmm_orders_sent_total{symbol="B"} 4\n', 7.0),
        ("mm_orders_sent_total NaN\n", None),
        ("", None),
    ],
    ids=["two symbols", "no number", "nothing"],
)
def test_series_are_added_up_and_what_is_no_number_is_none(httpserver: HTTPServer, text: str, sent: float | None):
    httpserver.expect_request("/metrics").respond_with_data(text, content_type="text/plain")
    found = look_at(None, httpserver.url_for("/metrics"), NOW, within=WITHIN)
    assert found.sent == sent
    assert ("metrics: no number of mm_orders_sent_total" in found.faults) is (sent is None)


def test_a_page_that_is_none_of_metrics_is_a_fault_of_the_look(httpserver: HTTPServer):
    httpserver.expect_request("/metrics").respond_with_data("<html>", content_type="text/html")
    assert "expected a sample" in look_at(None, httpserver.url_for("/metrics"), NOW, within=WITHIN).faults[1]
    with pytest.raises(SourceUnavailableError, match=r"answered 500"):
        scrape(httpserver.url_for("/other"), within_s=5)


def test_nothing_here_is_slow_to_give_up(tmp_path: Path):
    with pytest.raises(SourceUnavailableError, match="metrics"):
        scrape(f"http://127.0.0.1:{free_port()}/{tmp_path.name}", within_s=1)
