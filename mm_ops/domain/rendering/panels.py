"""What the dashboard shows: one panel for a thing a trader asks about, each limit beside what it limits.

Every query is that of the catalogue, narrowed to the bot that the dashboard's variable names:

    counters, histograms   over the window of the gate's alert: what the alert compares
    gauges                 the worst sample of each step, so that a spike between two points is seen
    condition times        over the soak's window: what the gate compares

A gate without an alert is shown over the soak's window. A gate with an alert that no panel foresees gets one of its
own, and a panel whose gates are gone is left out: the dashboard follows the catalogue. (A gate without an alert is not
watched live, and needs no panel: the version of the bot, say.)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, assert_never

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.policy import Unit
from mm_ops.domain.sli.catalogue import Sli, SliCatalogue
from mm_ops.domain.sli.kinds import ConditionTime, CounterIncrease, Gauge, HistogramQuantile, Kind, Ratio
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.alerting import alert_value, comparison
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import Gate, SoakPolicy
from mm_ops.domain.soak.resolve import resolve
from mm_ops.domain.windows import format_duration

BOT = "bot"
"""The label that tells bots apart, and the dashboard's variable that chooses one."""

_CHOSEN = {BOT: f"${BOT}"}
_STEP = "$__rate_interval"
"""Grafana's range for one step: never shorter than four scrapes, so that no sample falls between two points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One query of a panel. ``gate`` is the rule whose limit is drawn for it; ``apart`` puts it on the right axis."""

    query: str
    legend: str
    unit: Unit
    gate: Gate | None = None
    apart: bool = False
    bars: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A title, what its limits are in words, and the curves, the first of which rules the left axis."""

    title: str
    description: str
    curves: tuple[Curve, ...]


Write = Callable[[Gate, Sli, SoakPolicy], str]
"""Writes a query from a gate, its SLI and the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """A curve that has no limit of its own, beside that of a gate."""

    legend: str
    write: Write
    apart: bool = False
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Topic:
    """One panel: the SLIs whose gates it draws, with their legends, and what stands beside the first."""

    title: str
    legends: Mapping[str, str]
    beside: _Beside | None = None


def plan_panels(slis: SliCatalogue, soak: SoakPolicy) -> tuple[Panel, ...]:
    """Choose the panels and write their queries.

    Raises:
        PolicyError: the two files do not agree with each other.
    """
    resolve(slis, soak)
    known = {sli.name: sli for sli in slis.slis}
    foreseen = {name for topic in _TOPICS for name in topic.legends}
    left = [gate for gate in soak.gates if gate.alert and gate.sli not in foreseen]
    others = [_Topic(title=gate.name.replace("_", " "), legends={gate.sli: gate.name}) for gate in left]
    panels = (_plan(topic, known, soak) for topic in (*_TOPICS, *others))
    return tuple(panel for panel in panels if panel.curves)


def live_query(gate: Gate, sli: Sli, soak: SoakPolicy) -> str:
    """Write what is drawn against the gate's limit, for the chosen bot, as this module's text says."""
    of_bot = replace(sli, measure=_narrow(sli.measure))
    if gate.alert is None or isinstance(sli.measure, ConditionTime):
        return of_bot.measure.promql(soak.window, {})
    if isinstance(of_bot.measure, Gauge):
        worst = "max_over_time" if gate.bound is Bound.AT_MOST else "min_over_time"
        return f"{worst}({of_bot.measure.selectors()[0].promql({})}[{_STEP}])"
    return alert_value(gate, of_bot, by=(BOT,))


def first_bad(gate: Gate) -> float:
    """The value from which on a threshold colours what is beyond the limit.

    Grafana's step begins at its value, and the limit itself is still good. For a measure the difference has no
    width; for a count whose limit is 0 it would colour every healthy value, so that the step is one count higher.
    """
    return gate.limit + 1 if gate.unit == "count" and gate.bound is Bound.AT_MOST else gate.limit


def _plan(topic: _Topic, known: Mapping[str, Sli], soak: SoakPolicy) -> Panel:
    gates = [gate for gate in soak.gates if gate.sli in topic.legends]
    curves = [curve for gate in gates for curve in _curves(gate, known[gate.sli], topic, soak)]
    words = [_describe(gate, known[gate.sli], soak) for gate in gates]
    return Panel(title=topic.title, description="\n\n".join(words), curves=tuple(curves))


