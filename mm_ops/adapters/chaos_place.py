"""Where drills are held: on an embedded paper bot that runs while they are, or on a bot of staging at an address."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mm_ops.adapters.chaos_bot import ChaosBot
from mm_ops.adapters.chaos_run import ChaosRun
from mm_ops.adapters.environment import WallClock
from mm_ops.domain.bots import Fleet, refuse_drills_on
from mm_ops.domain.chaos.policy import ChaosPolicy, Drill
from mm_ops.domain.chaos.report import chaos_document
from mm_ops.domain.errors import SourceUnavailableError

_ENDS_WITHIN_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The address of a bot that takes faults, and the file of its token; an embedded bot without an address.

    ``fleet`` are the bots of which none may be drilled by mistake.
    """

    fleet: Fleet
    url: str | None = None
    token_file: Path | None = None


def hold_drills(
    policy: ChaosPolicy, drills: Sequence[Drill], place: Place, *, seed: int, day: date, say: Callable[[str], None]
) -> dict[str, Any]:
    """Hold drills, and tell what was expected and observed: :func:`mm_ops.domain.chaos.report.chaos_document`.

    Args:
        policy: how fast an embedded bot's clock runs, and how long a bot may take to quote.
        drills: those to be held, in order.
        place: where.
        seed: of how long each lasts.
        day: the UTC day that they are held for.
        say: told of how far it is.

    Raises:
        PolicyError: the address is that of a bot that trades.
        SourceUnavailableError: none could be held.
    """
    if place.url is not None:
        refuse_drills_on(place.fleet, place.url)
    clock, speed = WallClock(), policy.speed if place.url is None else 1.0
    with _bot(place.url, speed) as address:
        bot = ChaosBot(address, clock.now, place.token_file)
        runner = ChaosRun(bot=bot, policy=policy, clock=clock, seed=seed, began=clock.now(), speed=speed, say=say)
        held = runner.hold(drills)
        state = bot.look().state
    if not any(item.observed for item in held):
        raise SourceUnavailableError(f"{bot.where}: no drill could be held: {held[0].fault}")
    about = {
        "where": "an embedded paper bot" if place.url is None else bot.where,
        "version": None if state is None else state.version,
        "speed": speed,
    }
    return chaos_document(held, drills, seed=seed, day=day, bot=about)


@contextmanager
def _bot(url: str | None, speed: float) -> Iterator[str]:
    """The address of the bot; an embedded one runs until the block ends, with files of its own."""
    if url is not None:
        yield url
        return
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mm_ops", "paperbot", "serve", "--port", str(port), "--speed", str(speed)]
        command += ["--allow-faults", "--state-file", str(Path(folder) / "state.json")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
