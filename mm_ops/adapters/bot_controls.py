"""How each bot of the fleet is read and commanded, as ``bots.yaml`` says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import assert_never

from mm_ops.adapters.bot import HttpBot
from mm_ops.adapters.bot_overrides import OverridesBot
from mm_ops.domain.bots import Fleet, HttpControl, OverridesControl
from mm_ops.domain.rollback.bot import BotControl


def controls_of(
    fleet: Fleet, path: Callable[[str], Path], clock: Callable[[], datetime], *, within: timedelta
) -> dict[str, BotControl]:
    """Build the control of each bot that has one, by the bot's name.

    Args:
        fleet: the bots.
        path: makes a path of one that a policy file names.
        clock: the UTC time, finer than a second: a state file is judged by it.
        within: for a whole read or command, with its second tries and its reading back: an executor's attempt.
    """
    found: dict[str, BotControl] = {}
    for bot in fleet.bots:
        match bot.control:
            case None:
                pass
            case HttpControl(url=url, token_file=name):
                token = None if name is None else path(name)
                found[bot.name] = HttpBot(url, timeout=within, attempt=within / 2, settle=within / 4, token_file=token)
            case OverridesControl(overrides=overrides, state=state):
                found[bot.name] = OverridesBot(path(overrides), path(state), clock, timeout=within)
            case unknown:
                assert_never(unknown)
    return found
