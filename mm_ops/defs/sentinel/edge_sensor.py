"""Asks for a run of ``edge_profile`` when a window has closed: one a bot and window, whatever was missed meanwhile.

What was counted is read from the asset's own history, so that a sensor without its cursor asks for nothing twice; the
cursor says what was asked for, and a history that lies behind it is told.
"""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.defs.jobs import BOT_TAG
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.resources import Site
from mm_ops.defs.sentinel.edge_record import find_history
from mm_ops.domain.bots import Bot, Fleet, Recorded
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy

if TYPE_CHECKING:
    from mm_ops.domain.sentinel.edge_history import EdgeHistory

SENSOR = "edge_ema"
EDGE_TAG, WINDOW_TAG = "mm_ops/edge", "mm_ops/window_end"
_RUNNING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def edge_sensor(fleet: Fleet, policy: EdgeSentinelPolicy) -> dg.SensorDefinition:
    """Build the sensor, over all bots that have a control."""
    watched = [bot for bot in fleet.bots if bot.control is not None]

    @dg.sensor(
        name=SENSOR,
        asset_selection=dg.AssetSelection.assets(*(BotKeys(bot.name).edge_profile for bot in fleet.bots)),
        minimum_interval_seconds=max(1, round(policy.tick.total_seconds())),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="One run a closed window: the edge is counted, and the bot has the profile that follows.",
    )
    def edge_ema(context: dg.SensorEvaluationContext, site: Site) -> dg.SensorResult:
        cursor: dict[str, Any] = json.loads(context.cursor or "{}")
        requests, said = [], [] if watched else ["no bot has a control in bots.yaml"]
        for bot in watched:
            answer = _plan(context, site, bot, cursor.get(bot.name))
            if isinstance(answer, str):
                said.append(f"{bot.name}: {answer}")
            else:
                requests.append(answer[0])
                cursor[bot.name] = answer[1]
        context.log.info("; ".join(said) or "every bot has a closed window")
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else "; ".join(said),
            cursor=json.dumps(cursor, sort_keys=True),
        )

    return edge_ema


def _plan(
    context: dg.SensorEvaluationContext, site: Site, bot: Bot, asked: dict[str, Any] | None
) -> tuple[dg.RunRequest, dict[str, Any]] | str:
    """The run to ask for and what the cursor keeps of it, or in words why there is none."""
    from mm_ops.domain.sentinel.edge_history import plan_look

    policy, now = site.policy("edge_sentinel.yaml", EdgeSentinelPolicy), site.now()
    try:
        history, _ = find_history(context.instance, site, bot, context.log.warning)
    except MmOpsError as error:
        return str(error)
    if asked is not None and history.revision < asked["revision"]:
        context.log.warning("%s: revision %s was seen, %s is there", bot.name, asked["revision"], history.revision)
    end = plan_look(history, now, policy)
    hindrance = (
        end if isinstance(end, str) else _hindrance(context.instance, site, bot, history, now - policy.late_after)
    )
    if isinstance(end, str) or hindrance is not None:
        return hindrance or str(end)
    return _request(bot, history, end)


def _request(bot: Bot, history: "EdgeHistory", end: datetime) -> tuple[dg.RunRequest, dict[str, Any]]:
    shown = f"{end:%Y-%m-%dT%H:%M:%SZ}"
    request = dg.RunRequest(
        run_key=f"{bot.name}/{shown}/{history.revision}",
        asset_selection=[BotKeys(bot.name).edge_profile],
        tags={BOT_TAG: bot.name, EDGE_TAG: bot.name, WINDOW_TAG: shown},
    )
    return request, {"window": shown, "revision": history.revision}


def _hindrance(
    instance: dg.DagsterInstance, site: Site, bot: Bot, history: "EdgeHistory", not_before: datetime
) -> str | None:
    """Why no run is asked for though a window has closed."""
    running = dg.RunsFilter(tags={EDGE_TAG: bot.name}, statuses=_RUNNING, created_after=not_before)
    if instance.get_runs_count(running):
        return "a run of it has not ended"
    if isinstance(bot.samples, Recorded) and history.state.last is None:
        today = site.path(bot.samples.path) / "samples" / f"date={site.now():%Y-%m-%d}"
        if not today.exists():
            return f"no samples of today are recorded in {bot.samples.path}: nothing live is watched"
    return None
