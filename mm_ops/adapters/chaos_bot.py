"""A bot under drill: looked at over its contract and its metrics, commanded, and given faults where it takes them.

Faults go to ``POST /faults``, an object of names and strengths; the bot has those and no others from then on. The paper
bot takes them with ``--allow-faults``; a staging bot, or what stands between it and its exchange, must offer the same.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from mm_ops.adapters.bot import OK, HttpBot
from mm_ops.adapters.bot_http import NoAnswerError, exchange, shown
from mm_ops.adapters.bot_scrape import scrape
from mm_ops.adapters.bot_state import read_token
from mm_ops.adapters.exposition import Sample
from mm_ops.domain.chaos.sight import Sight
from mm_ops.domain.errors import EffectNotConfirmedError, SchemaError, SourceUnavailableError
from mm_ops.domain.rollback.bot import BotState, Command

_MISSES, _STARTED = "mm_deadline_miss_total", "process_start_time_seconds"
_WITHIN_S = 1.0


class ChaosBot:
    """One bot that drills may be held on.

    Args:
        url: of its control API, its metrics and its faults.
        now: the UTC wall time.
        token_file: holds the bearer token.
    """

    def __init__(self, url: str, now: Callable[[], datetime], token_file: Path | None = None) -> None:
        self._url, self._now, self._token_file = url.rstrip("/"), now, token_file
        self._control = HttpBot(url, token_file=token_file)
        self._confirmed: bool | None = None

    @property
    def where(self) -> str:
        """Its address, without what may be secret in it."""
        return shown(self._url)

    def forget(self) -> None:
        """Let how the last command ended be no part of the next looks."""
        self._confirmed = None

    def look(self) -> Sight:
        """Look once; what cannot be read is ``None``."""
        state = self._state()
        samples: list[Sample] = []
        with suppress(SourceUnavailableError, SchemaError):
            samples = scrape(f"{self._url}/metrics", within_s=_WITHIN_S)
        return Sight(
            state=state,
            misses=_value(samples, _MISSES),
            started_s=_value(samples, _STARTED),
            skew_s=None if state is None else (state.observed_at - self._now()).total_seconds(),
            confirmed=self._confirmed,
        )

    def command(self, command: Command, key: str) -> None:
        """Give a command; how it ended is part of the next looks."""
        try:
            self._control.apply(command, key)
        except (SourceUnavailableError, EffectNotConfirmedError):
            self._confirmed = False
        else:
            self._confirmed = True

    def inject(self, faults: Mapping[str, float]) -> None:
        """Let these faults, and no others, be the case.

        Raises:
            SourceUnavailableError: the bot does not take them.
        """
        token = read_token(self._token_file)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            answer = exchange("POST", f"{self._url}/faults", within_s=_WITHIN_S, headers=headers, body=dict(faults))
        except NoAnswerError as error:
            raise SourceUnavailableError(f"{self.where}/faults: {error}") from error
        if answer.status != OK:
            raise SourceUnavailableError(f"{self.where}/faults: takes no faults: {answer.words()}")

    def _state(self) -> BotState | None:
        try:
            return self._control.read()
        except SourceUnavailableError:
            return None


def _value(samples: list[Sample], metric: str) -> float | None:
    return next((sample.value for sample in samples if sample.metric == metric), None)
