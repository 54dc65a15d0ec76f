"""What the UI shows of every asset beside its name: whose it is, of what kind and bot, which question it answers."""

from collections.abc import Mapping, Sequence

import dagster as dg

from mm_ops.defs.jobs import BOT_TAG
from mm_ops.domain.bots import Fleet

QUESTION_TAG = "mm_ops/question"
_MAY_TRADE = "may_this_version_trade"
_QUESTIONS = {
    "edge_profile": "is_the_live_one_healthy",
    "cron_freshness": "is_the_live_one_healthy",
    "grafana_dashboard": "is_the_live_one_healthy",
    "rollback_report": "has_it_stopped",
    "rollback_state": "has_it_stopped",
    "fire_drill": "has_it_stopped",
}
_STORED_AS = "json"


def labelled(
    assets: Sequence[dg.AssetsDefinition], fleet: Fleet, columns: Mapping[dg.AssetKey, dg.FreshnessPolicy]
) -> list[dg.AssetsDefinition]:
    """Put owner, kind and tags on every asset, and Dagster's freshness policy where a task has one."""
    owners = {bot.name: bot.owners or fleet.owners for bot in fleet.bots}

    def put(spec: dg.AssetSpec) -> dg.AssetSpec:
        bot = spec.key.path[0]
        owned = spec.merge_attributes(
            owners=owners.get(bot, fleet.owners),
            kinds=set() if spec.kinds else {_STORED_AS},
            tags=tags_of(spec.key, owners),
        )
        policy = columns.get(spec.key)
        return owned if policy is None else dg.apply_freshness_policy(owned, policy)

    return [asset.map_asset_specs(put) for asset in assets]


def tags_of(key: dg.AssetKey, bots: Mapping[str, object]) -> dict[str, str]:
    """Of which bot an asset speaks, where it does, and which of the three questions it answers."""
    bot = {BOT_TAG: key.path[0]} if key.path[0] in bots else {}
    return {**bot, QUESTION_TAG: _QUESTIONS.get(key.path[-1], _MAY_TRADE)}
