"""The edge's sentinel at a time scale, through a real ``dagster-daemon``, Prometheus and the live paper bot.

An hour of the bot passes in ten seconds, and so does one of the policy. Its edge is spoilt by a fault, the sensor has
it quote wider, the fault ends, and it quotes as before.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from mm_ops.adapters.journal_follow import JournalPlace, following
from mm_ops.adapters.journal_place import DEFAULT
from mm_ops.domain.sentinel.edge_history import EdgeHistory
from mm_ops.domain.sentinel.edge_story import agree_finding
from mm_ops.domain.verdict import Verdict
from mm_ops.domain.windows import format_duration
from mm_ops.paperbot.profiles import MARKOUT_HORIZON_S
from mm_ops_tests.alert_stack import free_address, serving
from mm_ops_tests.live_daemon import daemon
from mm_ops_tests.live_paperbot import RunningBot, running
from mm_ops_tests.requirements import require_binary
from mm_ops_tests.stopped_site import KEYS, StoppedSite

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
SCALE = 360
SCALED = {f"ema{hours}h": f"ema{format_duration(timedelta(hours=hours) / SCALE)}" for hours in (1, 24)}
"""An average is named by its half-life."""
SCRAPED = "250ms"
WITHIN_S = 150


def scaled_policy(path: Path) -> None:
    """Divide every time of the policy; only a look may be later than that, since a run takes seconds to start."""
    policy = yaml.safe_load(path.read_text(encoding="utf-8"))
    for hours, place in (
        (0.5, "window"),
        (0.5, "stale_after"),
        (10, "late_after"),
        (0.05, "tick"),
        (0.25, "again_after"),
    ):
        policy[place] = f"{round(hours * 3_600_000 / SCALE)}ms"
    policy["settled"] = "1s"  # the bot writes its fills four times a second, whatever the scale
    policy["recovery"]["dwell"] = f"{round(2 * 3_600_000 / SCALE)}ms"
    policy["switches"]["within"] = f"{round(24 * 3_600_000 / SCALE)}ms"
    policy["fast"], policy["slow"] = SCALED.values()
    policy["chart"] = "10m"
    policy["agreement"]["after_half_lives"] = 0
    path.write_text(yaml.safe_dump(policy, sort_keys=False), encoding="utf-8")


def scaled_averages(folder: Path) -> None:
    """Divide half-lives and horizon too; the fills begin with the bot, so they are compared from the first on."""
    ema = yaml.safe_load((folder / "ema.yaml").read_text(encoding="utf-8"))
    for rule, name, least in zip(ema["emas"], SCALED.values(), (50_000, 200_000), strict=True):
        rule |= {"name": name, "half_life": name.removeprefix("ema"), "min_notional": {"USDT": least}}
    ema["horizon"] = f"{round(MARKOUT_HORIZON_S * 1000 / SCALE)}ms"
    (folder / "ema.yaml").write_text(yaml.safe_dump(ema), encoding="utf-8")
    edge = yaml.safe_load((folder / "edge.yaml").read_text(encoding="utf-8"))
    edge["horizons"] = [ema["horizon"], *edge["horizons"]]
    (folder / "edge.yaml").write_text(yaml.safe_dump(edge), encoding="utf-8")


def site_of(root: Path, bot: RunningBot, prometheus: str) -> StoppedSite:
    site = StoppedSite(root, bot.url)
    policies = root / "deploy/policies"
    fleet = yaml.safe_load((policies / "bots.yaml").read_text(encoding="utf-8"))
    fleet["bots"] = fleet["bots"][:1]
    fleet["bots"][0]["samples"] = {
        "kind": "prometheus",
        "url": prometheus,
        "match": {"bot": "paper"},
        "timeout": "10s",
    }
    fleet["bots"][0] |= {kind: str(root.parent / "market" / kind) for kind in ("fills", "quotes")}
    (policies / "bots.yaml").write_text(yaml.safe_dump(fleet), encoding="utf-8")
    scaled_averages(policies)
    scaled_policy(policies / "edge_sentinel.yaml")
    return site


@contextmanager
def prometheus_of(folder: Path, bot: RunningBot) -> Iterator[str]:
    """A server that scrapes the bot four times a second."""
    address = free_address()
    scraped = {
        "job_name": "bot",
        "scrape_interval": SCRAPED,
        "scrape_timeout": SCRAPED,
        "metric_relabel_configs": [
            {
                "source_labels": ["__name__"],
                "regex": f"mm_edge_bps_{name}",
                "target_label": "__name__",
                "replacement": f"mm_edge_bps_{scaled}",
            }
            for name, scaled in SCALED.items()
        ],
        "static_configs": [{"targets": [bot.url.removeprefix("http://")], "labels": {"bot": "paper"}}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [scraped]}), encoding="utf-8")
    command = (
        require_binary("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
    )
    with serving(address, folder / "prometheus.log", *command):
        yield f"http://{address}"


class Watched:
    """The bot, and what the sentinel has stored of it."""

    def __init__(self, site: StoppedSite, bot: RunningBot, log: Path) -> None:
        self.site, self.bot, self.log = site, bot, log

    @property
    def document(self) -> dict[str, Any] | None:
        file = self.site.root / "var/artifacts/paper/edge/edge_profile.json"
        return dict(json.loads(file.read_bytes())) if file.exists() else None

    @property
    def history(self) -> EdgeHistory | None:
        document = self.document
        return None if document is None else EdgeHistory.load(document, "file")

    def agrees(self) -> bool:
        """Whether gauges and fills tell the same in the newest window, both averages."""
        return agree_finding(self.document or {}).verdict is Verdict.PASS

    def width_bps(self) -> float:
        quote = self.bot.state()["quotes"]["AAA-USDT"]
        return float(2e4 * (quote["ask"] - quote["bid"]) / (quote["ask"] + quote["bid"]))

    def until(self, reached: Callable[[], bool]) -> None:
        end = time.monotonic() + WITHIN_S
        while not reached():
            assert time.monotonic() < end, f"{self.history}\n{self.log.read_text(encoding='utf-8')[-6000:]}"
            time.sleep(0.2)

    def is_in(self, profile: str) -> bool:
        return bool(self.bot.state()["profile"] == profile)

    def notes(self) -> list[dict[str, Any]]:
        with following(JournalPlace(str(self.site.root / DEFAULT), named=True)) as journal:
            return [one["body"] for one in reversed(journal.notes("edge_profile", "paper"))]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with ExitStack() as up:
        bot = up.enter_context(running(tmp_path, "--allow-faults", "--market", str(tmp_path / "market"), speed=SCALE))
        site = site_of(tmp_path / "site", bot, up.enter_context(prometheus_of(tmp_path, bot)))
        with site.instance():
            pass  # the home and its settings
        variables = {"MM_OPS_ROOT": str(site.root), "DAGSTER_HOME": str(site.root / "dagster")}
        yield Watched(site, bot, up.enter_context(daemon(site.root, variables)))


def test_the_edge_decays_the_bot_quotes_wider_recovers_and_quotes_as_before(watched: Watched):
    bot = watched.bot
    watched.until(lambda: watched.history is not None and watched.history.rows[-1].window.fast is not None)
    watched.until(watched.agrees)
    assert bot.state()["profile"] == "base"
    assert watched.width_bps() == pytest.approx(8.0, abs=0.3)
    bot.faults(edge_decay=10)
    watched.until(lambda: watched.is_in("conservative"))
    assert watched.width_bps() == pytest.approx(12.0, abs=0.3)
    assert bot.state()["profile_settings"] == {"spread_factor": 1.5, "max_in_flight": 5, "backoff_ms": 200}
    bot.faults()
    watched.until(lambda: watched.is_in("moderate"))
    assert watched.width_bps() == pytest.approx(8.0, abs=0.3)
    watched.until(lambda: watched.history is not None and watched.history.state.profile == "moderate")
    history = watched.history
    assert history is not None
    told_twice = [row.window for row in history.rows if row.window.fills_fast is not None]
    assert len(told_twice) > len(history.rows) / 2
    assert (
        min(window.fills_fast or 0.0 for window in told_twice)
        < 0
        < max(window.fills_fast or 0.0 for window in told_twice)
    )
    watched.until(watched.agrees)
    switches = [(row.answer.value, row.state.profile) for row in history.rows if row.answer in {"degrade", "recover"}]
    assert switches == [("degrade", "conservative"), ("recover", "moderate")]
    assert [(one["is"], one["profile"]) for one in watched.notes()] == [
        ("requested", "conservative"),
        ("confirmed", "conservative"),
        ("requested", "moderate"),
        ("confirmed", "moderate"),
    ]
    first, second = (row for row in history.rows if row.answer in {"degrade", "recover"})
    assert second.window.end - first.window.end >= timedelta(hours=2) / SCALE
    with watched.site.instance() as instance:
        records = instance.fetch_materializations(KEYS.edge_profile, limit=200).records
        markers = [
            made.metadata["marker"].value
            for one in records
            if (made := one.asset_materialization) and "marker" in made.metadata
        ]
        ends: list[Any] = [made.metadata["window_end"].value for one in records if (made := one.asset_materialization)]
        (sensor,) = [one for one in instance.all_instigator_state() if one.instigator_name == "edge_ema"]
        runs = instance.get_runs(dg.RunsFilter(tags={"mm_ops/edge": "paper"}))
    assert markers == [
        "| edge policy | APPLIED | EDGE_POLICY_APPLIED=moderate |",
        "| edge policy | APPLIED | EDGE_POLICY_APPLIED=conservative |",
    ]
    assert ends == sorted(ends, reverse=True)
    assert len(runs) >= len(records) > 3
    asked = json.loads(sensor.instigator_data.cursor)["paper"]  # type: ignore[union-attr, arg-type]
    assert asked["revision"] <= history.revision
