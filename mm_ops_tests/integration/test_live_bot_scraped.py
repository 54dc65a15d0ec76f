"""A real Prometheus scrapes the live paper bot: every series of a recording is there, typed, and the stop is seen."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops_tests.live_paperbot import RunningBot, free_port, running
from mm_ops_tests.requirements import PROJECT, require_binary

pytestmark = pytest.mark.integration


@contextmanager
def scraping(bot: RunningBot, folder: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes the bot each 200 ms, as the rendered configuration would each 15 s."""
    config, log, port = folder / "prometheus.yml", folder / "prometheus.log", free_port()
    config.write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        "scrape_configs: [{job_name: mm, static_configs: "
        f"[{{targets: ['{bot.url.removeprefix('http://')}'], labels: {{bot: paper}}}}]}}]\n"
    )
    command = [
        require_binary("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def ask(url: str, query: str) -> list[float]:
    try:
        answer = requests.get(f"{url}/api/v1/query", params={"query": query}, timeout=10)
    except requests.ConnectionError:
        return []
    return [float(series["value"][1]) for series in answer.json()["data"]["result"]] if answer.ok else []


def test_prometheus_reads_every_series_and_sees_the_stop(tmp_path: Path):
    catalogue = read_policy(PROJECT / "deploy/policies/slis.yaml", SliCatalogue)
    with running(tmp_path, speed=100) as bot, scraping(bot, tmp_path) as url:
        for selector in catalogue.selectors():
            query = f"count({selector.promql({'bot': 'paper'})})"
            bot.until(lambda query=query: bool(ask(url, query)))  # type: ignore[misc]
        assert ask(url, 'up{bot="paper"}') == [1.0]
        kinds = requests.get(f"{url}/api/v1/metadata", timeout=10).json()["data"]
        wanted = {"mm_stage_duration_ms": "histogram", "mm_ticks_total": "counter", "mm_position": "gauge"}
        assert {name: kinds[name][0]["type"] for name in wanted} == wanted
        bot.until(lambda: bool(ask(url, "increase(mm_orders_sent_total[2s]) > 0")))
        bot.put("/trading-state", "k", trading_state="HALTED")
        bot.until(lambda: ask(url, "increase(mm_orders_sent_total[2s])") == [0.0])
        assert ask(url, "mm_orders_open") == [0.0]
        assert ask(url, 'mm_trading_state{state="HALTED"}') == [1.0]
