"""What the bot's pipeline found on a day: read where it lies, fetched, or, of drills, held now."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from mm_ops.adapters.result_files import read_drill, read_junit
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot, LiveDrills
from mm_ops.domain.errors import MissingEvidenceError
from mm_ops.domain.windows import DAY, format_duration


def drill_of_day(site: Site, bot: Bot, day: date, name: str) -> dict[str, Any]:
    """The day's drills, with what they rest on: those that are on file, or, where bots.yaml says so, held now.

    Raises:
        MmOpsError: there are none, or none that can be held for that day any more.
    """
    if bot.chaos is not None:
        return {**_held_now(site, bot.chaos, day), **site.basis(bot, name)}
    site.require_entries(bot, day)
    return {**read_drill(site.result_file(bot, day, "chaos_drill.json"), day), **site.basis(bot, name, day=day)}


def tests_of_day(site: Site, bot: Bot, day: date, name: str) -> dict[str, Any]:
    """The day's test run, with what it rests on: what is on file, or what bots.yaml says to read instead.

    Raises:
        MmOpsError: there is none.
    """
    if bot.tests is None:
        site.require_entries(bot, day)
        return {**read_junit(site.result_file(bot, day, "junit.xml"), day), **site.basis(bot, name, day=day)}
    from mm_ops.adapters.junit_source import read_test_run

    token = None if bot.tests.token_file is None else site.path(bot.tests.token_file)
    found = read_test_run(bot.tests.of_day(day), day, root=site.path("."), token_file=token)
    return {**found, **site.basis(bot, name)}


def _held_now(site: Site, drills: LiveDrills, day: date) -> dict[str, Any]:
    from mm_ops.adapters.chaos_place import Place, hold_drills
    from mm_ops.domain.chaos.policy import ChaosPolicy

    policy, now = site.policy("chaos.yaml", ChaosPolicy), site.now()
    ago = now - datetime.combine(day + DAY, time.min, UTC)
    if ago > policy.counts_within:
        most = format_duration(policy.counts_within)
        raise MissingEvidenceError(
            f"no drill can be held for {day} any more: it ended {ago // timedelta(hours=1)} h ago, "
            f"at most {most} may pass (chaos.yaml)"
        )
    token = None if drills.token_file is None else site.path(drills.token_file)
    fleet = site.fleet() if drills.url else site.sound_bots().fleet  # any other might be controlled at that address
    place = Place(fleet=fleet, url=drills.url, token_file=token)
    seed = day.toordinal()  # another length each day, and the same again
    found = hold_drills(policy, policy.drills, place, seed=seed, day=day, say=lambda _: None)
    return {**found, "held_at": now}
