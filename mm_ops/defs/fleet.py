"""The graph of every bot from one factory, and the jobs over all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import dagster as dg

from mm_ops.adapters.fleet_file import Loaded
from mm_ops.defs.edge.assets import edge_assets
from mm_ops.defs.edge.checks import edge_checks
from mm_ops.defs.golden.assets import golden_assets
from mm_ops.defs.golden.checks import golden_checks
from mm_ops.defs.grafana.assets import grafana_assets
from mm_ops.defs.grafana.checks import grafana_checks
from mm_ops.defs.jobs import (
    checks_job,
    drill_jobs,
    drill_schedules,
    nightly_job,
    nightly_schedule,
    prelive_job,
    promotion_job,
    rotation_job,
    rotation_schedule,
)
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.labels import labelled
from mm_ops.defs.prelive.assets import prelive_assets
from mm_ops.defs.prelive.checks import prelive_checks
from mm_ops.defs.readiness.assets import readiness_assets
from mm_ops.defs.readiness.checks import readiness_checks
from mm_ops.defs.release.assets import release_assets
from mm_ops.defs.release.checks import release_checks
from mm_ops.defs.release.promotion import promotion_assets
from mm_ops.defs.rendering.assets import rendering_assets
from mm_ops.defs.rendering.checks import rendering_checks
from mm_ops.defs.resources import Site
from mm_ops.defs.retention.assets import retention_assets
from mm_ops.defs.rollback.assets import rollback_report, rollback_state
from mm_ops.defs.rollback.backstop import backstop_job, backstop_sensor
from mm_ops.defs.rollback.checks import rollback_checks
from mm_ops.defs.rollback.drill import drill_checks, fire_drill
from mm_ops.defs.rollback.sensors import rollback_sensors
from mm_ops.defs.secrets.assets import secrets_assets
from mm_ops.defs.secrets.checks import secrets_checks
from mm_ops.defs.sentinel.cron_assets import cron_assets, cron_checks
from mm_ops.defs.sentinel.cron_columns import freshness_columns
from mm_ops.defs.sentinel.cron_look import read_cron_policy
from mm_ops.defs.sentinel.cron_sensor import cron_sensor
from mm_ops.defs.sentinel.edge_assets import edge_profile, edge_profile_checks
from mm_ops.defs.sentinel.edge_sensor import edge_sensor
from mm_ops.defs.soak.assets import soak_assets
from mm_ops.defs.soak.checks import soak_checks
from mm_ops.domain.bots import Bot, Fleet
from mm_ops.domain.prelive.finding import ALL_STEPS_PASSED
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.release.policy import ReleasePolicy
from mm_ops.domain.rollback.drill.policy import DrillPolicy
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sentinel.watched import tasks_of
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.verdict import Severity
from mm_ops.domain.windows import DAY


@dataclass(frozen=True, slots=True)
class Shape:
    """The policies that decide which assets and checks there are, and how far they look back.

    ``pack_ships`` says whether a release asks for the pre-live pack.
    """

    first_day: date
    soak: SoakPolicy
    readiness: ReadinessPolicy
    pack_ships: bool = False


@dataclass(frozen=True, slots=True)
class BotGraph:
    """One bot's part of the location, or the shared one; ``hard`` are the checks without which it is undecided.

    ``observed`` is what is only looked at; ``of_bundle`` are hard checks that count only where there is a bundle.
    """

    assets: Sequence[dg.AssetsDefinition]
    checks: Sequence[dg.AssetChecksDefinition]
    hard: frozenset[dg.AssetCheckKey]
    observed: Sequence[dg.SourceAsset] = ()
    of_bundle: frozenset[dg.AssetCheckKey] = frozenset()

    @property
    def all_assets(self) -> list[dg.AssetKey]:
        """Every asset, made or looked at."""
        return [key for asset in self.assets for key in asset.keys] + [asset.key for asset in self.observed]

    @property
    def promoted_by(self) -> dict[dg.AssetCheckKey, bool]:
        """The checks that a bundle must have passed; true where they are judged day by day."""
        specs = [spec for definition in self.checks for spec in definition.check_specs]
        asked = [spec for spec in specs if spec.blocking or spec.key in self.of_bundle]
        return {spec.key: spec.partitions_def is not None for spec in asked}

    @property
    def all_checks(self) -> list[dg.AssetCheckKey]:
        """Every check, hard and soft."""
        return [spec.key for definition in self.checks for spec in definition.check_specs]


@dataclass(frozen=True, slots=True)
class Location:
    """The whole code location and what it was built from.

    ``packs`` is what is tried before a bot goes live, ``stops`` what follows each live one,
    ``watch`` what says whether tasks ran when they should have, ``shown`` what is in Grafana.
    """

    site: Site
    fleet: Fleet
    shape: Shape
    graphs: Mapping[str, BotGraph]
    shared: BotGraph
    packs: Mapping[str, BotGraph]
    stops: Mapping[str, BotGraph]
    watch: BotGraph
    shown: BotGraph
    definitions: dg.Definitions

    @property
    def every_graph(self) -> list[BotGraph]:
        """The evidence of each bot, and what is of no single bot: what is judged without a look at a live one."""
        return [*self.graphs.values(), self.shared]


def build_location(site: Site, fleet: Fleet | None = None, loaded: Loaded | None = None) -> Location:
    """Build the location from the policies of a site, for its own fleet, another, or what could be loaded of it.

    The tasks of a bot that was left out are watched all the same: that none of them runs is told.

    Raises:
        PolicyError: a policy that shapes the graph is impossible.
    """
    read = loaded or Loaded(fleet or site.fleet())
    bots = read.fleet
    soak = site.policy("soak.yaml", SoakPolicy)
    ships = site.policy("release.yaml", ReleasePolicy).require_pre_live_pack
    shape = Shape(bots.first_day, soak, site.policy("readiness.yaml", ReadinessPolicy), ships)
    graphs = {bot.name: build_bot(bot, shape) for bot in bots.bots}
    shared = _graph(rendering_assets(), rendering_checks())
    stops = {bot.name: _after_stops(bot) for bot in bots.bots}
    packs = {bot.name: _before_live(bot, shape) for bot in bots.bots}
    tasks = tasks_of(read_cron_policy(site), bots.bots, read.left_out)
    watch, columns = _graph(cron_assets(), cron_checks(tasks)), freshness_columns(tasks)
    shown = _graph(grafana_assets(), grafana_checks())
    parts = (*graphs.values(), *packs.values(), shared, *stops.values(), watch, shown)
    every_check = [key for graph in parts for key in graph.all_checks]
    weekly = site.policy("drill.yaml", DrillPolicy).weekly
    definitions = dg.Definitions(
        assets=[
            *labelled(
                [
                    *retention_assets(every_check),
                    *(one for bot in bots.bots for one in promotion_assets(bot, graphs[bot.name].promoted_by)),
                    *(one for graph in parts for one in graph.assets),
                ],
                bots,
                columns,
            ),
            *(one for graph in parts for one in graph.observed),
        ],
        asset_checks=[check for graph in parts for check in graph.checks],
        jobs=[
            nightly_job(bots),
            checks_job(bots, site.now().date() - DAY),
            backstop_job(),
            prelive_job(bots),
            rotation_job(),
            promotion_job(bots),
            *drill_jobs(bots),
        ],
        schedules=[nightly_schedule(bots), rotation_schedule(), *drill_schedules(bots, weekly)],
        sensors=[
            *rollback_sensors(bots),
            backstop_sensor(bots),
            cron_sensor(),
            edge_sensor(bots, site.policy("edge_sentinel.yaml", EdgeSentinelPolicy)),
        ],
        resources={"site": site},
        executor=dg.in_process_executor,
        metadata={"left_out": dg.MetadataValue.json(list(read.faults))} if read.faults else {},
    )
    return Location(site, bots, shape, graphs, shared, packs, stops, watch, shown, definitions)


def build_bot(bot: Bot, shape: Shape) -> BotGraph:
    """Build one bot's assets and checks; its release asks for every check that blocks.

    The edge's identity is hard too and does not block: Dagster may run it after the release, which therefore
    judges the stored report by itself. The bundle's own checks come after it, and where it was refused there are none.
    """
    before = [
        *soak_checks(bot, shape.first_day, shape.soak),
        *edge_checks(bot, shape.first_day),
        *golden_checks(bot),
        *readiness_checks(bot, shape.first_day),
        *secrets_checks(bot, shape.first_day),
    ]
    specs = [spec for definition in before for spec in definition.check_specs]
    blocking = {spec.key: spec.partitions_def is not None for spec in specs if spec.blocking}
    if shape.pack_ships:
        blocking[dg.AssetCheckKey(BotKeys(bot.name).pre_live_pack, ALL_STEPS_PASSED)] = True
    after = release_checks(bot, shape.first_day, list(blocking))
    assets = [
        *soak_assets(bot, shape.first_day, shape.soak),
        *edge_assets(bot, shape.first_day),
        *golden_assets(bot),
        *readiness_assets(bot, shape.first_day, shape.readiness),
        *secrets_assets(bot, shape.first_day),
        *release_assets(bot, shape.first_day, blocking),
    ]
    return replace(_graph(assets, [*before, *after]), hard=_graph([], before).hard, of_bundle=_graph([], after).hard)


def _before_live(bot: Bot, shape: Shape) -> BotGraph:
    assets = prelive_assets(bot, shape.first_day, ships=shape.pack_ships)
    return _graph(assets, prelive_checks(bot, shape.first_day))


def _after_stops(bot: Bot) -> BotGraph:
    assets = [rollback_report(bot), *fire_drill(bot), edge_profile(bot)]
    checks = [*rollback_checks(bot), *drill_checks(bot), *edge_profile_checks(bot)]
    return replace(_graph(assets, checks), observed=[rollback_state(bot)])


def _graph(assets: Sequence[dg.AssetsDefinition], checks: Sequence[dg.AssetChecksDefinition]) -> BotGraph:
    specs = [spec for definition in checks for spec in definition.check_specs]
    hard = frozenset(spec.key for spec in specs if spec.metadata["severity"] == Severity.HARD.value)
    return BotGraph(assets, checks, hard)
