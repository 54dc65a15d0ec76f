"""Evaluates the sensor `cron_freshness` on 100 tasks in a folder; prints seconds of the first and of a later tick."""

import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import dagster as dg

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.journal import Journal
from mm_ops.defs.fleet import build_location
from mm_ops.defs.resources import Site

PROJECT = Path(__file__).resolve().parents[1]
LENGTH = {"length": "10m", "source": "made up for the bench"}


def tick(folder: Path) -> None:
    """Evaluate the sensor twice on 100 tasks of every kind, over an instance that knows a month of them."""
    _prepare(folder)
    journal = Journal(str(folder / "j.sqlite"), folder / "anchor", owner="watcher", lease=timedelta(minutes=1))
    with journal, dg.DagsterInstance.local_temp(str(folder)) as instance:
        for n in range(25):
            journal.note_event("heartbeat", f"beat{n}", {"signal": "success", "exit_status": None}, datetime.now(UTC))
            (folder / f"out{n}").write_text("{}")
        for day in range(30):
            for n in range(40):
                partition = (datetime.now(UTC) - timedelta(days=30 - day)).date().isoformat()
                instance.report_runless_asset_event(dg.AssetMaterialization(f"asset{n}", partition=partition))
        os.environ |= {"MM_OPS_JOURNAL": str(folder / "j.sqlite")}
        site = Site.of(Environment.read({"MM_OPS_ROOT": str(folder)}))
        location = build_location(site)
        sensor, cursor, times = location.definitions.resolve_sensor_def("cron_freshness"), None, []
        for _ in range(3):
            with dg.build_sensor_context(
                instance, cursor, definitions=location.definitions, resources={"site": site}
            ) as context:
                start = perf_counter()
                cursor = sensor.evaluate_tick(context).cursor
                times.append(perf_counter() - start)
    print(f"{times[0]:.2f} {min(times[1:]):.2f} {len(json.loads(cursor or '{}')['tasks'])}")


def _prepare(folder: Path) -> None:
    """Lay the project's policies, and 100 tasks: 40 assets, 25 files, 25 heartbeats, 10 jobs."""
    shutil.copytree(PROJECT / "deploy", folder / "deploy")
    proofs = [
        *({"kind": "asset", "key": f"asset{n}", "day_within": "36h"} for n in range(40)),
        *({"kind": "file", "glob": f"out{n}*"} for n in range(25)),
        *({"kind": "heartbeat", "task": f"beat{n}"} for n in range(25)),
        *({"kind": "job", "name": f"job{n}"} for n in range(10)),
    ]
    tasks = [
        {"name": f"t{n}", "proof": proof, "due": {"max_age": "26h"}, "source": "made up for the bench"}
        for n, proof in enumerate(proofs)
    ]
    lengths = dict.fromkeys(("clock_skew", "attempt", "gap", "told_at_least"), LENGTH)
    document = {"source": "made up for the bench", **lengths, "tasks": tasks}
    (folder / "deploy/cron/sentinel.yaml").write_text(json.dumps(document))


if __name__ == "__main__":
    tick(Path(sys.argv[1]))
