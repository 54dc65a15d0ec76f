"""What is there now of all that a stored document may rest on: see :mod:`mm_ops.domain.provenance`."""

from functools import cache
from pathlib import Path

from mm_ops import __version__
from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.environment import Environment
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import digest
from mm_ops.domain.provenance import Current


def find_digest(path: Path) -> str | None:
    """The digest of a file; ``None`` where there is none."""
    return digest(path.read_bytes()) if path.is_file() else None


def current_of(environment: Environment, bot: Bot, artifacts: str) -> Current:
    """Say what is there for a bot; each file is read once.

    Args:
        environment: policies, and the root that sources are below.
        bot: as bots.yaml says now.
        artifacts: the root of its stored evidence.
    """
    return Current(
        read=cache(BotEvidence(Artifacts(artifacts), bot.name).find),
        policy=cache(lambda name: find_digest(environment.policies / name)),
        source=cache(lambda name: find_digest(environment.path(name))),
        version=bot.version,
        made_by=__version__,
        origin=bot.origin,
        known_good=None if bot.known_good is None else find_digest(environment.path(bot.known_good)),
    )
