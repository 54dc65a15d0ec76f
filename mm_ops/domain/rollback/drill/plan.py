"""May a bot be drilled now? Not while anything real is open, fires, or cannot be heard."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.drill.notes import DrillRequest
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.resume import ResumeEvidence, find_causes, find_missing_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a drill would begin on.

    ``allowed`` is bots.yaml's word; ``dry_run`` says that no watcher commands a bot; ``episodes`` name breaches of the
    bot that were heard of lately and are not over; ``other`` is a drill of it that is open.
    """

    allowed: bool
    dry_run: bool
    episodes: tuple[str, ...]
    other: DrillRequest | None
    evidence: ResumeEvidence


def refuse_drill(request: DrillRequest, ground: Ground, policy: RollbackPolicy, now: datetime) -> tuple[str, ...]:
    """Say every reason why the drill must not begin; empty where it may."""
    return (
        *find_missing_words(request.by, request.why, policy),
        *_set_otherwise(request.bot, ground, policy),
        *_not_trading(ground.evidence),
        *find_causes(ground.evidence, policy, now),
        *(f"a breach is open: {episode}" for episode in ground.episodes),
    )


def _set_otherwise(bot: str, ground: Ground, policy: RollbackPolicy) -> Iterator[str]:
    if not ground.allowed:
        yield f"bots.yaml: {bot}: drill: expected live, was never: nobody has said that it may be stopped for a drill"
    if not policy.auto_rollback.enabled:
        yield "rollback.yaml: auto_rollback.enabled: expected true, was false: no alert would stop a bot"
    if ground.dry_run:
        yield "the watcher runs with --dry-run: it commands no bot"
    if ground.other is not None:
        yield f"a drill that {ground.other.by} asked for at {ground.other.at:%Y-%m-%dT%H:%M:%SZ} is open"


def _not_trading(evidence: ResumeEvidence) -> Iterator[str]:
    if evidence.bot is None:
        yield "bot: expected its state, but it does not answer"
    elif evidence.bot.trading_state is not TradingState.ACTIVE:
        yield f"bot: expected ACTIVE, was {evidence.bot.trading_state.value}: only a bot that trades can be stopped"
