"""The way of a bot's bundle from candidate over staging to live, a materialisation for each step, by whom and why.

A step is a run with a configuration, so that it is in Dagster's history with who asked for it, and a post from outside
is none. The bundle is verified before each, and kept as a copy of its own from staging on: evidence of its day that is
made again would withdraw it.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from mm_ops.adapters.artifacts import Stored
from mm_ops.adapters.bundle_verify import NoBundleError
from mm_ops.adapters.evidence import READINESS, BotEvidence
from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.overrides import judge_readiness
from mm_ops.defs.records import digests_by_a_run, recorded_digests
from mm_ops.defs.release.checks import verification
from mm_ops.defs.release.guard import find_gate_refusals
from mm_ops.defs.release.hold import find_promotion_holds
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import digest as digest_of
from mm_ops.domain.errors import IntegrityError, MmOpsError, PolicyError
from mm_ops.domain.markdown import table
from mm_ops.domain.release.policy import ReleasePolicy
from mm_ops.domain.release.promotion import (
    Asked,
    Placed,
    Standing,
    Step,
    describe,
    find_objections,
    go_back_words,
    read_standing,
    take_step,
)
from mm_ops.domain.verdict import Verdict

Gates = Mapping[dg.AssetCheckKey, bool]


class PromotionConfig(dg.Config):
    """A step: ``to`` is staging, live or back; ``version`` may be empty for back, which knows where to."""

    to: str
    version: str = ""
    by: str
    why: str


def promotion_assets(bot: Bot, gates: Gates) -> list[dg.AssetsDefinition]:
    """Build ``promotion``; ``gates`` are the checks that must have passed, true where they are judged day by day."""

    @dg.asset(
        key=BotKeys(bot.name).promotion,
        group_name=bot.name,
        description="Which bundle is in staging, which is live, and which is known to be good, to go back to; each "
        "step by a named person. Refused, with the reasons, out of turn, too early, or while alerts are not heard.",
    )
    def promotion(context: dg.AssetExecutionContext, config: PromotionConfig, site: Site) -> dg.MaterializeResult[Any]:
        with refusals_end_the_step(), site.evidence(bot).promoting():
            asked, before = _read(context.instance, site, bot, config)
            standing = Standing() if before is None else read_standing(before)
            _refuse(asked, _objections(context.instance, site, bot, gates, asked, standing))
            if asked.bundle is not None:
                _keep(site.evidence(bot), bot, asked.bundle)
            policy = site.policy("release.yaml", ReleasePolicy).promotion
            taken = take_step(asked, standing, _stops(site, bot, standing.live), policy)
            document = describe(asked, taken, before)
            stored = _store(site.evidence(bot), document, before)
        return _materialised(stored, asked, taken.standing, taken.note, document["steps"])

    return [promotion]


def _read(instance: dg.DagsterInstance, site: Site, bot: Bot, config: PromotionConfig) -> tuple[Asked, Any]:
    if config.to not in set(Step):
        raise PolicyError(f"to: expected {', '.join(Step)}, was {config.to!r}")
    step = Step(config.to)
    before = _find_document(instance, bot, site.evidence(bot))
    good = None if before is None else read_standing(before).known_good
    version = good.version if step is Step.BACK and good is not None else config.version
    now = site.live_clock().now().replace(microsecond=0)
    candidate = _candidate(instance, site, bot, version, now) if step is Step.STAGING else None
    return Asked(step=step, version=version, by=config.by, why=config.why, at=now, bundle=candidate), before


def _find_document(instance: dg.DagsterInstance, bot: Bot, evidence: BotEvidence) -> Any:
    """What stands where, as the newest step on record left it; a file that anybody can write says nothing alone.

    Raises:
        IntegrityError: it is another, or is gone, or no step is on record; says how to go on.
    """
    name, kept = evidence.promotions(), evidence.promotions_before()
    stated = digests_by_a_run(instance, BotKeys(bot.name).promotion).get(name)
    data = evidence.find(name)
    found = None if data is None else digest_of(data)
    if found == stated:
        return None if data is None else json.loads(data)
    if stated is None:
        todo = "no step is on record: take it away, and begin with staging"
    elif evidence.digest(kept) == stated:
        todo = f"the last step was cut short, or it was altered since: put {evidence.address(kept)} in its place"
    else:
        todo = "altered since the last step: restore it"
    raise IntegrityError(f"{evidence.address(name)}: expected {stated or 'none'}, was {found or 'not there'}: {todo}")


def _store(evidence: BotEvidence, document: Mapping[str, Any], before: Any) -> Stored:
    """Store it, and what it was before: killed between this and Dagster's record, a step is none."""
    if before is not None:
        evidence.copy(evidence.promotions(), evidence.promotions_before())
    return evidence.put_json(evidence.promotions(), document)


def _candidate(instance: dg.DagsterInstance, site: Site, bot: Bot, version: str, now: datetime) -> Placed | None:
    """The newest bundle of a version that was built and is there; its ``bundle`` is where the copy will be."""
    key, evidence = BotKeys(bot.name).release_bundle, site.evidence(bot)
    file = f"{bot.name}-v{version}.zip"
    for day in sorted(instance.get_materialized_partitions(key), reverse=True):
        name = evidence.bundle(date.fromisoformat(day), file)
        if evidence.has(name):
            digest = recorded_digests(instance, key, date.fromisoformat(day)).get(name)
            if digest is not None:
                kept = evidence.promoted(version, digest, file)
                return Placed(version=version, day=day, digest=digest, bundle=kept, since=now)
    return None


