"""Where the samples of a soak come from, and what they are judged by: shared by ``soak`` and ``replay``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mm_ops.cli.context import FIRST_YEAR, LAST_YEAR, ServerUrl, policy_file

if TYPE_CHECKING:
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.sli.series import SampleSource
    from mm_ops.domain.soak.policy import SoakPolicy

F = TypeVar("F", bound=Callable[..., Any])
_MOCK = "var/recordings/paper"


class Moment(click.ParamType[datetime]):
    """An ISO time with a zone, or a date, which stands for its midnight in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        moment = value if isinstance(value, datetime) else self._read(value, param, ctx)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            self.fail(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}, was {value!r}", param, ctx)
        return moment.astimezone(UTC)

    def _read(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            day = date.fromisoformat(value)
            return datetime.combine(day, time.min, UTC)
        except ValueError:
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"expected a date or an ISO time such as 2026-11-20T06:00:00Z, was {value!r}", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"expected a zone (a Z at the end), was {value!r}", param, ctx)
        return moment


@dataclass(frozen=True, slots=True)
class Origin:
    """Where samples come from, by flag: exactly one."""

    mock: bool
    recording: Path | None
    prometheus: str | None
    bot: str
    timeout: int | None

    def open(self) -> "tuple[SampleSource, str]":
        """The source, and its name in words."""
        from mm_ops.adapters.environment import Environment
        from mm_ops.domain.bots import SERVER_TIMEOUT

        if sum([self.mock, self.recording is not None, self.prometheus is not None]) != 1:
            raise click.UsageError("say where from, once: --mock, --recording PATH or --prometheus URL")
        if self.prometheus is not None:
            from mm_ops.adapters.prometheus import PrometheusSamples

            environment = Environment.read()
            now = environment.now if environment.fake_utc is None else None  # a time that is made up has no skew
            timeout = SERVER_TIMEOUT if self.timeout is None else timedelta(seconds=self.timeout)
            source = PrometheusSamples(self.prometheus, {"bot": self.bot}, timeout, now=now)
            return source, f'prometheus, bot="{self.bot}"'
        from mm_ops.adapters.recording import RecordingSamples

        return RecordingSamples(self.folder or Environment.read().path(_MOCK)), "recording"

    @property
    def folder(self) -> Path | None:
        """The recording's folder; none where a server is asked."""
        from mm_ops.adapters.environment import Environment

        return Environment.read().path(_MOCK) if self.mock else self.recording


def origin_options(command: F) -> F:
    """Add the flags that say where samples come from, and which version must have made them."""
    for option in (
        click.option("--expect-version", help="The version that must have run; default the bot's in bots.yaml."),
        click.option("--bot", default="paper", show_default=True, help='With --prometheus: the matcher bot="…".'),
        click.option(
            "--timeout", type=click.IntRange(1), help="Seconds for all that --prometheus answers; default 60."
        ),
        click.option("--prometheus", type=ServerUrl(), help="Read raw samples from this Prometheus."),
        click.option("--recording", type=click.Path(path_type=Path, file_okay=False), help="Read this recording."),
        click.option("--mock", is_flag=True, help="Read the paper bot's recording in var/recordings/paper."),
    ):
        command = option(command)
    return command


def read_policies(soak: Path | None = None) -> "tuple[SliCatalogue, SoakPolicy, dict[str, str]]":
    """Read ``slis.yaml`` and ``soak.yaml`` (or another in its place), which must agree; and the digest of each."""
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.canonical import digest
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.soak.policy import SoakPolicy
    from mm_ops.domain.soak.resolve import resolve

    files = {"slis.yaml": policy_file("slis.yaml"), "soak.yaml": soak or policy_file("soak.yaml")}
    slis, policy = read_policy(files["slis.yaml"], SliCatalogue), read_policy(files["soak.yaml"], SoakPolicy)
    resolve(slis, policy)
    return slis, policy, {name: digest(path.read_bytes()) for name, path in files.items()}


def version_of(bot: str) -> str | None:
    """The version that the fleet's policy names; ``None`` where it knows no such bot, and the gate then says so."""
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.bots import Fleet

    if not policy_file("bots.yaml").is_file():
        return None
    return next((one.version for one in read_policy(policy_file("bots.yaml"), Fleet).bots if one.name == bot), None)
