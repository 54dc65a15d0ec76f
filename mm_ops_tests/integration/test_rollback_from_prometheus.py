"""The report of a stop, its metrics read from a real Prometheus; and what it says when that one is gone."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from mm_ops.domain.sli.series import Series, join_series
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.live_paperbot import free_port
from mm_ops_tests.prometheus_server import import_blocks, serve
from mm_ops_tests.rollback_world import MemoryBot
from mm_ops_tests.stopped_site import StoppedSite, samples_around

pytestmark = pytest.mark.integration


def read_from(site: StoppedSite, url: str) -> None:
    path = site.root / "deploy/policies/bots.yaml"
    fleet = yaml.safe_load(path.read_text())
    fleet["bots"][0]["samples"] = {"kind": "prometheus", "url": url, "match": {"bot": "paper"}, "timeout": "10s"}
    path.write_text(yaml.safe_dump(fleet))


def report_again(site: StoppedSite) -> dict[str, Any]:
    with site.instance() as instance:
        site.run(instance, site.tick(instance, None).run_requests[0])
    (path,) = site.root.rglob("rollback_report.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_metrics_around_a_stop_are_read_from_the_server_and_a_dead_one_is_said(tmp_path: Path):
    at = datetime.now(UTC).replace(microsecond=0)
    past = TimeWindow(at - timedelta(hours=1), at)
    table = [Series(one.metric, {**one.labels, "bot": "paper"}, one.ts_ns, one.values) for one in samples_around(at)]
    import_blocks(join_series([one.within(past) for one in table]), tmp_path / "tsdb")
    site = StoppedSite(tmp_path / "site", f"http://127.0.0.1:{free_port()}")
    site.stop(control=MemoryBot())
    with serve(tmp_path / "tsdb") as url:
        read_from(site, url)
        report = report_again(site)
        drawn = {one["name"]: one for one in report["metrics"]["indicators"]}
    assert report["metrics"]["missing"] is None
    assert (drawn["orders_sent"]["worst"], drawn["orders_open"]["worst"]) == (40.0, 12.0)
    assert drawn["tick_latency_p95_ms"]["worst"] == pytest.approx(197.5)
    assert report["release"]["by_metrics"] == ["1.0.1"]
    missing = report_again(site)["metrics"]
    assert url in missing["missing"]
    assert missing["indicators"] == []
