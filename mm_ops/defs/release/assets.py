"""The bundle that ships, refused with the reasons unless every hard gate of its inputs passed."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from mm_ops import __version__
from mm_ops.adapters.bundle import pack
from mm_ops.adapters.evidence import EDGE_REPORT, BotEvidence
from mm_ops.defs.automation import daily, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.release.guard import refuse_unless_green
from mm_ops.defs.release.inputs import collect_members, find_outdated, read_reports, refuse_secrets
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.finding import identity_finding
from mm_ops.domain.edge.inputs_finding import inputs_finding
from mm_ops.domain.release.manifest import MANIFEST, build_manifest


def release_assets(
    bot: Bot, first_day: date, hard_checks: Mapping[dg.AssetCheckKey, bool]
) -> list[dg.AssetsDefinition]:
    """Build the bot's bundle asset; ``hard_checks`` tells of each check whether it is judged day by day."""
    keys = BotKeys(bot.name)

    @dg.asset(
        key=keys.release_bundle,
        deps=[keys.soak_findings, keys.golden_report, keys.readiness_score, keys.edge_report, keys.secrets_scan],
        partitions_def=daily(first_day),
        group_name=bot.name,
        kinds={"zip"},
        description="ZIP with manifest and digests: version, policies, reports. Refuses, with the reasons, "
        "unless every hard gate of this day passed on the evidence as it is stored now.",
    )
    def release_bundle(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        day = partition_day(context)
        evidence = site.evidence(bot)
        evidence.withdraw_releases(day)
        with refusals_end_the_step():
            edge = evidence.read_json(evidence.report(day, EDGE_REPORT))
            judged = [identity_finding(edge), inputs_finding(edge)]
            outdated = find_outdated(site, bot, evidence, day)
            refuse_unless_green(context.instance, hard_checks, day, judged, outdated)
            reports = read_reports(context.instance, keys, evidence, day)
            members = collect_members(site, bot, reports)
            refuse_secrets(site, members)
        manifest = build_manifest(
            bot=bot.name, version=bot.version, day=day, built_by=f"mm_ops {__version__}", members=members
        )
        data = pack({MANIFEST: encode(manifest), **{path: item.data for path, item in members.items()}})
        return _store(evidence, day, f"{bot.name}-v{bot.version}.zip", data)

    return [release_bundle]


def _store(evidence: BotEvidence, day: date, file: str, data: bytes) -> dg.MaterializeResult[Any]:
    stored = evidence.put_release(day, file, data)
    checksum = f"{stored.digest.removeprefix('sha256:')}  {file}\n".encode()
    beside = evidence.put_release(day, f"{file}.sha256", checksum)
    return materialised(stored, beside)
