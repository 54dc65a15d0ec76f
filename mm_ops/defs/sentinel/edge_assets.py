"""The profile that a bot's edge asks for: windows are counted, the bot is asked, read back, and it is all stored."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.defs.automation import RETRY_SOURCE, refusals_end_the_step
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import profile_pool
from mm_ops.defs.resources import Site
from mm_ops.defs.sentinel.edge_record import KNOWN, find_history
from mm_ops.defs.verdicts import Gate, gate_check, materialised
from mm_ops.domain.bots import Bot
from mm_ops.domain.verdict import Finding, Severity

if TYPE_CHECKING:
    from mm_ops.adapters.edge_desk import EdgeDesk, Looked

POLICIES = ("edge_sentinel.yaml", "profiles.yaml", "ema.yaml")


def edge_profile(bot: Bot) -> dg.AssetsDefinition:
    """Build the asset; it may be made at any time, since a window counts once."""

    @dg.asset(
        key=BotKeys(bot.name).edge_profile,
        group_name=bot.name,
        pool=profile_pool(bot.name),
        retry_policy=RETRY_SOURCE,
        description="The edge of each closed window, by gauges and by fills, and the profile that follows; read back.",
    )
    def profile(context: dg.AssetExecutionContext, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.adapters.edge_desk import EdgeDesk
        from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy

        with refusals_end_the_step():
            settled = site.policy("edge_sentinel.yaml", EdgeSentinelPolicy).settled
            desk = EdgeDesk.of(site.environment(), bot, site.samples(bot, settled))
            before, previous = find_history(context.instance, site, bot, context.log.warning)
            patient = context.retry_number < RETRY_SOURCE.max_retries
            looked = desk.look(before, site.now(), previous=previous, patient=patient, say=context.log.warning)
        if looked.marker:
            context.log.info(looked.marker)
        return _store(site, desk, looked)

    return profile


def _store(site: Site, desk: "EdgeDesk", looked: "Looked") -> dg.MaterializeResult[Any]:
    from mm_ops.domain.canonical import to_plain
    from mm_ops.domain.charts.svg import chart_markdown
    from mm_ops.domain.sentinel.edge_story import describe, draw

    evidence, history = site.evidence(desk.bot), looked.history
    name = evidence.edge_profile()
    document = {**to_plain(history), "bot": desk.bot.name, "within_bps": desk.policy.agreement.within_bps}
    stored = evidence.put_json(name, {**document, **site.basis(desk.bot, name, *POLICIES)})
    charts = "\n\n".join(chart_markdown(one) for one in draw(history.rows, desk.policy))
    last = history.rows[-1] if history.rows else None
    known = {key: value for key, value in to_plain(history).items() if key not in {"rows", "previous", "fills"}}
    return materialised(
        stored,
        markdown=describe(history),
        charts=dg.MetadataValue.md(charts or "no window yet"),
        profile=history.state.profile or "its own",
        answer=None if last is None else last.answer.value,
        reason=None if last is None else last.reason,
        window_end=None if last is None else last.window.end.isoformat(),
        ema1h=None if last is None else last.window.fast,
        ema24h=None if last is None else last.window.slow,
        marker=looked.marker,
        told="\n".join(looked.told) or None,
        **{KNOWN: dg.MetadataValue.json(known)},
    )


def edge_profile_checks(bot: Bot) -> list[dg.AssetChecksDefinition]:
    """Build ``profile_applied``, which blocks so that a run fails where the bot did not obey, and ``gauges_agree``."""
    told = {
        "profile_applied": (
            Severity.HARD,
            _applied,
            "The bot trades by the profile that it should, as it was read back.",
        ),
        "gauges_agree": (Severity.SOFT, _agree, "The bot's gauges and its fills tell the same edge."),
    }
    return [
        gate_check(
            bot,
            Gate(
                asset=BotKeys(bot.name).edge_profile,
                name=name,
                severity=severity,
                blocking=severity is Severity.HARD,
                first_day=None,
                locate=lambda evidence, _: evidence.edge_profile(),
                judge=judge,
                description=description,
            ),
        )
        for name, (severity, judge, description) in told.items()
    ]


def _applied(document: Any) -> Finding:
    from mm_ops.domain.sentinel.edge_story import applied_finding

    return applied_finding(document)


def _agree(document: Any) -> Finding:
    from mm_ops.domain.sentinel.edge_story import agree_finding

    return agree_finding(document)
