"""promtool's unit tests of the alerts on missing evidence and of the one that always fires."""

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction

from mm_ops.domain.bots import Bot
from mm_ops.domain.rendering.catalogue import Catalogue, matchers_of
from mm_ops.domain.rendering.policy import DRILL_LABEL, DRILL_METRIC
from mm_ops.domain.rendering.promtool import Check, Expected, RuleTest, nan
from mm_ops.domain.rendering.rules import AlertRule, all_alerts
from mm_ops.domain.rendering.stimulus import Phase, series_texts
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.alerting import SERIES_LABELS

STRIDE = 4
"""Steps between two samples that are written out one by one."""


def labels_of(catalogue: Catalogue, bot: Bot) -> dict[str, str]:
    """The labels of a bot's series in a test."""
    return {"job": catalogue.alerting.prometheus.job, "instance": f"{bot.name}:1", **matchers_of(bot)}


def expect(rule: AlertRule, series: Mapping[str, str], value: float = 0.0) -> Expected:
    """The alert of one series."""
    return Expected({**series, **rule.labels}, rule.said(series, value))


def absent_alerts(catalogue: Catalogue, present: Collection[str] = ()) -> list[Expected]:
    """The alerts for every series of the fleet that is needed and not among those present."""
    name = catalogue.alerting.no_data.absent.name
    rules = iter([rule for rule in all_alerts(catalogue) if rule.name == name])
    alerts = []
    for bot in catalogue.fleet.bots:
        for selectors in catalogue.needed().values():
            rule = next(rules)
            missing = [one for one in selectors if one.promql(labels_of(catalogue, bot)) not in present]
            alerts += [expect(rule, {**matchers_of(bot), **one.match}) for one in missing]
    return alerts


def no_data_tests(catalogue: Catalogue) -> Iterator[RuleTest]:
    """Build them; gates' alerts are tested apart."""
    yield _nothing_is_scraped(catalogue)
    yield from _not_finite(catalogue)
    yield from _stalled(catalogue)
    yield _target_down(catalogue)
    yield _drill(catalogue)


def steps_of(catalogue: Catalogue, name: str) -> int:
    """For how many steps an alert's condition must hold."""
    return next(rule.hold for rule in all_alerts(catalogue) if rule.name == name) // catalogue.soak.evaluation_interval


def not_finite_alert(catalogue: Catalogue, gauge: Selector, labels: Mapping[str, str]) -> Expected:
    """The alert for a gauge of one bot that is not a number."""
    name = catalogue.alerting.no_data.not_finite.name
    rules = [rule for rule in all_alerts(catalogue) if rule.name == name]
    return expect(rules[catalogue.gauges().index(gauge)], {**labels, **gauge.match})


def _rule(catalogue: Catalogue, name: str) -> AlertRule:
    return next(rule for rule in all_alerts(catalogue) if rule.name == name)


def _nothing_is_scraped(catalogue: Catalogue) -> RuleTest:
    absent, watchdog = catalogue.alerting.no_data.absent.name, catalogue.alerting.watchdog.name
    hold = steps_of(catalogue, absent)
    last = max(steps_of(catalogue, name) for name in catalogue.alert_names) + 1
    silent = [name for name in catalogue.alert_names if name not in {absent, watchdog}]
    beat = [expect(_rule(catalogue, watchdog), {})]
    return RuleTest(
        name="nothing is scraped: every absence is told, no gate's alert is, the watchdog goes on",
        series={},
        checks=[
            Check(absent, hold - 1),
            Check(absent, hold, absent_alerts(catalogue)),
            Check(absent, last, absent_alerts(catalogue)),
            *(Check(name, last) for name in silent),
            Check(watchdog, 0, beat),
            Check(watchdog, last, beat),
        ],
    )