def _curves(gate: Gate, sli: Sli, topic: _Topic, soak: SoakPolicy) -> Iterator[Curve]:
    first = sli.name == next(iter(topic.legends))
    yield Curve(
        query=live_query(gate, sli, soak),
        legend=topic.legends[sli.name],
        unit=gate.unit,
        gate=gate,
        apart=not first,
        bars=isinstance(sli.measure, CounterIncrease),
    )
    if first and topic.beside is not None:
        beside = topic.beside
        query = beside.write(gate, sli, soak)
        yield Curve(query=query, legend=beside.legend, unit=beside.unit, apart=beside.apart)


def _describe(gate: Gate, sli: Sli, soak: SoakPolicy) -> str:
    """Say which gate and which alert watch the limit, with the numbers of the policy."""
    limit = f"{gate.bound.sign} {gate.limit:g} {gate.unit} over {format_duration(soak.window)}"
    words = f"Gate {gate.name} ({gate.severity.value}): {limit}."
    if gate.alert is None:
        return f"{words} No alert."
    operator, number = comparison(gate, sli)
    alert = gate.alert
    over = f" over {format_duration(alert.window)}" if alert.window else ""
    held = f", held for {format_duration(alert.hold)}" if alert.hold else ""
    return f"{words} Alert {alert.name} ({alert.level.value}, {alert.action.value}): {operator} {number:g}{over}{held}."


def _narrow(measure: Kind) -> Kind:
    """The same measure, of the chosen bot."""
    match measure:
        case Ratio():
            above, below = (
                tuple(Selector(one.metric, {**one.match, **_CHOSEN}) for one in counters)
                for counters in (measure.numerator, measure.denominator)
            )
            return replace(measure, numerator=above, denominator=below)
        case HistogramQuantile() | Gauge() | CounterIncrease() | ConditionTime():
            return replace(measure, match={**measure.match, **_CHOSEN})
        case unknown:
            assert_never(unknown)


def _like(**changes: Any) -> Write:
    """The gate's own query, of another metric or other series."""

    def write(gate: Gate, sli: Sli, soak: SoakPolicy) -> str:
        if isinstance(sli.measure, Ratio):
            wanted = " and ".join(changes)
            raise PolicyError(f"slis.yaml: {sli.name}: expected a measure with {wanted} on the dashboard, was a ratio")
        return live_query(gate, replace(sli, measure=replace(sli.measure, **changes)), soak)

    return write


def _rest(gate: Gate, sli: Sli, soak: SoakPolicy) -> str:
    """What is missing to one."""
    return f"1 - {live_query(gate, sli, soak)}"


def _state(gate: Gate, sli: Sli, soak: SoakPolicy) -> str:
    """1 where the state was on at any look of the step, else 0."""
    if not isinstance(sli.measure, ConditionTime):
        found = sli.measure.kind
        raise PolicyError(f"slis.yaml: {gate.sli}: expected a condition_time on the dashboard, was {found}")
    selector = _narrow(sli.measure).selectors()[0].promql({})
    looks = format_duration(soak.scrape_interval)
    return f"max_over_time(({selector} == bool {sli.measure.equals:g})[{_STEP}:{looks}])"


_TOPICS = (
    _Topic(
        title="Net edge",
        legends={"edge_bps_ema24h": "24 h EMA"},
        beside=_Beside(legend="1 h EMA", write=_like(metric="mm_edge_bps_ema1h"), unit="bps"),
    ),
    _Topic(
        title="Tick latency, p95",
        legends={"tick_latency_p95_ms": "whole tick"},
        beside=_Beside(legend="fetching market data", write=_like(match={"stage": "fetch_md"}), unit="ms"),
    ),
    _Topic(title="Deadline misses per tick", legends={"deadline_miss_ratio": "missed"}),
    _Topic(
        title="Maker and taker share of notional",
        legends={"maker_share": "maker"},
        beside=_Beside(legend="taker", write=_rest, apart=True, unit="ratio"),
    ),
    _Topic(title="Market data cache hits", legends={"md_cache_hit_ratio": "hits"}),
    _Topic(
        title="Websocket lag",
        legends={"ws_lag_max_ms": "max"},
        beside=_Beside(legend="p95", write=_like(metric="mm_ws_lag_p95_ms"), unit="ms"),
    ),
    _Topic(
        title="Circuit breaker and guards",
        legends={"circuit_open_seconds": "breaker open, total", "guard_trips": "trips of {{guard}}"},
        beside=_Beside(legend="breaker open now", write=_state, apart=True, unit="count"),
    ),
)
