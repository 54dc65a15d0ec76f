"""Whether a secret lies where it should not, on the day of a release."""

from datetime import date
from typing import Any

import dagster as dg

from mm_ops.adapters.evidence import SECRETS_SCAN
from mm_ops.defs.automation import daily, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import night_pool
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot


def secrets_assets(bot: Bot, first_day: date) -> list[dg.AssetsDefinition]:
    """Build ``secrets_scan``. It looks at what lies there now; the bundle looks at what it packs by itself."""

    @dg.asset(
        key=BotKeys(bot.name).secrets_scan,
        partitions_def=daily(first_day),
        group_name=bot.name,
        pool=night_pool(bot.name),
        description="The repository and the artifacts, archives and decoded text included; no secret is in the report.",
    )
    def secrets_scan(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.secret_files import SecretFiles, roots_of
        from mm_ops.domain.secrets.policy import SecretsPolicy
        from mm_ops.domain.secrets.report import secrets_document

        day = partition_day(context)
        evidence = site.evidence(bot)
        evidence.withdraw_releases(day)
        with refusals_end_the_step():
            policy = site.policy("secrets.yaml", SecretsPolicy)
            scanned = SecretFiles(policy, site.live_clock().monotonic).scan(roots_of(site.environment()))
            document = secrets_document(scanned, policy, site.now().date())
        name = evidence.report(day, SECRETS_SCAN)
        stored = evidence.put_json(name, {**document, **site.basis(bot, name, "secrets.yaml")})
        return materialised(stored, read=scanned.counts, open=document["open"])

    return [secrets_scan]
