"""What a real Prometheus 2.42 answered to 396 instant queries over recorded samples, against our evaluation.

Of its 36 queries (11 times each) 33 are of kinds that we evaluate; why not the other three is in ``NOT_OURS``. Of
those 363 answers 361 are ours too; the other two are of instant selectors during the outage of a restart, empty
because the server had written stale markers, which the samples do not hold: there we see the last sample for as long
as the lookback.
"""

import functools
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest

from mm_ops.adapters import renderings
from mm_ops.domain.sli.bucket_quantiles import histogram_quantiles
from mm_ops.domain.sli.gauges import Gauge
from mm_ops.domain.sli.instants import Instants, Times, chosen, divide, latest, sum_by
from mm_ops.domain.sli.measurement import Scope
from mm_ops.domain.sli.range_functions import (
    changes,
    count_over_time,
    delta,
    increase,
    irate,
    last_over_time,
    over_time,
    quantile_over_time,
    rate,
    resets,
)
from mm_ops.domain.sli.series import Selector, Series
from mm_ops.domain.windows import TimeWindow, from_ns
from mm_ops_tests.requirements import PROJECT, require_data

pytestmark = pytest.mark.integration

Range = Callable[[Series, Times, timedelta], Instants]
Evaluation = Callable[[Sequence[Series], Times], list[Instants]]
Labels = tuple[tuple[str, str], ...]
NS_PER_MS = 1_000_000
HALF_MINUTE, MINUTE, TWO_MINUTES = timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)
LATENCY = "mm_quote_latency_seconds"
INVENTORY, SPREAD = "mm_inventory_base", "mm_quoted_spread_bps"
STALE = [("mm_fills_total offset 30s", 1795445678.336), (INVENTORY, 1795445651.336)]


def of(function: Range, metric: str, window: timedelta) -> Evaluation:
    return lambda table, times: [function(one, times, window) for one in chosen(table, Selector(metric))]


def quantiles(q: float, buckets: Evaluation) -> Evaluation:
    return lambda table, times: histogram_quantiles(q, buckets(table, times))


def summed(inner: Evaluation, *by: str) -> Evaluation:
    return lambda table, times: sum_by(inner(table, times), by)


def ratio(above: Evaluation, below: Evaluation) -> Evaluation:
    return lambda table, times: divide(above(table, times), below(table, times))


def instant(metric: str, offset: timedelta = timedelta(0)) -> Evaluation:
    earlier = round(offset.total_seconds() * 1e9)
    return lambda table, times: [latest(one, times - earlier) for one in chosen(table, Selector(metric))]


def mean_over_time(series: Series, times: Times, window: timedelta) -> Instants:
    total, count = over_time(np.add, series, times, window), count_over_time(series, times, window)
    return divide([total], [count])[0]


BUCKETS = of(rate, f"{LATENCY}_bucket", MINUTE)
EVALUATIONS: dict[str, Evaluation] = {
    f"avg_over_time({INVENTORY}[30s])": of(mean_over_time, INVENTORY, HALF_MINUTE),
    f"avg_over_time({SPREAD}[1m])": of(mean_over_time, SPREAD, MINUTE),
    "avg_over_time(up[1m])": of(mean_over_time, "up", MINUTE),
    f"changes({INVENTORY}[1m])": of(changes, INVENTORY, MINUTE),
    f"count_over_time({SPREAD}[1m])": of(count_over_time, SPREAD, MINUTE),
    f"delta({INVENTORY}[1m])": of(delta, INVENTORY, MINUTE),
    f"histogram_quantile(0.95, sum by (le) (rate({LATENCY}_bucket[30s])))": quantiles(
        0.95, summed(of(rate, f"{LATENCY}_bucket", HALF_MINUTE), "le")
    ),
    "increase(mm_fills_total[1m])": of(increase, "mm_fills_total", MINUTE),
    "increase(mm_order_errors_total[2m])": of(increase, "mm_order_errors_total", TWO_MINUTES),
    "irate(mm_orders_total[30s])": of(irate, "mm_orders_total", HALF_MINUTE),
    f"last_over_time({SPREAD}[1m])": of(last_over_time, SPREAD, MINUTE),
    f"max_over_time({SPREAD}[1m])": of(partial(over_time, np.fmax), SPREAD, MINUTE),
    f"min_over_time({SPREAD}[1m])": of(partial(over_time, np.fmin), SPREAD, MINUTE),
    "mm_fills_total offset 30s": instant("mm_fills_total", HALF_MINUTE),
    INVENTORY: instant(INVENTORY),
    "rate(mm_fills_total[30s])": of(rate, "mm_fills_total", HALF_MINUTE),
    "rate(mm_orders_total[1m])": of(rate, "mm_orders_total", MINUTE),
    f"rate({LATENCY}_sum[1m]) / rate({LATENCY}_count[1m])": ratio(
        of(rate, f"{LATENCY}_sum", MINUTE), of(rate, f"{LATENCY}_count", MINUTE)
    ),
    "resets(mm_fills_total[2m])": of(resets, "mm_fills_total", TWO_MINUTES),
    "sum by (symbol) (rate(mm_fills_total[1m]))": summed(of(rate, "mm_fills_total", MINUTE), "symbol"),
    "sum(rate(mm_order_errors_total[1m])) / sum(rate(mm_orders_total[1m]))": ratio(
        summed(of(rate, "mm_order_errors_total", MINUTE)), summed(of(rate, "mm_orders_total", MINUTE))
    ),
    f"sum_over_time({SPREAD}[1m])": of(partial(over_time, np.add), SPREAD, MINUTE),
}
EVALUATIONS |= {
    f"histogram_quantile({q:g}, rate({LATENCY}_bucket[1m]))": quantiles(q, BUCKETS)
    for q in (0, 0.5, 0.9, 0.95, 0.99, 1)
}
EVALUATIONS |= {
    f"quantile_over_time({q:g}, {INVENTORY}[1m])": of(partial(quantile_over_time, q), INVENTORY, MINUTE)
    for q in (0, 0.25, 0.5, 0.95, 1)
}


