"""The policies that renderings are made of, checked against each other: they must agree before anything is written."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from mm_ops.domain.bots import Bot, Fleet, Scraped
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.policy import AlertingPolicy
from mm_ops.domain.sli.catalogue import Sli, SliCatalogue
from mm_ops.domain.sli.counters import CounterIncrease
from mm_ops.domain.sli.gauges import ConditionTime, Gauge
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.bucket_rules import Baseline, Trend
from mm_ops.domain.soak.policy import Alert, Gate, SoakPolicy
from mm_ops.domain.soak.resolve import resolve
from mm_ops.domain.windows import format_duration

LEAST_SCRAPES = 4
"""A range must hold so many scrapes. Source: Prometheus' advice for ``rate``: two are needed, and one may fail."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A gate that has an alert, with its SLI."""

    gate: Gate
    sli: Sli
    alert: Alert


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is measured, its limits, how it is watched, and for which bots.

    Raises:
        PolicyError: one line for each fault in which two of the files disagree.
    """

    slis: SliCatalogue
    soak: SoakPolicy
    alerting: AlertingPolicy
    fleet: Fleet

    def __post_init__(self) -> None:
        resolve(self.slis, self.soak)
        faults = [*_find_faults_of_names(self), *_find_faults_of_time(self), *_find_faults_of_bots(self)]
        if faults:
            raise PolicyError("\n".join(faults))

    @property
    def watched(self) -> list[Watched]:
        """The gates with an alert, in the order of the policy."""
        slis = {sli.name: sli for sli in self.slis.slis}
        return [Watched(gate, slis[gate.sli], gate.alert) for gate in self.soak.gates if gate.alert]

    @property
    def alert_names(self) -> list[str]:
        """Every alert that is rendered."""
        return [one.alert.name for one in self.watched] + self.alerting.alert_names

    @property
    def gated_slis(self) -> list[Sli]:
        """The SLIs that a gate reads, on its limit, its trend or its baseline."""
        rules: tuple[Gate | Trend | Baseline, ...] = (*self.soak.gates, *self.soak.trends, *self.soak.baselines)
        gated = {rule.sli for rule in rules}
        return [sli for sli in self.slis.slis if sli.name in gated]

    def needed(self) -> dict[str, list[Selector]]:
        """The series that must be there for every gate, by metric: of a counter each label value that is foreseen.

        Trends and comparisons also need to know of restarts.
        """
        wanted: dict[str, list[Selector]] = {}
        split = self.soak.trends or self.soak.baselines
        restarts = [Selector(self.soak.buckets.restart_metric)] if split else []
        for selector in itertools.chain(*(needed_series(sli) for sli in self.gated_slis), restarts):
            of_metric = wanted.setdefault(selector.metric, [])
            if selector not in of_metric:
                of_metric.append(selector)
        return wanted

    def gauges(self) -> list[Selector]:
        """The gauges that a gate reads."""
        measures = [sli.measure for sli in self.gated_slis]
        found = [one.selectors()[0] for one in measures if isinstance(one, Gauge | ConditionTime)]
        return [one for n, one in enumerate(found) if one not in found[:n]]

    def record_of(self, watched: Watched) -> str | None:
        """The name under which the value that the alert compares is stored, if it is."""
        names = {record.sli: record.name for record in self.alerting.records}
        if watched.alert.window is None or watched.sli.name not in names:
            return None
        return f"{names[watched.sli.name]}_{format_duration(watched.alert.window)}"


def needed_series(sli: Sli) -> list[Selector]:
    """The series that an SLI needs, each apart."""
    measure = sli.measure
    if not isinstance(measure, CounterIncrease):
        return list(measure.selectors())
    names, values = list(measure.by), itertools.product(*measure.by.values())
    return [
        Selector(measure.metric, {**measure.match, **dict(zip(names, combination, strict=True))})
        for combination in values
    ]


def matchers_of(bot: Bot) -> Mapping[str, str]:
    """The labels that select a bot's series; the recorder of a recording writes the bot's name into ``bot``."""
    return bot.samples.match if isinstance(bot.samples, Scraped) else {"bot": bot.name}


def _find_faults_of_names(catalogue: Catalogue) -> Iterator[str]:
    watched = {one.sli.name: one for one in catalogue.watched}
    taken = {one.alert.name for one in catalogue.watched} & set(catalogue.alerting.alert_names)
    for name in sorted(taken):
        yield f"alerting.yaml: {name}: soak.yaml has an alert of that name"
    for number, record in enumerate(catalogue.alerting.records):
        if record.sli not in watched or watched[record.sli].alert.window is None:
            expected = "expected an sli whose gate has an alert with a window"
            yield f"alerting.yaml: records.{number}.sli: {expected}, was {record.sli}"
    stalled = catalogue.alerting.no_data.stalled.metric
    if stalled not in catalogue.needed():
        yield f"alerting.yaml: no_data.stalled.metric: expected a metric that a gate reads, was {stalled}"


def _find_faults_of_time(catalogue: Catalogue) -> Iterator[str]:
    """``for`` and ranges that are no multiple of the interval mean more than they say: Prometheus rounds up."""
    least, interval = LEAST_SCRAPES * catalogue.soak.scrape_interval, catalogue.soak.evaluation_interval
    for where, length in _lengths(catalogue):
        if length % interval:
            yield f"{where}: expected a multiple of {format_duration(interval)}, was {format_duration(length)}"
        if where.endswith("window") and length < least:
            yield f"{where}: expected at least {format_duration(least)} (four scrapes), was {format_duration(length)}"
    if catalogue.alerting.prometheus.scrape_timeout > catalogue.soak.scrape_interval:
        longest = format_duration(catalogue.soak.scrape_interval)
        yield f"alerting.yaml: prometheus.scrape_timeout: expected at most the scrape interval, {longest}"


def _lengths(catalogue: Catalogue) -> Iterator[tuple[str, timedelta]]:
    for one in catalogue.watched:
        where = f"soak.yaml: {one.gate.name}: alert"
        yield f"{where}.hold", one.alert.hold
        yield f"{where}.keep_firing_for", one.alert.keep_firing_for
        if one.alert.window is not None:
            yield f"{where}.window", one.alert.window
    data = catalogue.alerting.no_data
    for name in ("absent", "not_finite", "stalled", "target_down"):
        yield f"alerting.yaml: no_data.{name}.hold", getattr(data, name).hold
    yield "alerting.yaml: no_data.stalled.window", data.stalled.window


def _find_faults_of_bots(catalogue: Catalogue) -> Iterator[str]:
    known = {bot.name for bot in catalogue.fleet.bots}
    for number, target in enumerate(catalogue.alerting.prometheus.targets):
        if target.bot not in known:
            where = f"alerting.yaml: prometheus.targets.{number}.bot"
            yield f"{where}: no bot {target.bot} in bots.yaml; there are: {', '.join(sorted(known))}"
    for bot in catalogue.fleet.bots:
        if matchers_of(bot).get("bot") != bot.name:
            yield f"bots.yaml: {bot.name}: samples.match: expected bot: {bot.name}, or its alerts would name no bot"