def _not_finite(catalogue: Catalogue) -> Iterator[RuleTest]:
    """Test all gauges at once: promtool opens a database for every test."""
    name = catalogue.alerting.no_data.not_finite.name
    labels, hold = labels_of(catalogue, catalogue.fleet.bots[0]), steps_of(catalogue, name)
    series = [gauge.promql(labels) for gauge in catalogue.gauges()]
    alerts = [not_finite_alert(catalogue, gauge, labels) for gauge in catalogue.gauges()]
    for what, values in (("NaN", nan(hold, STRIDE)), ("infinite, then NaN", f"Inf -Inf {nan(hold, STRIDE)}")):
        yield RuleTest(
            name=f"every gauge is {what}",
            series=dict.fromkeys(series, values),
            checks=[Check(name, hold - 1), Check(name, hold, alerts)],
            stride=STRIDE,
        )
    numbers = dict.fromkeys(series, f"1x{hold + 1}")
    yield RuleTest(name="every gauge is a number", series=numbers, checks=[Check(name, hold)])


def _stalled(catalogue: Catalogue) -> Iterator[RuleTest]:
    condition = catalogue.alerting.no_data.stalled
    labels, rule = labels_of(catalogue, catalogue.fleet.bots[0]), _rule(catalogue, condition.name)
    window, hold = condition.window // catalogue.soak.evaluation_interval, steps_of(catalogue, condition.name)
    series = Selector(condition.metric).promql(labels)
    grows, still = {series: Fraction(1)}, {series: Fraction(0)}
    fire = window + window + hold
    alert = expect(rule, {name: labels[name] for name in SERIES_LABELS})
    frozen = [Phase(grows, window), Phase(still, window + hold), Phase(grows, 2)]
    yield RuleTest(
        name=f"{condition.metric} stands still, then grows again",
        series=series_texts(frozen, counted=True),
        checks=[
            Check(condition.name, fire - 1),
            Check(condition.name, fire, [alert]),
            Check(condition.name, fire + 1),
        ],
    )
    restarted = [Phase(grows, window), Phase(grows, window + hold, reset=True)]
    yield RuleTest(
        name=f"{condition.metric} begins again at 0 after a restart: it grows",
        series=series_texts(restarted, counted=True),
        checks=[Check(condition.name, step) for step in (window + 1, window + hold, window + window + hold)],
    )
    yield RuleTest(
        name=f"{condition.metric} is not a number: nothing is known of its growth",
        series={series: nan(fire, STRIDE)},
        checks=[Check(condition.name, fire)],
        stride=STRIDE,
    )


def _target_down(catalogue: Catalogue) -> RuleTest:
    name = catalogue.alerting.no_data.target_down.name
    labels, hold = labels_of(catalogue, catalogue.fleet.bots[0]), steps_of(catalogue, name)
    series = Selector("up").promql(labels)
    up, down = {series: Fraction(1)}, {series: Fraction(0)}
    phases = [Phase(up, 3), Phase(down, hold), Phase(up, 2), Phase(down, hold + 1), Phase(up, 2)]
    fire = 3 + hold + 2 + 1 + hold
    return RuleTest(
        name="a bot does not answer: one scrape less than it takes, then as many as it takes",
        series=series_texts(phases, counted=False),
        checks=[
            Check(name, 3 + hold),
            Check(name, fire - 1),
            Check(name, fire, [expect(_rule(catalogue, name), labels)]),
            Check(name, fire + 1),
        ],
    )


def _drill(catalogue: Catalogue) -> RuleTest:
    """Test that one drill is one alert however many watchers tell of it, and that it is over when none does."""
    name, labels = catalogue.alerting.drill.name, {"bot": catalogue.fleet.bots[0].name, DRILL_LABEL: "d1"}
    told = [Selector(DRILL_METRIC, {**labels, "instance": instance}).promql({}) for instance in ("a", "b")]
    alert = expect(_rule(catalogue, name), labels)
    return RuleTest(
        name="a fire drill is asked for, by two watchers at once, and then closed",
        series={told[0]: "_ 1 1 stale", told[1]: "_ _ 1 1 stale"},
        checks=[Check(name, 0), Check(name, 1, [alert]), Check(name, 3, [alert]), Check(name, 4)],
    )
