"""A site whose bot was stopped: the project's policies, a live bot or a made-up one, a real journal, samples around."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import yaml

from mm_ops.adapters.bot import HttpBot
from mm_ops.adapters.environment import Environment, WallClock
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_place import DEFAULT, anchor_beside
from mm_ops.adapters.recording import encode_samples
from mm_ops.defs.fleet import Location, build_location
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.rollback.alert import Alert
from mm_ops.domain.rollback.bot import BotControl
from mm_ops.domain.rollback.response import Responder
from mm_ops.domain.rollback.stop import Outcome
from mm_ops.domain.sli.series import Series, join_series
from mm_ops.domain.windows import to_ns
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.rollback_world import POLICY, QUICK, Pages, alert

KEYS = BotKeys("paper")
STEP = timedelta(seconds=15)


@dataclass
class StoppedSite:
    """Where it lies, and at which address its bot is; ``now`` is the site's clock."""

    root: Path
    url: str
    now: datetime | None = None

    def __post_init__(self) -> None:
        for folder in ("deploy/policies", "deploy/cron"):
            shutil.copytree(PROJECT / folder, self.root / folder)
        self.edit("rollback_report.yaml", still="200ms")
        bot = {
            "name": "paper",
            "version": "1.0.0",
            "samples": {"kind": "recording", "path": "samples_of_it"},
            **{name: f"var/{name}" for name in ("fills", "quotes", "results")},
            "day_entries": "none",
            "symbols": ["AAA-USDT"],
            "control": {"kind": "http", "url": self.url},
            "source": "made up for a test",
        }
        other = {**json.loads(json.dumps(bot)), "name": "idle", "control": None}
        fleet = {"first_day": "2025-01-01", "source": "made up for a test", "bots": [bot, other]}
        (self.root / "deploy/policies/bots.yaml").write_text(yaml.safe_dump(fleet))

    def edit(self, name: str, **fields: Any) -> None:
        path = self.root / "deploy/policies" / name
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **fields}, sort_keys=False))

    def break_entry(self, name: str) -> None:
        """Give a bot a version that is none."""
        path = self.root / "deploy/policies/bots.yaml"
        fleet = yaml.safe_load(path.read_text(encoding="utf-8"))
        next(bot for bot in fleet["bots"] if bot["name"] == name)["version"] = "new"
        path.write_text(yaml.safe_dump(fleet), encoding="utf-8")

    def location(self) -> Location:
        fake = {"CI_FAKE_UTC": self.now.isoformat()} if self.now else {}
        return build_location(Site.of(Environment.read({"MM_OPS_ROOT": str(self.root), **fake})))

    def bot(self) -> Bot:
        return self.location().fleet.bots[0]

    @property
    def journal(self) -> Path:
        return self.root / DEFAULT

    @contextmanager
    def open_journal(self) -> Iterator[Journal]:
        lease = timedelta(minutes=1)
        with Journal(str(self.journal), anchor_beside(str(self.journal)), owner="w", lease=lease) as journal:
            yield journal

    def stop(
        self, one: Alert | None = None, control: BotControl | None = None, *, at: datetime | None = None
    ) -> Outcome:
        """Stop the bot as the watcher does, through a body in the journal."""
        began = at or datetime.now(UTC)
        given = one or alert(starts_at=began - timedelta(seconds=90))
        bot = control or HttpBot(self.url, timeout=timedelta(seconds=5), attempt=timedelta(seconds=2))
        policy = QUICK if control else POLICY
        with self.open_journal() as journal:
            answers = Responder(journal, {"paper": bot}, policy, WallClock(), Pages())
            _, outcome = answers.respond(given, began)
        assert outcome is not None
        return outcome

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        home = self.root / "dagster"
        home.mkdir(exist_ok=True)
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance

    def tick(self, instance: dg.DagsterInstance, cursor: str | None, name: str = "rollback_sensor") -> Any:
        """One tick of a sensor, as the daemon has it evaluated."""
        location = self.location()
        context = dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            repository_def=location.definitions.get_repository_def(),
            resources={"site": location.site},
        )
        with dg.partition_loading_context(dynamic_partitions_store=instance):
            return location.definitions.resolve_sensor_def(name).evaluate_tick(context)

    def run(self, instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """The run that a tick asked for, in this process."""
        job = self.location().definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=instance,
            partition_key=request.tags["dagster/partition"],
            asset_selection=list(request.asset_selection or ()),
            tags=request.tags,
            raise_on_error=False,
        )

    def record(self, series: Sequence[Series], day: datetime) -> None:
        folder = self.root / "samples_of_it/samples" / f"date={day:%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "samples.parquet").write_bytes(encode_samples(join_series(series)))


def halted(outcome: Outcome, **different: Any) -> Outcome:
    """The same outcome with another word on it."""
    return replace(outcome, **different)


def samples_around(at: datetime) -> list[Series]:
    """An hour around a stop: 40 orders each 15 s and 12 open until then, none after; slow ticks."""
    start = at - timedelta(minutes=40)
    times = np.array([to_ns(start + STEP * n) for n in range(240)], dtype=np.int64)
    before = times <= to_ns(at)
    sent = np.cumsum(np.where(before, 40.0, 0.0))
    ticks = np.arange(240, dtype=np.float64) * 15
    buckets = ["5.0", "10.0", "25.0", "50.0", "75.0", "100.0", "150.0", "200.0", "300.0", "500.0", "1000.0", "+Inf"]
    found = [
        Series("mm_orders_sent_total", {}, times, sent),
        Series("mm_orders_open", {}, times, np.where(before, 12.0, 0.0)),
        Series("mm_build_info", {"version": "1.0.1"}, times, np.ones(240)),
        Series("mm_ws_lag_max_ms", {}, times, np.where(before, 80.0, 60.0)),
    ]
    found += [
        Series(
            "mm_stage_duration_ms_bucket",
            {"le": le, "stage": "tick_total"},
            times,
            ticks if float(le) > 150 else np.zeros(240),
        )
        for le in buckets
    ]
    return sorted(found, key=lambda one: (one.metric, str(sorted(one.labels.items()))))
