"""What the edge sentinel knows of a bot: the stored history, held against what Dagster has on record of it.

The file holds all of it; the record of each materialisation holds the file's digest and the state. A file that lacks is
made anew from the record, and one that was written and not recorded names the recorded one as its predecessor.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.defs.keys import BotKeys
from mm_ops.defs.records import DIGESTS, latest_materialisation
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import IntegrityError

if TYPE_CHECKING:
    from mm_ops.domain.sentinel.edge_history import EdgeHistory

KNOWN = "known"
"""Metadata of a materialisation: state, effect and revision, without the windows."""


def find_history(
    instance: dg.DagsterInstance, site: Site, bot: Bot, say: Callable[[str], Any]
) -> "tuple[EdgeHistory, str | None]":
    """Find what is known of a bot, and the digest of the file that says it.

    Raises:
        IntegrityError: the file is neither the recorded one nor its successor.
        SchemaError: it is no history.
    """
    from mm_ops.domain.sentinel.edge_history import EdgeHistory

    evidence = site.evidence(bot)
    name = evidence.edge_profile()
    data, made = evidence.find(name), latest_materialisation(instance, BotKeys(bot.name).edge_profile, None)
    if data is None:
        known = None if made is None or KNOWN not in made.metadata else made.metadata[KNOWN].value
        if isinstance(known, dict):
            say(f"{evidence.address(name)}: not there; the state is taken from Dagster's record")
            return EdgeHistory.load(known, f"{bot.name}: record"), None
        return EdgeHistory(), None
    history, found = EdgeHistory.load(evidence.read_json(name), evidence.address(name)), digest(data)
    recorded = _recorded(made, name)
    if recorded not in {None, found, history.previous}:
        raise IntegrityError(
            f"{evidence.address(name)}: altered since it was materialised: expected {recorded}, found {found}; move it "
            "away, and the state is taken from Dagster's record"
        )
    return history, found


def _recorded(made: dg.AssetMaterialization | None, name: str) -> str | None:
    digests = made.metadata[DIGESTS].value if made is not None and DIGESTS in made.metadata else None
    return digests.get(name) if isinstance(digests, dict) else None
