"""Asks the watcher's journal whether a promotion is held; one that cannot be read holds it too."""

from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.release.hold import Hearing, find_holds


def find_promotion_holds(site: Site, bot: Bot) -> list[str]:
    """List why a bot's promotion is held.

    A bot without a control is stopped by nobody, so no watcher is missed. Where bots.yaml says that its watcher is
    ``optional``, a project in which no watcher ever ran, and that names no journal, is not held (decision 0013).
    """
    from mm_ops.adapters.journal_follow import following
    from mm_ops.domain.rollback.policy import Response, RollbackPolicy

    place, required = site.journal(), bot.watcher == "required"
    if bot.control is None or not (required or place.named or place.is_there):
        return []
    policy, now = site.policy("rollback.yaml", RollbackPolicy), site.live_clock().now()
    named = {response: [rule.name for rule in policy.alerts if rule.response is response] for response in Response}
    try:
        with following(place) as journal:
            beats = [beat for name in named[Response.HEARTBEAT] if (beat := journal.last_heard(name)) is not None]
            hearing = Hearing(
                blind=journal.blind(),
                last_beat=max(beats, default=None),
                holding=tuple(journal.open_breaches(bot.name, named[Response.HOLD], now - policy.max_event_age.length)),
            )
    except MmOpsError as error:
        return [f"held: whether alerts of the bot are heard is not known: {error}"]
    held = list(find_holds(hearing, required=required, silent_after=policy.blind_after.length, now=now))
    if held and not required and not place.named:
        held.append(f"bots.yaml requires no watcher of {bot.name}: where none is meant to run, move {place.path} away")
    return held
