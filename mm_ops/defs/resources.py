"""Adapters, configured: Dagster's only door to policies, sources, evidence, clock and environment."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import dagster as dg

from mm_ops import __version__
from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.current import current_of, find_digest
from mm_ops.adapters.environment import Environment, WallClock
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.adapters.fleet_file import Loaded, read_sound_bots
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.bots import Bot, Fleet, Recorded, Scraped
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import MissingEvidenceError
from mm_ops.domain.provenance import Current

if TYPE_CHECKING:
    from mm_ops.adapters.journal_follow import JournalPlace
    from mm_ops.domain.rollback.bot import BotControl
    from mm_ops.domain.rollback.policy import RollbackPolicy
    from mm_ops.domain.rollback.report.halt import Look
    from mm_ops.domain.sli.series import SampleSource

T = TypeVar("T")


class Site(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where this deployment keeps things; see :class:`mm_ops.adapters.environment.Environment`."""

    root: str
    policies: str
    artifacts: str
    fake_utc: str | None = None
    reports_url: str | None = None

    @classmethod
    def of(cls, environment: Environment) -> Self:
        """Configure from the environment."""
        fake = environment.fake_utc
        return cls(
            root=str(environment.root),
            policies=str(environment.policies),
            artifacts=environment.artifacts,
            fake_utc=fake.isoformat() if fake else None,
            reports_url=environment.reports_url,
        )

    def environment(self) -> Environment:
        """The environment it was configured from."""
        fake = datetime.fromisoformat(self.fake_utc) if self.fake_utc else None
        return Environment(Path(self.root), Path(self.policies), self.artifacts, fake, self.reports_url)

    def now(self) -> datetime:
        """The UTC time, or ``CI_FAKE_UTC``."""
        return self.environment().now()

    def live_clock(self) -> WallClock:
        """The clock of what runs beside a live bot; ``CI_FAKE_UTC`` does not change it."""
        return WallClock()

    def path(self, relative: str) -> Path:
        """A path of a policy file."""
        return self.environment().path(relative)

    def policy(self, name: str, kind: type[T]) -> T:
        """Read one policy."""
        return read_policy(Path(self.policies) / name, kind)

    def policy_digests(self, *names: str) -> dict[str, str]:
        """The digest of each policy file that a result rests on."""
        return {name: digest((Path(self.policies) / name).read_bytes()) for name in names}

    def basis(
        self, bot: Bot, stored_as: str, *policies: str, inputs: Iterable[str] = (), day: date | None = None
    ) -> dict[str, Any]:
        """Say whose a document is and what it rests on, with the digests as they are now.

        With ``day`` also the entries that the bot's recorders keep of that day's files.
        """
        current = self.current(bot)
        return {
            "stored_as": stored_as,
            "version": bot.version,
            "made_by": __version__,
            "origin": bot.origin,
            "sources": {} if day is None else self._source_entries(bot, day),
            "policies": self.policy_digests(*policies),
            "inputs": {name: None if (data := current.read(name)) is None else digest(data) for name in inputs},
        }

    def current(self, bot: Bot) -> Current:
        """What is there now for a bot; each file is read once."""
        return current_of(self.environment(), bot, self.artifacts)

    def require_entries(self, bot: Bot, day: date) -> None:
        """Refuse files whose recorder should keep the digests of a day, and does not.

        Raises:
            MissingEvidenceError: names the entry that is not there.
        """
        self._require(bot, self._entry_names(bot, day))

    def require_sample_entry(self, bot: Bot, day: date) -> None:
        """As ``require_entries``, for the samples alone; a server's have no recorder.

        Raises:
            MissingEvidenceError: names the entry that is not there.
        """
        if isinstance(bot.samples, Recorded):
            self._require(bot, [_entry_name(bot.samples.path, day)])

    def _require(self, bot: Bot, names: list[str]) -> None:
        missing = [str(path) for name in names if not (path := self.path(name)).is_file()]
        if bot.day_entries == "required" and missing:
            raise MissingEvidenceError(
                f"{', '.join(missing)}: no digests of that day; record it again, or see bots.yaml"
            )

    def _entry_names(self, bot: Bot, day: date) -> list[str]:
        folders = [bot.fills, bot.quotes, bot.results]
        roots = [str(Path(folder).parent) for folder in folders]
        roots += [bot.samples.path] if isinstance(bot.samples, Recorded) else []
        return list(dict.fromkeys(_entry_name(root, day) for root in roots))

    def sample_origin(self, bot: Bot, day: date) -> str:
        """Where a day's samples come from, in words; of a recording with the digest of what it holds."""
        if not isinstance(bot.samples, Recorded):
            return bot.samples.words
        return f"{bot.samples.words} {find_digest(self.path(_entry_name(bot.samples.path, day)))}"

    def _source_entries(self, bot: Bot, day: date) -> dict[str, str | None]:
        return {name: find_digest(self.path(name)) for name in self._entry_names(bot, day)}

    def fleet(self) -> Fleet:
        """The bots, each of them sound: for what decides over all at once."""
        return self.policy("bots.yaml", Fleet)

    def sound_bots(self) -> Loaded:
        """The bots whose entries are sound, and what is wrong with the others."""
        return read_sound_bots(Path(self.policies) / "bots.yaml")

    def store(self) -> Artifacts:
        """Everything that is stored, of all bots."""
        return Artifacts(self.artifacts, self.reports_url)

    def evidence(self, bot: Bot) -> BotEvidence:
        """The bot's stored evidence."""
        return BotEvidence(self.store(), bot.name)

    def samples(self, bot: Bot, settled: timedelta | None = None) -> "SampleSource":
        """Where the bot's samples come from; ``settled``: how long a window must be over, by default as for a day."""
        match bot.samples:
            case Recorded(path=path):
                from mm_ops.adapters.recording import RecordingSamples

                return RecordingSamples(self.path(path))
            case Scraped(url=url, match=labels, timeout=timeout):
                from mm_ops.adapters.prometheus import PrometheusSamples
                from mm_ops.adapters.server_clock import SETTLED

                now = None if self.fake_utc else self.now
                return PrometheusSamples(url, labels, timeout, now=now, settled=settled or SETTLED)

    def known_good(self, bot: Bot) -> dict[str, Any] | None:
        """The soak of the release that the bot is compared with; ``None`` where none is named.

        Raises:
            MissingEvidenceError: it is named and not there.
            SchemaError: it is no JSON object.
        """
        if bot.known_good is None:
            return None
        from mm_ops.adapters.json_files import read_soak

        return read_soak(self.path(bot.known_good))

    def known_good_digest(self, bot: Bot) -> str | None:
        """The digest of that soak; ``None`` where none is named, or it is not there."""
        return None if bot.known_good is None else find_digest(self.path(bot.known_good))

    def result_file(self, bot: Bot, day: date, name: str) -> Path:
        """A result file that the bot's own pipeline wrote for a day."""
        return self.path(bot.results) / f"date={day.isoformat()}" / name

    def journal(self) -> "JournalPlace":
        """Where the rollback journal is. It is read here and not configured: its URL may hold a password."""
        from mm_ops.adapters.journal_follow import JournalPlace

        return JournalPlace.of(self.environment())

    def control(self, bot: Bot, policy: "RollbackPolicy") -> "BotControl | None":
        """How the bot is read and commanded; ``None`` where bots.yaml does not say."""
        from mm_ops.adapters.bot_controls import controls_of

        fleet = Fleet(first_day=date.min, bots=(bot,), source="the one bot that is asked for")
        return controls_of(fleet, self.path, WallClock().now, within=policy.attempts.attempt).get(bot.name)

    def look_at(self, bot: Bot, policy: "RollbackPolicy") -> "Look":
        """Read state and metrics of a live bot once, in the time that an attempt has."""
        from mm_ops.adapters.bot_scrape import look_at

        metrics = None if bot.control is None else bot.control.metrics_url
        return look_at(self.control(bot, policy), metrics, WallClock().now, within=policy.attempts.attempt)


def _entry_name(root: str, day: date) -> str:
    """Where a recorder keeps the digests of a day's files."""
    return f"{root}/days/date={day}/day.json"
