"""The night of one bot: what is missing is made, the day is judged, and one word is said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from mm_ops.adapters.log_lines import known
from mm_ops.defs.automation import days_as_of, refuse_unless_complete
from mm_ops.defs.fleet import Location
from mm_ops.defs.judgement import decide_exit_code
from mm_ops.defs.keys import PROMETHEUS_RULES, BotKeys
from mm_ops.defs.runs import Outcome, find_missing, overrides_of, run_assets
from mm_ops.domain.bots import Bot, Scraped
from mm_ops.domain.verdict import Verdict

UNDECIDED = 2
BY_OVERRIDE = "GO BY OVERRIDE"
SHARED = "catalogue"


@dataclass(frozen=True, slots=True)
class Night:
    """One bot's night: the runs that filled gaps, the run of the day, the exit code, bundles that were taken away."""

    bot: str
    day: date
    filled: Sequence[Outcome]
    outcome: Outcome
    exit_code: int
    withdrawn: Sequence[str]

    @property
    def word(self) -> str:
        """GO or HOLD; anything that is not a clean GO is HOLD, and one that a person passed over is no clean GO."""
        if self.exit_code:
            return "HOLD"
        return BY_OVERRIDE if self.overrides else "GO"

    @property
    def overrides(self) -> list[str]:
        """Who passes over which hold until when, and why."""
        return overrides_of(self.outcome)

    @property
    def reasons(self) -> list[str]:
        """Why it is not GO: every hard check that did not pass, and every step that ended without a result."""
        judged = [
            f"{item.asset.to_user_string()}: {item.finding.gate}: {item.finding.reason}"
            for item in self.outcome.judged
            if item.finding.hard and item.finding.verdict is not Verdict.PASS
        ]
        return judged + [f"{asset.to_user_string()}: {why}" for asset, why in self.outcome.refusals.items()]


def run_night(
    location: Location, instance: dg.DagsterInstance, bot: Bot, day: date, tell: Callable[[str], None]
) -> Night:
    """Fill what readiness of ``day`` lacks, run the nightly job for the bot, and conclude.

    A day that cannot be filled is told and left missing: readiness then says HOLD, and names it.

    Raises:
        PolicyError: the day has not ended by the site's clock, or is before the fleet's first.
    """
    now = location.site.now()
    refuse_unless_complete(day, location.shape.first_day, now)
    with days_as_of(now), known(bot=bot.name, day=day.isoformat()):
        return _run_night(location, instance, bot, day, tell)


def _run_night(
    location: Location, instance: dg.DagsterInstance, bot: Bot, day: date, tell: Callable[[str], None]
) -> Night:
    keys = BotKeys(bot.name)
    filled = []
    for work in find_missing(instance, location.site, bot, location.shape, day):
        tell(f"nightly: {bot.name} {work.day}: {', '.join(key.path[-1] for key in work.assets)}")
        outcome = run_assets(location.definitions, instance, bot.name, work.day, work.assets)
        with known(run=outcome.run_id):
            for asset, why in outcome.refusals.items():
                tell(f"nightly: {bot.name} {work.day}: {asset.path[-1]}: {why}")
        filled.append(outcome)
        if isinstance(bot.samples, Scraped) and keys.sli_samples in outcome.refusals:
            tell(f"nightly: {bot.name}: the server did not answer for {work.day}, so it is not asked for other days")
            break
    tell(f"nightly: {bot.name} {day}: every asset and every check")
    outcome = run_assets(location.definitions, instance, bot.name, day, keys.all)
    graph = location.graphs[bot.name]
    built = keys.release_bundle in outcome.materialised
    code = decide_exit_code(outcome.judged, graph.hard | graph.of_bundle if built else graph.hard)
    evidence = location.site.evidence(bot)
    withdrawn = [evidence.address(name) for name in evidence.withdrawn_releases(day)]
    return Night(bot.name, day, filled, outcome, code or (UNDECIDED if outcome.refusals else 0), withdrawn)


@dataclass(frozen=True, slots=True)
class Shared:
    """What is of no single bot, made and judged, and the exit code."""

    outcome: Outcome
    exit_code: int


def run_shared(location: Location, instance: dg.DagsterInstance, day: date) -> Shared:
    """Make and judge what is of no single bot: the rules that watch the gates live."""
    with days_as_of(location.site.now()):
        outcome = run_assets(location.definitions, instance, SHARED, day, [PROMETHEUS_RULES])
    code = decide_exit_code(outcome.judged, location.shared.hard)
    return Shared(outcome, code or (UNDECIDED if outcome.refusals else 0))