@functools.cache
def read_table() -> list[Series]:
    text = require_data("prometheus_series/samples.json").read_text(encoding="utf-8")
    table = []
    for entry in json.loads(text)["samples"]:
        labels = dict(entry["metric"])
        times = np.array([to_ns(time) for time, _ in entry["values"]], dtype=np.int64)
        values = np.array([float(value) for _, value in entry["values"]])
        table.append(Series(labels.pop("__name__"), labels, times, values))
    return table


def to_ns(seconds: float) -> int:
    """Through whole milliseconds, as the server keeps them."""
    return round(seconds * 1000) * NS_PER_MS


@functools.cache
def read_answers() -> list[dict[str, Any]]:
    text = require_data("prometheus_series/answers.json").read_text(encoding="utf-8")
    answers: list[dict[str, Any]] = json.loads(text)["answers"]
    return answers


def key_of(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in labels.items() if name != "__name__"))


def evaluate(query: str, times: Sequence[float]) -> list[dict[Labels, float]]:
    """Our answer at each time: label set to value, without those that have no sample."""
    ours = EVALUATIONS[query](read_table(), np.array([to_ns(time) for time in times], dtype=np.int64))
    return [{key_of(one.labels): float(one.values[n]) for one in ours if one.present[n]} for n in range(len(times))]


NOT_OURS = {
    "deriv": "a least-squares slope, which one bad sample turns: trends are Theil-Sen over hourly buckets (soak.trend)",
    "stddev_over_time": "no limit is on a spread: quantiles, extremes and shares say more of what is not normal",
    "stdvar_over_time": "as stddev_over_time, whose square it is",
}
"""Functions of the answers that no SLI, alert or panel of ours has, and why."""


def test_the_queries_that_we_do_not_evaluate_are_these() -> None:
    asked = Counter(answer["query"] for answer in read_answers())
    functions = Counter(query.partition("(")[0] for query in asked.elements() if query not in EVALUATIONS)
    assert functions == dict.fromkeys(NOT_OURS, 11)
    assert sum(asked.values()) == 396
    assert sum(asked[query] for query in EVALUATIONS) == 363


@pytest.mark.parametrize("path", [renderings.RULES, renderings.DASHBOARD, "deploy/policies/slis.yaml"])
def test_nothing_of_ours_asks_a_server_for_them(path: str) -> None:
    text = (PROJECT / path).read_text(encoding="utf-8")
    assert [name for name in NOT_OURS if name in text] == []


def test_the_answers_are_the_server_s() -> None:
    compared = 0
    for query in EVALUATIONS:
        answers = [answer for answer in read_answers() if answer["query"] == query]
        for answer, ours in zip(answers, evaluate(query, [answer["time"] for answer in answers]), strict=True):
            if (query, answer["time"]) in STALE:
                continue
            theirs = {key_of(result["metric"]): float(result["value"]) for result in answer["result"]}
            assert ours == pytest.approx(theirs, rel=1e-9, abs=0, nan_ok=True), (query, answer["time"])
            compared += 1
    assert compared == 361


def test_after_a_stale_marker_the_server_sees_nothing_and_we_the_last_sample() -> None:
    for query, time in STALE:
        (answer,) = [one for one in read_answers() if (one["query"], one["time"]) == (query, time)]
        assert answer["result"] == []
        assert evaluate(query, [time])[0]


@pytest.mark.parametrize(("statistic", "function"), [("min", "min"), ("max", "max"), ("mean", "avg"), ("last", "last")])
def test_a_gauge_over_a_window_is_the_server_s(statistic: Literal["min", "max", "mean", "last"], function: str) -> None:
    """No sample lies on an edge of these windows, so that the half-open one holds the same samples."""
    query = f"{function}_over_time({SPREAD}[1m])"
    answers = [answer for answer in read_answers() if answer["query"] == query]
    for answer in answers:
        scope = Scope(TimeWindow.ending(from_ns(to_ns(answer["time"])), MINUTE), timedelta(seconds=1))
        for result in answer["result"]:
            gauge = Gauge(metric=SPREAD, match={"symbol": result["metric"]["symbol"]}, statistic=statistic)
            theirs = float(result["value"])
            expected = pytest.approx(theirs, rel=1e-9, abs=0) if math.isfinite(theirs) else None
            assert gauge.evaluate(read_table(), scope).value == expected
    assert [len(answer["result"]) for answer in answers] == [2] * 11
