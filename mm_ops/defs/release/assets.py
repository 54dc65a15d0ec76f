"""The bundle that ships, refused with the reasons unless every hard gate of its inputs passed."""

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

import dagster as dg

from mm_ops import __version__
from mm_ops.adapters.artifacts import Stored
from mm_ops.adapters.bundle import Built, Member, Sign, build
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
from mm_ops.domain.prelive.finding import ALL_STEPS_PASSED
from mm_ops.domain.release.manifest import Listed, build_manifest
from mm_ops.domain.release.policy import ReleasePolicy


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bundle is built from: its files, what says what they are, and what signs it."""

    members: Mapping[str, Member]
    describe: Callable[[Sequence[Listed]], bytes]
    sign: Sign | None

    def build(self, stream: IO[bytes]) -> Built:
        """Write the bundle; see :func:`mm_ops.adapters.bundle.build`."""
        return build(stream, self.members, self.describe, self.sign)


def release_assets(
    bot: Bot, first_day: date, hard_checks: Mapping[dg.AssetCheckKey, bool]
) -> list[dg.AssetsDefinition]:
    """Build the bot's bundle asset; ``hard_checks`` tells of each check whether it is judged day by day."""
    keys = BotKeys(bot.name)

    @dg.asset(
        key=keys.release_bundle,
        deps=[
            *(keys.soak_findings, keys.golden_report, keys.readiness_score, keys.edge_report, keys.secrets_scan),
            *([keys.pre_live_pack] if _asks_for_pack(bot, hard_checks) else []),
        ],
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
        try:
            stored, built = _store(evidence, day, bot, assemble(context.instance, site, bot, day, hard_checks))
        except dg.Failure:
            evidence.withdraw_releases(day)
            raise
        runs = dg.MetadataValue.json(input_runs(context.instance, keys, day))
        files, packer = len(built.members), zlib.ZLIB_RUNTIME_VERSION
        return materialised(*stored, files=files, signed=built.signed, zlib=packer, input_runs=runs)

    return [release_bundle]


def assemble(
    instance: dg.DagsterInstance, site: Site, bot: Bot, day: date, hard_checks: Mapping[dg.AssetCheckKey, bool]
) -> Contents:
    """Ask every gate and collect what a bundle is built from; nothing is stored.

    Raises:
        dagster.Failure: it is refused, with the reasons.
    """
    evidence = site.evidence(bot)
    with refusals_end_the_step():
        edge = evidence.read_json(evidence.report(day, EDGE_REPORT))
        judged = [identity_finding(edge), inputs_finding(edge)]
        ships = _asks_for_pack(bot, hard_checks)
        against = [*find_outdated(site, bot, evidence, day, pack=ships), *find_promotion_holds(site, bot)]
        refuse_unless_green(instance, hard_checks, day, judged, against)
        return collect(instance, site, bot, day, pack=ships)


def collect(instance: dg.DagsterInstance, site: Site, bot: Bot, day: date, *, pack: bool = False) -> Contents:
    """Collect what a bundle is built from, as it is there now, whatever its gates say; ``pack``: the pre-live pack too.

    Raises:
        MmOpsError: something is not there, is not what was judged, or holds a secret.
    """
    from mm_ops.defs.release.evidence import LOCK, SBOM, describe_evidence, find_sbom

    evidence = site.evidence(bot)
    reports = read_reports(instance, BotKeys(bot.name), evidence, day, pack=pack)
    members = collect_members(site, bot, evidence, reports)
    members |= describe_evidence(site, bot, day, members, reports)
    members |= (sbom := find_sbom(site))
    missing = [] if sbom else [f"{SBOM}: there is no {LOCK}"]
    return Contents(
        members=refuse_secrets(site, members),
        describe=lambda files: encode(
            build_manifest(
                bot=bot.name,
                version=bot.version,
                day=day,
                built_by=f"mm_ops {__version__}",
                files=files,
                missing=missing,
            )
        ),
        sign=signer_of(site),
    )


def _asks_for_pack(bot: Bot, hard_checks: Collection[dg.AssetCheckKey]) -> bool:
    return dg.AssetCheckKey(BotKeys(bot.name).pre_live_pack, ALL_STEPS_PASSED) in hard_checks


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


def _store(evidence: BotEvidence, day: date, bot: Bot, contents: Contents) -> tuple[tuple[Stored, Stored], Built]:
    file = f"{bot.name}-v{bot.version}.zip"
    with refusals_end_the_step(), evidence.writing_release(day, file) as stream:
        built = contents.build(stream)
    return evidence.settle_release(day, file, built.digest, built.size), built
