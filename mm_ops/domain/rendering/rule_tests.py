"""promtool's unit tests of the rendered rules: each alert fires, and does not when it must not.

A step is one evaluation and one scrape. Each gate's alert is tested on the series of the fleet's first bot:

    fires        beyond the limit, not one step before ``for`` is over; up through ``keep_firing_for``, then not
    inside       just inside the limit, for longer than ``for``
    interrupted  beyond the limit, but for good steps before ``for`` is over
    reset        counters only: a restart neither raises the alert nor ends a breach
    nan          no comparison with NaN holds; a gauge has an alert of its own for it
    absent       its series are not there, all others are: their absence is told, and nothing else
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mm_ops.domain.rendering.catalogue import Catalogue, Watched, needed_series
from mm_ops.domain.rendering.no_data_tests import (
    STRIDE,
    absent_alerts,
    expect,
    labels_of,
    no_data_tests,
    not_finite_alert,
    steps_of,
)
from mm_ops.domain.rendering.promtool import Check, Expected, RuleTest, nan
from mm_ops.domain.rendering.rules import AlertRule, gate_rules
from mm_ops.domain.rendering.stimulus import Phase, Stimulus, series_texts, stimulate
from mm_ops.domain.sli.counters import CounterIncrease
from mm_ops.domain.soak.alerting import SERIES_LABELS
from mm_ops.domain.windows import format_duration


def build_rule_tests(catalogue: Catalogue, rule_file: str) -> dict[str, Any]:
    """Build promtool's test file for the rules of the same catalogue."""
    interval = catalogue.soak.evaluation_interval
    pairs = zip(catalogue.watched, gate_rules(catalogue), strict=True)
    tests = [test for one, rule in pairs for test in _GateTests.of(catalogue, one, rule).all()]
    tests += no_data_tests(catalogue)
    return {
        "rule_files": [rule_file],
        "evaluation_interval": format_duration(interval),
        "tests": [test.plain(interval) for test in tests],
    }


@dataclass(frozen=True, slots=True)
class _GateTests:
    catalogue: Catalogue
    one: Watched
    rule: AlertRule
    labels: dict[str, str]
    stimulus: Stimulus
    hold: int
    window: int

    @classmethod
    def of(cls, catalogue: Catalogue, one: Watched, rule: AlertRule) -> "_GateTests":
        interval, labels = catalogue.soak.evaluation_interval, labels_of(catalogue, catalogue.fleet.bots[0])
        window = 0 if one.alert.window is None else one.alert.window // interval
        hold = one.alert.hold // interval
        return cls(catalogue, one, rule, labels, stimulate(one, labels, window, hold), hold, window)

    @property
    def fire(self) -> int:
        """The step at which a breach from the start on begins to fire."""
        return self.stimulus.lead + self.hold

    @property
    def keep(self) -> int:
        """For how many steps the alert stays up after a breach."""
        return self.one.alert.keep_firing_for // self.catalogue.soak.evaluation_interval

    def all(self) -> Iterator[RuleTest]:
        yield self._fires()
        yield self._inside()
        if self.hold > self.stimulus.tail:
            yield self._interrupted()
        if self.stimulus.counted:
            yield from self._resets()
        yield self._nan()
        yield self._absent()

    def _test(self, what: str, phases: Sequence[Phase], checks: Sequence[Check]) -> RuleTest:
        series = series_texts(phases, counted=self.stimulus.counted)
        return RuleTest(name=f"{self.rule.name}: {what}", series=series, checks=checks)

    def _check(self, step: int, *expected: Expected) -> Check:
        return Check(self.rule.name, step, expected)

    def _alert(self, value: float) -> Expected:
        """A gauge keeps all its labels, a sum keeps those that tell bots apart."""
        kept = {name: self.labels[name] for name in SERIES_LABELS} if self.stimulus.counted else self.labels
        return expect(self.rule, {**kept, **self.stimulus.apart}, value)

    def _fires(self) -> RuleTest:
        end = self.fire + 2
        over = end + self.stimulus.tail + self.keep
        phases = [Phase(self.stimulus.beyond, end), Phase(self.stimulus.best, over - end + 1)]
        checks = [
            self._check(self.fire, self._alert(self.stimulus.value)),
            self._check(over - 1, self._alert(self.stimulus.last)),
            self._check(over),
        ]
        early = [self._check(self.fire - 1)] if self.fire else []
        return self._test("just beyond the limit", phases, [*early, *checks])

    def _inside(self) -> RuleTest:
        phases = [Phase(self.stimulus.burst, 1), Phase(self.stimulus.inside, self.fire + 3)]
        return self._test("just inside the limit", phases, [self._check(self.fire), self._check(self.fire + 4)])

    def _interrupted(self) -> RuleTest:
        """A count stays in its window: what is interrupted must be shorter by that."""
        phases = [
            Phase(self.stimulus.beyond, self.fire - self.stimulus.tail),
            Phase(self.stimulus.best, self.stimulus.tail),
            Phase(self.stimulus.beyond, self.hold - 1),
        ]
        last = sum(phase.steps for phase in phases)
        return self._test("beyond the limit, interrupted", phases, [self._check(self.fire), self._check(last)])

    def _resets(self) -> Iterator[RuleTest]:
        half, level = self.fire // 2 + 1, self.stimulus
        if isinstance(self.one.sli.measure, CounterIncrease):
            over = self.window + self.keep + 1
            phases = [Phase(level.beyond, 1), Phase(level.best, over), Phase(level.best, 3, reset=True)]
            yield self._test("a restart counts nothing", phases, [self._check(over + 4)])
            return
        phases = [Phase(level.beyond, half), Phase(level.beyond, self.fire, reset=True)]
        yield self._test("a restart does not end a breach", phases, [self._check(self.fire, self._alert(level.value))])
        phases = [Phase(level.inside, half), Phase(level.inside, self.fire, reset=True)]
        yield self._test("a restart is no breach", phases, [self._check(half), self._check(self.fire + half)])

    def _nan(self) -> RuleTest:
        """Of a gauge, its own alert says that it is not a number."""
        name = self.catalogue.alerting.no_data.not_finite.name
        last = max(self.fire, steps_of(self.catalogue, name)) + 1
        series = dict.fromkeys(self.stimulus.beyond, nan(last, STRIDE))
        selector = self.one.sli.measure.selectors()[0]
        gauge = selector in self.catalogue.gauges()
        told = [Check(name, last, [not_finite_alert(self.catalogue, selector, self.labels)])] if gauge else []
        checks = [self._check(last), *told]
        return RuleTest(name=f"{self.rule.name}: not a number", series=series, checks=checks, stride=STRIDE)

    def _absent(self) -> RuleTest:
        name = self.catalogue.alerting.no_data.absent.name
        hold = steps_of(self.catalogue, name)
        last = max(self.fire, hold) + 1
        own = needed_series(self.one.sli)
        others = [one for of in self.catalogue.needed().values() for one in of if one not in own]
        series = {one.promql(self.labels): f"1x{last}" for one in others}
        checks = [self._check(last), Check(name, hold, absent_alerts(self.catalogue, series))]
        return RuleTest(name=f"{self.rule.name}: its series are absent", series=series, checks=checks)
