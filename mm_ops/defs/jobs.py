"""The jobs over the whole fleet, and when they run. The unit of a run is one bot and one day."""

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.defs.keys import (
    ARTIFACT_ROTATION,
    CRON_FRESHNESS,
    DAGSTER_RUNS,
    GRAFANA_DASHBOARD,
    PROMETHEUS_RULES,
    BotKeys,
)
from mm_ops.defs.limits import PARTITION_TAG
from mm_ops.domain.bots import Fleet

if TYPE_CHECKING:
    from mm_ops.domain.rollback.drill.policy import Weekly

NIGHTLY = "nightly"
PROMOTION = "promotion"
CHECKS = "checks"
ROTATION = "rotation"
PRE_LIVE = "pre_live"
FIRE_DRILL, DRILL_AGE = "fire_drill", "drill_age"
BOT_TAG = "mm_ops/bot"


def nightly_job(fleet: Fleet) -> Any:
    """Everything of one day; started for one bot it runs the assets of that bot."""
    return dg.define_asset_job(
        NIGHTLY,
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(*_of_no_day(fleet)),
        description="Measure, judge and, if every hard gate passes, bundle one UTC day.",
    )


def checks_job(fleet: Fleet, day: date) -> Any:
    """Every check on what is stored; nothing is measured again, and no live bot is asked.

    A job of checks alone has no partitions of its own in Dagster, so the day is a tag; ``day`` is what it says where
    the launcher sets no other.
    """
    return dg.define_asset_job(
        CHECKS,
        selection=dg.AssetSelection.all_asset_checks() - dg.AssetSelection.checks_for_assets(*_of_no_day(fleet)),
        run_tags={PARTITION_TAG: day.isoformat()},
        description=f"Judge what is stored for one day: the tag {PARTITION_TAG}.",
    )


def nightly_schedule(fleet: Fleet) -> dg.ScheduleDefinition:
    """At 00:30 UTC, one run a bot for the day that has just ended, and one for what is of no single bot."""

    @dg.schedule(
        job_name=NIGHTLY,
        cron_schedule="30 0 * * *",
        execution_timezone="UTC",
        name="nightly_schedule",
        description="Daily at 00:30 UTC, one run a bot, for the day that has just ended.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        day = (context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)).date().isoformat()
        yield dg.RunRequest(run_key=f"catalogue:{day}", partition_key=day, asset_selection=[PROMETHEUS_RULES])
        for bot in fleet.bots:
            yield dg.RunRequest(
                run_key=f"{bot.name}:{day}",
                partition_key=day,
                asset_selection=BotKeys(bot.name).all,
                tags={BOT_TAG: bot.name},
            )

    return schedule


def promotion_job(fleet: Fleet) -> Any:
    """One step of one bot's bundle, by its configuration; started for that bot's asset alone."""
    return dg.define_asset_job(
        PROMOTION,
        selection=dg.AssetSelection.assets(*(BotKeys(bot.name).promotion for bot in fleet.bots)),
        description="Say that a bundle is in staging, live, or that the known-good one is live again: by whom and why.",
    )


def rotation_job() -> Any:
    """The rotation of stored evidence by itself."""
    return dg.define_asset_job(
        ROTATION,
        selection=dg.AssetSelection.assets(ARTIFACT_ROTATION, DAGSTER_RUNS),
        description="Rotate stored evidence by retention.yaml, then Dagster's own runs; what is needed stays.",
    )


def rotation_schedule() -> dg.ScheduleDefinition:
    """At 03:00 UTC, when the nights have ended."""
    return dg.ScheduleDefinition(
        name="rotation_schedule",
        job_name=ROTATION,
        cron_schedule="0 3 * * *",
        execution_timezone="UTC",
        description="Daily at 03:00 UTC, when the nights have ended.",
    )


def prelive_job(fleet: Fleet) -> Any:
    """The pack of dry runs, after a night and before a bot goes live; started for one bot it runs that of that bot."""
    return dg.define_asset_job(
        PRE_LIVE,
        selection=dg.AssetSelection.assets(*(BotKeys(bot.name).pre_live_pack for bot in fleet.bots)),
        description="Every step of prelive.yaml in dry mode for one UTC day that a night was run for.",
    )


def drill_jobs(fleet: Fleet) -> list[Any]:
    """The drill of every bot that may be drilled, one after the other in one run; and the check of the last ones."""
    drills = _drills(fleet)
    if not drills:
        return []
    return [
        dg.define_asset_job(
            FIRE_DRILL,
            selection=dg.AssetSelection.assets(*drills),
            run_tags={"dagster/max_retries": "0"},  # nor by a resumed run: a drill that was cut off is looked at
            description="Stop each bot on purpose by the way of a breach, measure it, and let the bot go on.",
        ),
        dg.define_asset_job(
            DRILL_AGE,
            selection=dg.AssetSelection.checks_for_assets(*drills),
            description="Look at how old the last drill is, and whether it kept its budget; no bot is touched.",
        ),
    ]


def drill_schedules(fleet: Fleet, weekly: "Weekly") -> list[dg.ScheduleDefinition]:
    """As drill.yaml says: the drills once a week, the look at the last ones every day. Off until they are turned on."""
    if not _drills(fleet):
        return []
    return [
        dg.ScheduleDefinition(
            f"{job}_schedule", job_name=job, cron_schedule=cron, execution_timezone="UTC", description=words
        )
        for job, cron, words in (
            (
                FIRE_DRILL,
                weekly.drill,
                "Once a week in working hours: each bot that may be drilled is stopped on purpose.",
            ),
            (DRILL_AGE, weekly.look, "Every day: whether the last drill of each bot passed and is not too old."),
        )
    ]


def _drills(fleet: Fleet) -> list[dg.AssetKey]:
    return [BotKeys(bot.name).fire_drill for bot in fleet.bots if bot.drill == "live"]


def _of_no_day(fleet: Fleet) -> list[dg.AssetKey]:
    """What follows a live bot, what is tried before one goes live, what watches the tasks, what only people launch."""
    keys = [BotKeys(bot.name) for bot in fleet.bots]
    return [
        *(key.rollback_report for key in keys),
        *(key.edge_profile for key in keys),
        *(key.pre_live_pack for key in keys),
        *(key.promotion for key in keys),
        *_drills(fleet),
        CRON_FRESHNESS,
        ARTIFACT_ROTATION,
        DAGSTER_RUNS,
        GRAFANA_DASHBOARD,
    ]
