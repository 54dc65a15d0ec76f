"""The bundle that ships, refused with the reasons unless every hard gate of its inputs passed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from mm_ops import __version__
from mm_ops.adapters.artifacts import Stored
from mm_ops.adapters.bundle import Sign, pack
from mm_ops.adapters.bundle_verify import NAMESPACE
from mm_ops.adapters.evidence import EDGE_REPORT, BotEvidence
from mm_ops.adapters.signing import signer
from mm_ops.defs.automation import daily, partition_day, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import night_pool
from mm_ops.defs.release.guard import refuse_unless_green
from mm_ops.defs.release.hold import find_promotion_holds
from mm_ops.defs.release.inputs import collect_members, find_outdated, read_reports, refuse_secrets
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import encode
from mm_ops.domain.edge.finding import identity_finding
from mm_ops.domain.edge.inputs_finding import inputs_finding
from mm_ops.domain.release.manifest import MANIFEST, build_manifest
from mm_ops.domain.release.policy import ReleasePolicy


@dataclass(frozen=True, slots=True)
class Packed:
    """A bundle in memory: its bytes, how many files are in it, whether it is signed."""

    data: bytes
    files: int
    signed: bool


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
        pool=night_pool(bot.name),
        kinds={"zip"},
        description="ZIP with manifest and digests: version, policies, reports. Refuses, with the reasons, "
        "unless every hard gate of this day passed on the evidence as it is stored now, and alerts are heard.",
    )
    def release_bundle(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.defs.release.evidence import input_runs

        day = partition_day(context)
        evidence = site.evidence(bot)
        evidence.withdraw_releases(day)
        packed = assemble(context.instance, site, bot, day, hard_checks)
        stored = _store(evidence, day, f"{bot.name}-v{bot.version}.zip", packed.data)
        runs = dg.MetadataValue.json(input_runs(context.instance, keys, day))
        return materialised(*stored, files=packed.files, signed=packed.signed, input_runs=runs)

    return [release_bundle]


def assemble(
    instance: dg.DagsterInstance, site: Site, bot: Bot, day: date, hard_checks: Mapping[dg.AssetCheckKey, bool]
) -> Packed:
    """Ask every gate and pack the bundle in memory; nothing is stored.

    Raises:
        dagster.Failure: it is refused, with the reasons.
    """
    from mm_ops.defs.release.evidence import LOCK, SBOM, describe_evidence, find_sbom

    evidence = site.evidence(bot)
    with refusals_end_the_step():
        edge = evidence.read_json(evidence.report(day, EDGE_REPORT))
        judged = [identity_finding(edge), inputs_finding(edge)]
        against = [*find_outdated(site, bot, evidence, day), *find_promotion_holds(site, bot)]
        refuse_unless_green(instance, hard_checks, day, judged, against)
        reports = read_reports(instance, BotKeys(bot.name), evidence, day)
        members = collect_members(site, bot, reports)
        members |= describe_evidence(bot, day, members, reports)
        members |= (sbom := find_sbom(site))
        refuse_secrets(site, members)
        sign = signer_of(site)
    manifest = build_manifest(
        bot=bot.name,
        version=bot.version,
        day=day,
        built_by=f"mm_ops {__version__}",
        members=members,
        missing=[] if sbom else [f"{SBOM}: there is no {LOCK}"],
    )
    data = pack({MANIFEST: encode(manifest), **{path: item.data for path, item in members.items()}}, sign)
    return Packed(data, len(members), sign is not None)


def signer_of(site: Site) -> Sign | None:
    """What signs the bundle, as release.yaml says; ``None`` where nothing does and nothing must.

    Raises:
        PolicyError: the key is not there or cannot be read.
    """
    policy = site.policy("release.yaml", ReleasePolicy)
    if policy.key is None:
        return None
    kept = site.environment().signing_key(policy.key)
    return signer(kept, NAMESPACE)


def _store(evidence: BotEvidence, day: date, file: str, data: bytes) -> tuple[Stored, Stored]:
    stored = evidence.put_release(day, file, data)
    checksum = f"{stored.digest.removeprefix('sha256:')}  {file}\n".encode()
    beside = evidence.put_release(day, f"{file}.sha256", checksum)
    return stored, beside
