"""A whole deployment in a temporary folder: the project's own policies, other bots, its own evidence and runs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import dagster as dg
import yaml

from mm_ops.adapters.environment import Environment, WallClock
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.defs.fleet import Location, build_location
from mm_ops.defs.night import Night, run_night
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops_tests.conftest import LAST
from mm_ops_tests.requirements import PROJECT

NOW = "2026-11-21T00:30:00+00:00"


@dataclass(frozen=True)
class StandingClock(WallClock):
    """A clock beside a live bot that shows one time."""

    at: datetime

    def now(self) -> datetime:
        return self.at


class SiteAt(Site):
    """A site at whose live clock it is one time."""

    at: str

    def live_clock(self) -> WallClock:
        return StandingClock(datetime.fromisoformat(self.at))


@dataclass
class Deployment:
    """Where it lies, which recording each bot reads, and what was said on the way."""

    root: Path
    recordings: Mapping[str, Path]
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.copytree(PROJECT / "deploy", self.root / "deploy")
        for name in ("README.md", "CHANGELOG.md", "requirements.lock"):
            shutil.copyfile(PROJECT / name, self.root / name)
        bots = [self._bot(name, str(path)) for name, path in self.recordings.items()]
        fleet = {"first_day": "2025-01-01", "source": "made up for a test", "bots": bots}
        self.policy("bots.yaml").write_text(yaml.safe_dump(fleet))

    @staticmethod
    def _bot(name: str, path: str) -> dict[str, object]:
        return {
            "name": name,
            "version": "1.0.0",
            "samples": {"kind": "recording", "path": path},
            "fills": f"{path}/fills",
            "quotes": f"{path}/quotes",
            "results": f"{path}/results",
            "day_entries": "required",
            "symbols": ["AAA-USDT", "BBB-USDT"],
            "source": "made up for a test",
        }

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a command that runs here."""
        home = str(self.root / "dagster")
        return {"MM_OPS_ROOT": str(self.root), "CI_FAKE_UTC": NOW, "DAGSTER_HOME": home}

    def policy(self, name: str) -> Path:
        return self.root / "deploy/policies" / name

    def location(self) -> Location:
        return build_location(Site.of(Environment.read(self.variables)))

    def location_at(self, now: datetime) -> Location:
        """The same where the live clock shows a time."""
        site = Site.of(Environment.read(self.variables))
        return build_location(SiteAt(**{name: getattr(site, name) for name in Site.model_fields}, at=now.isoformat()))

    def bot(self, name: str = "paper") -> Bot:
        return next(bot for bot in self.location().fleet.bots if bot.name == name)

    def evidence(self, name: str = "paper") -> BotEvidence:
        return self.location().site.evidence(self.bot(name))

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        home = self.root / "dagster"
        home.mkdir(exist_ok=True)
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance

    def night(self, name: str = "paper") -> Night:
        with self.instance() as instance:
            return run_night(self.location(), instance, self.bot(name), LAST, self.said.append)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run ``mm-ops`` as a user does."""
        command: Sequence[str] = [sys.executable, "-m", "mm_ops", *arguments]
        seen = {**os.environ, **self.variables, **variables}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=seen, cwd=self.root)
