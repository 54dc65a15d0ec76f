from datetime import timedelta

import promql_parser
import pytest

from mm_ops.domain.sli.catalogue import Sli
from mm_ops.domain.sli.kinds import ConditionTime, CounterIncrease, Gauge, HistogramQuantile, Kind, Ratio
from mm_ops.domain.sli.series import Selector
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
