"""The fleet: which bots there are and where their evidence comes from."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.policy import CLOSED, BotName, Source
from mm_ops.domain.windows import Duration

Owner = Annotated[str, Field(pattern=r"^(team:[\w-]+|[\w.+-]+@[\w-]+(\.[\w-]+)+)$")]
"""``team:<name>`` or an e-mail address: what Dagster takes for an owner, and shows."""
SERVER_TIMEOUT = timedelta(seconds=60)
"""For a server named on the command line; a day of raw samples took about 2 s when measured."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Recorded:
    """Samples from a folder that a recorder writes, one file a day."""

    kind: Literal["recording"]
    path: str

    @property
    def words(self) -> str:
        """Where samples come from, for reports."""
        return f"recording {self.path}"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Scraped:
    """Samples from a Prometheus server; ``match`` must select exactly this bot."""

    kind: Literal["prometheus"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    match: dict[str, str]
    timeout: Duration

    @property
    def words(self) -> str:
        """Where samples come from, for reports."""
        labels = ",".join(f'{name}="{value}"' for name, value in sorted(self.match.items()))
        return f"Prometheus {self.url} {{{labels}}}"

    def __post_init__(self) -> None:
        if not self.match:
            raise ValueError("match: name at least one label, or the series of every bot would be mixed")


Samples = Annotated[Recorded | Scraped, Field(discriminator="kind")]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class HttpControl:
    """A bot that keeps ``deploy/bot/openapi.yaml``; ``token_file`` holds its bearer token, where it asks for one.

    ``metrics`` is where it is scraped, by default ``/metrics`` at the same address.
    """

    kind: Literal["http"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    token_file: str | None = None
    metrics: Annotated[str, Field(pattern=r"^https?://")] | None = None

    @property
    def metrics_url(self) -> str:
        """Where it is scraped."""
        return self.metrics or f"{self.url.rstrip('/')}/metrics"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class OverridesControl:
    """A bot that watches the file ``overrides`` and writes what it is to the file ``state``; scraped at ``metrics``."""

    kind: Literal["overrides"]
    overrides: str
    state: str
    metrics: Annotated[str, Field(pattern=r"^https?://")] | None = None

    @property
    def metrics_url(self) -> str | None:
        """Where it is scraped, if that is known."""
        return self.metrics


Control = Annotated[HttpControl | OverridesControl, Field(discriminator="kind")]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class LiveDrills:
    """Drills that ``chaos_drill`` holds itself, on the bot of staging at ``url``; without one on an embedded paper bot.

    ``token_file`` holds its bearer token, where it asks for one.
    """

    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    token_file: str | None = None


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class JunitPlace:
    """Where the JUnit XML of a day's test run is: a path, or an ``http(s)`` URL; ``{day}`` in it is the UTC day.

    ``token_file`` holds the bearer token that the URL asks for.
    """

    at: Annotated[str, Field(min_length=1)]
    token_file: str | None = None

    def of_day(self, day: date) -> str:
        """The path or the URL of a day."""
        return self.at.replace("{day}", day.isoformat())


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Bot:
    """One bot; paths are relative to the project or absolute.

    ``version`` is the bot's, the one that is judged and released. ``fills`` and ``quotes`` hold
    ``date=…/symbol=…`` folders, ``results`` one ``date=…`` folder a day with ``chaos_drill.json`` and
    ``junit.xml``. With ``day_entries: required`` no file is believed without its digest in ``days/date=…/day.json``
    beside these folders. ``symbols`` are those that it trades every day: without fills of one, a day's edge is not
    whole. ``known_good`` is the ``soak_metrics.json`` of the release that this one is compared with.
    ``control`` is how it is stopped; without one an alert on it can only page. ``drill: live`` lets a fire drill stop
    it while it trades. Where it has a control and its ``watcher`` is ``required``, no version of it is promoted unless
    the journal says that a watcher hears; ``optional`` asks for that only where there is a journal.
    ``chaos`` lets drills be held and not read from ``results``; ``tests`` says where else the JUnit XML is.
    ``owners`` are those whom the UI names for its assets, by default the fleet's.
    """

    name: BotName
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+([-+.][0-9A-Za-z.-]+)?$")]
    samples: Samples
    fills: str
    quotes: str
    results: str
    day_entries: Literal["required", "none"]
    symbols: Annotated[tuple[str, ...], Field(min_length=1)]
    known_good: str | None = None
    control: Control | None = None
    drill: Literal["live", "never"] = "never"
    watcher: Literal["required", "optional"] = "required"
    chaos: LiveDrills | None = None
    tests: JunitPlace | None = None
    owners: tuple[Owner, ...] = ()
    source: Source

    def __post_init__(self) -> None:
        if self.drill == "live" and self.control is None:
            raise ValueError("drill: expected never for a bot without a control: nobody could stop it")

    @property
    def origin(self) -> str:
        """The digest of where its evidence comes from: other places are other evidence."""
        elsewhere = [] if self.tests is None else [self.tests.at]
        return digest(encode([self.samples, self.fills, self.quotes, self.results, self.symbols, *elsewhere]))


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Fleet:
    """All bots, the first UTC day for which evidence may exist, and whose everything is that names no other owners."""

    first_day: date
    owners: tuple[Owner, ...] = ()
    bots: tuple[Bot, ...]
    source: Source

    def __post_init__(self) -> None:
        doubled = [name for name, count in Counter(bot.name for bot in self.bots).items() if count > 1]
        if doubled:
            raise ValueError(f"bots: expected every name once, was twice: {', '.join(doubled)}")
        if not self.bots:
            raise ValueError("bots: expected at least one bot, was none")


def choose(fleet: Fleet, names: Collection[str]) -> Fleet:
    """Keep only the named bots, or all where none is named.

    Raises:
        PolicyError: a name is not in the fleet.
    """
    known = {bot.name: bot for bot in fleet.bots}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise PolicyError(f"no bot {', '.join(unknown)} in bots.yaml; there are: {', '.join(known)}")
    return replace(fleet, bots=tuple(known[name] for name in names)) if names else fleet


def refuse_drills_on(fleet: Fleet, url: str) -> None:
    """Refuse the address at which a bot is controlled, unless it may be drilled while it trades.

    Raises:
        PolicyError: names the bot.
    """
    for bot in fleet.bots:
        if isinstance(bot.control, HttpControl) and bot.drill != "live" and _server(bot.control.url) == _server(url):
            raise PolicyError(
                f"{bot.name} is controlled there (bots.yaml), and a drill would cut it off, restart and halt it: "
                f"name a bot of staging, or set drill: live for {bot.name}"
            )


def _server(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    host = (parts.hostname or "").replace("localhost", "127.0.0.1")
    return host, parts.port or (443 if parts.scheme == "https" else 80)


def choose_one(fleet: Fleet, name: str | None) -> Bot:
    """The named bot, or the only one.

    Raises:
        PolicyError: the name is not in the fleet, or none was given and there are several.
    """
    bots = choose(fleet, (name,) if name else ()).bots
    if len(bots) != 1:
        raise PolicyError(f"--bot: expected one of {', '.join(bot.name for bot in bots)}")
    return bots[0]


def read_from_prometheus(fleet: Fleet, url: str) -> Fleet:
    """Let every bot's samples come from one server, selected by the label ``bot``.

    Raises:
        PolicyError: the address is not one of HTTP.
    """
    if not url.startswith(("http://", "https://")):
        raise PolicyError(f"expected the address of a Prometheus (http://…), was {url!r}")
    bots = [
        replace(bot, samples=Scraped(kind="prometheus", url=url, match={"bot": bot.name}, timeout=SERVER_TIMEOUT))
        for bot in fleet.bots
    ]
    return replace(fleet, bots=tuple(bots))
