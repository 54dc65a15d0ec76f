from datetime import timedelta
from typing import Any

import numpy as np
import promql_parser
import pytest

from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.kinds import ConditionTime, CounterIncrease, Gauge, HistogramQuantile, Kind, Ratio
from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.windows import NS_PER_SECOND
from mm_ops_tests.domain.sli.small import scope, series
from mm_ops_tests.soak_samples import catalogue

DAYS = timedelta(hours=72)
BOT = {"bot": "paper"}
A = 'sum(increase(a{bot="paper"}[72h]))'


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (
            HistogramQuantile(metric="d", match={"stage": "t"}, q=0.95, bounds=(1.0,)),
            'histogram_quantile(0.95, sum by (le) (increase(d_bucket{bot="paper",stage="t"}[72h])))',
        ),
        (
            Ratio(numerator=(Selector("a"),), denominator=(Selector("a"), Selector("b"))),
            f"{A} / ({A} + {A.replace('(a', '(b')})",
        ),
        (Gauge(metric="g", statistic="min"), 'min_over_time(g{bot="paper"}[72h])'),
        (Gauge(metric="g", statistic="max"), 'max_over_time(g{bot="paper"}[72h])'),
        (Gauge(metric="g", statistic="mean"), 'avg_over_time(g{bot="paper"}[72h])'),
        (Gauge(metric="g", statistic="last"), 'last_over_time(g{bot="paper"}[72h])'),
        (Gauge(metric="g", statistic="changes"), 'changes(g{bot="paper"}[72h])'),
        (CounterIncrease(metric="c", by={"guard": ("x",)}), 'sum(increase(c{bot="paper"}[72h]))'),
        (
            ConditionTime(metric="b", match={"state": "open"}),
            'sum_over_time((b{bot="paper",state="open"} == bool 1)[72h:15s]) * 15',
        ),
    ],
)
def test_each_kind_has_its_query(kind: Kind, text: str) -> None:
    assert kind.promql(DAYS, BOT) == text


@pytest.mark.parametrize("sli", catalogue().slis, ids=lambda sli: sli.name)
def test_every_query_of_the_catalogue_is_promql(sli: Sli) -> None:
    expression = promql_parser.parse(sli.measure.promql(DAYS, BOT))
    assert expression is not None


TWO_MINUTES = timedelta(minutes=2)
TIMES = scope().window.start_ns + np.array([0, 30, 60]) * NS_PER_SECOND


def alert_values(kind: Kind, *table: Series) -> dict[str, list[Any]]:
    """For each bot, or bot and further label, the value at 0 s, 30 s and 60 s."""
    found = kind.alert_values(table, TIMES, TWO_MINUTES, ("bot",))
    return {
        ",".join(one.labels.values()): [
            value if there else None for value, there in zip(one.values.tolist(), one.present.tolist(), strict=True)
        ]
        for one in found
    }


@pytest.mark.parametrize(
    "kind",
    [Gauge(metric="g", statistic="max"), ConditionTime(metric="g", match={"state": "open"})],
    ids=["gauge", "condition"],
)
def test_an_alert_looks_at_each_sample_of_a_gauge_whatever_its_statistic(kind: Kind) -> None:
    table = [series("g", [1, 5, 2, 3, 4], bot=bot, state="open") for bot in "xy"]
    assert alert_values(kind, *table) == {"x,open": [1, 2, 4], "y,open": [1, 2, 4]}


def test_an_alert_looks_at_the_ratio_of_rates_and_at_none_where_nothing_was_counted() -> None:
    """From 0 s on 1 of 4 is missed, for x; y stands still."""
    ratio = Ratio(numerator=(Selector("bad"),), denominator=(Selector("bad"), Selector("good")))
    bad, good = series("bad", [0, 1, 2, 3, 4], bot="x"), series("good", [0, 3, 6, 9, 12], bot="x")
    still = [series(metric, [7] * 5, bot="y") for metric in ("bad", "good")]
    found = alert_values(ratio, bad, good, *still)
    assert found == {"x": [None, pytest.approx(0.25), pytest.approx(0.25)], "y": [None, None, None]}


def test_an_alert_looks_at_an_increase_for_each_of_the_labels_that_are_counted_apart() -> None:
    """Of 120 s only some are sampled, with half a step more where the range began long before: 2 * (30 + 7.5) / 30."""
    kind = CounterIncrease(metric="c", by={"guard": ("a", "b")})
    found = alert_values(
        kind, series("c", [5, 6, 7, 7, 7], bot="x", guard="a"), series("c", [0] * 5, bot="x", guard="b")
    )
    assert found == {"x,a": [None, 2.5, pytest.approx(2 * 67.5 / 60)], "x,b": [None, 0, 0]}


def test_an_alert_looks_at_the_quantile_of_a_short_window_for_each_bot() -> None:
    """Half of the ticks take up to 10 ms, half up to 20 ms: the quantile 0.75 lies at 15 ms."""
    kind = HistogramQuantile(metric="h", q=0.75, bounds=(10.0, 20.0))
    table = [
        series("h_bucket", [step * n for n in range(5)], bot=bot, le=le)
        for bot in "xy"
        for le, step in (("10", 5), ("20.0", 10), ("+Inf", 10))
    ]
    assert alert_values(kind, *table) == {bot: [None, pytest.approx(15), pytest.approx(15)] for bot in "xy"}
    assert alert_values(kind) == {}
