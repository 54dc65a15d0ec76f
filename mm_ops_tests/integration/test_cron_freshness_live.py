"""The cron sentinel through a real ``dagster-daemon``: it looks, tells, shows that it lives, and sees itself."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pytest_httpserver import HTTPServer

from mm_ops.defs.keys import CRON_FRESHNESS
from mm_ops_tests.defs.test_cron_freshness import Watched, entry
from mm_ops_tests.live_daemon import daemon
from mm_ops_tests.site import Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
WITHIN_S = 120


def until(seen: Callable[[], Any], log: Path) -> Any:
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        found = seen()
        if found:
            return found
        time.sleep(0.5)
    pytest.fail(f"not within {WITHIN_S} s; the daemon said: {log.read_text(encoding='utf-8')[-2000:]}")


def test_a_real_daemon_looks_tells_and_is_seen(tmp_path: Path, httpserver: HTTPServer):
    deployment = Deployment(tmp_path / "site", {"paper": tmp_path})
    with deployment.instance() as instance:
        watched = Watched(deployment, httpserver, instance)
    ticks = {"kind": "tick", "name": "cron_freshness"}
    watched.watch(entry("there", "deploy/*"), entry("gone", "nowhere"), {**entry("itself", ""), "proof": ticks})
    variables = {name: value for name, value in deployment.variables.items() if name != "CI_FAKE_UTC"}
    with daemon(deployment.root, variables) as log:
        until(lambda: watched.pinged, log)
        page = until(lambda: watched.told, log)[0]
        assert page.startswith("PAGE 1 task is down: gone: no file matches nowhere\n")

        def states() -> dict[str, str]:
            command = [sys.executable, "-m", "mm_ops", "sentinel", "cron", "--json"]
            shown = subprocess.run(
                command, capture_output=True, text=True, check=False, env={**os.environ, **variables}
            )
            assert shown.returncode == 1, shown.stderr
            return {one["task"]: one["state"] for one in json.loads(shown.stdout)["tasks"]}

        until(lambda: states()["itself"] == "up", log)
        assert states() == {"there": "up", "gone": "down", "itself": "up"}
    with dg.DagsterInstance.from_config(str(deployment.root / "dagster")) as instance:
        watched.instance = instance
        assert watched.table()["gone"]["state"] == "down"
        assert watched.checks() == {"there": True, "gone": False, "itself": False}
        assert instance.get_latest_materialization_event(CRON_FRESHNESS) is not None
    assert len(watched.told) == 1
