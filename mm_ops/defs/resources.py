"""Adapters, configured: Dagster's only door to policies, sources, evidence, clock and environment."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import dagster as dg

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.environment import Environment
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.bots import Bot, Fleet, Recorded, Scraped
from mm_ops.domain.canonical import digest
from mm_ops.domain.provenance import Current

if TYPE_CHECKING:
    from mm_ops.domain.sli.series import SampleSource

T = TypeVar("T")


class Site(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where this deployment keeps things; see :class:`mm_ops.adapters.environment.Environment`."""

    root: str
    policies: str
    artifacts: str
    fake_utc: str | None = None

    @classmethod
    def of(cls, environment: Environment) -> Self:
        """Configure from the environment."""
        fake = environment.fake_utc
        return cls(
            root=str(environment.root),
            policies=str(environment.policies),
            artifacts=environment.artifacts,
            fake_utc=fake.isoformat() if fake else None,
        )

    def environment(self) -> Environment:
        """The environment it was configured from."""
        fake = datetime.fromisoformat(self.fake_utc) if self.fake_utc else None
        return Environment(Path(self.root), Path(self.policies), self.artifacts, fake)

    def now(self) -> datetime:
        """The UTC time, or ``CI_FAKE_UTC``."""
        return self.environment().now()

    def path(self, relative: str) -> Path:
        """A path of a policy file."""
        return self.environment().path(relative)

    def policy(self, name: str, kind: type[T]) -> T:
        """Read one policy."""
        return read_policy(Path(self.policies) / name, kind)

    def policy_digests(self, *names: str) -> dict[str, str]:
        """The digest of each policy file that a result rests on."""
        return {name: digest((Path(self.policies) / name).read_bytes()) for name in names}

    def basis(self, bot: Bot, *policies: str, inputs: Iterable[str] = ()) -> dict[str, Any]:
        """Say what a document rests on: ``version``, ``policies`` and ``inputs`` with their digests as they are now."""
        current = self.current(bot)
        return {
            "version": bot.version,
            "policies": self.policy_digests(*policies),
            "inputs": {name: None if (data := current.read(name)) is None else digest(data) for name in inputs},
        }

    def current(self, bot: Bot) -> Current:
        """What is there now for a bot; each file is read once."""
        return Current(cache(self.evidence(bot).find), cache(self._find_policy_digest), bot.version)

    def _find_policy_digest(self, name: str) -> str | None:
        path = Path(self.policies) / name
        return digest(path.read_bytes()) if path.is_file() else None

    def fleet(self) -> Fleet:
        """The bots."""
        return self.policy("bots.yaml", Fleet)

    def evidence(self, bot: Bot) -> BotEvidence:
        """The bot's stored evidence."""
        return BotEvidence(Artifacts(self.artifacts), bot.name)

    def samples(self, bot: Bot) -> "SampleSource":
        """Where the bot's samples come from."""
        match bot.samples:
            case Recorded(path=path):
                from mm_ops.adapters.recording import RecordingSamples

                return RecordingSamples(self.path(path))
            case Scraped(url=url, match=labels, timeout=timeout):
                from mm_ops.adapters.prometheus import PrometheusSamples

                return PrometheusSamples(url, labels, timeout)

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

    def result_file(self, bot: Bot, day: date, name: str) -> Path:
        """A result file that the bot's own pipeline wrote for a day."""
        return self.path(bot.results) / f"date={day.isoformat()}" / name