def _objections(
    instance: dg.DagsterInstance, site: Site, bot: Bot, gates: Gates, asked: Asked, standing: Standing
) -> list[str]:
    policy = site.policy("release.yaml", ReleasePolicy).promotion
    found = list(find_objections(asked, standing, policy))
    if asked.step is not Step.BACK:  # whoever goes back is not kept from it by a watcher that does not hear
        found += find_promotion_holds(site, bot)
    if found:
        return found
    if asked.step is Step.BACK:
        good = standing.known_good
        return [] if good is None else _faults(site, bot, good.bundle, good.digest)
    placed = asked.bundle or standing.staging
    if placed is None:
        return []
    day = date.fromisoformat(placed.day)
    found += find_gate_refusals(instance, gates, day)
    name = placed.bundle if asked.step is Step.LIVE else site.evidence(bot).bundle(day, _file(placed))
    found += _faults(site, bot, name, placed.digest)
    return found or _hold_objections(site, site.evidence(bot).local(name), asked.at)


def _hold_objections(site: Site, path: Path, now: datetime) -> list[str]:
    """Say why the readiness in a bundle that was verified is no GO any more: its override expired, or was revoked."""
    try:
        with zipfile.ZipFile(path) as archive:
            judged = judge_readiness(json.loads(archive.read(f"reports/{READINESS}")), site, now)
    except (KeyError, ValueError) as error:
        return [f"{path.name}: reports/{READINESS}: expected readiness: {error}"]
    return [] if judged.verdict is Verdict.PASS else [f"{judged.gate}: {judged.reason}"]


def _faults(site: Site, bot: Bot, name: str, digest: str) -> list[str]:
    """Say why a stored bundle is not the one that was built and judged, or not by somebody who may sign it."""
    evidence = site.evidence(bot)
    found = evidence.digest(name)
    if found != digest:
        return [f"{evidence.address(name)}: expected {digest}, was {found or 'not there'}"]
    path = evidence.local(name)
    try:
        faults, _, _ = verification(site, path)
    except NoBundleError as error:
        return [str(error)]
    return [f"{path.name}: {fault}" for fault in faults]


def _refuse(asked: Asked, objections: Sequence[str]) -> None:
    if objections:
        what = "going back" if asked.step is Step.BACK else f"{asked.version or 'no version'} to {asked.step}"
        raise dg.Failure(
            description=f"{what} refused: {'; '.join(objections)}",
            metadata={"refusals": dg.MetadataValue.json(list(objections))},
            allow_retries=False,
        )


def _keep(evidence: BotEvidence, bot: Bot, placed: Placed) -> None:
    """Keep a copy, and read back that it is one."""
    name = evidence.bundle(date.fromisoformat(placed.day), f"{bot.name}-v{placed.version}.zip")
    if evidence.digest(placed.bundle) != placed.digest and evidence.copy(name, placed.bundle).digest != placed.digest:
        raise IntegrityError(f"{evidence.address(name)}: changed while it was copied; nothing was promoted")


def _stops(site: Site, bot: Bot, live: Placed | None) -> list[str] | None:
    """The stops of the live version since it is live, drills left out, and one from which the bot is not back.

    ``None`` where nobody knows: the journal cannot be read, or says that nothing was heard for a while.
    """
    from mm_ops.adapters.journal_follow import following
    from mm_ops.domain.rollback.bot import TradingState
    from mm_ops.domain.rollback.policy import RollbackPolicy

    if live is None or bot.control is None:
        return []
    policy = site.policy("rollback.yaml", RollbackPolicy)
    try:
        with following(site.journal()) as journal:
            stops = journal.stops_since(bot.name, live.since)
            last, deaf = journal.standing(bot.name), journal.was_blind_since(live.since)
    except MmOpsError:
        return None
    if last.stop is not None and (last.resumed is None or last.resumed.to is not TradingState.ACTIVE):
        return [f"{last.stop.alert} at {last.stop.claimed_at:%Y-%m-%dT%H:%M:%SZ}, and not back to trading since"]
    found = [f"{alert} at {at:%Y-%m-%dT%H:%M:%SZ}" for alert, at in stops if not policy.is_drill(alert)]
    return None if deaf and not found else found


def _file(placed: Placed) -> str:
    return Path(placed.bundle).name


def _materialised(
    stored: Stored, asked: Asked, standing: Standing, note: str, steps: Sequence[Mapping[str, Any]]
) -> dg.MaterializeResult[Any]:
    names = ("at", "to", "version", "by", "why", "note", "known_good")
    rows = [[str(step[name] or "—") for name in names] for step in reversed(steps)]
    where = {name: getattr(standing, name) for name in ("staging", "live", "known_good")}
    return materialised(
        stored,
        markdown=table(names, rows),
        step=asked.step.value,
        by=asked.by,
        why=asked.why,
        note=note or None,
        go_back=go_back_words(standing) or None,
        **{name: None if placed is None else placed.says() for name, placed in where.items()},
    )
